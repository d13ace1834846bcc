import Foundation
import Glibc
import TestSupport
import Testing

@testable import Shared

@Suite struct ConfigurationTests {
    private func configuration(
        _ arguments: [String] = [], _ environment: [String: String] = [:]
    ) throws -> Configuration {
        try Configuration(arguments: arguments, environment: environment)
    }

    /// A file with this text that goes with the test.
    private func withFile(_ text: String, mode: mode_t = 0o600, _ body: (String) throws -> Void) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/settings"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(chmod(path, mode) == 0)
        try withExtendedLifetime(folder) { try body(path) }
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `flags win over the environment, which wins over the file`() throws {
        let file = """
            # A comment, and a blank line.

            MARTLET_A_ONE=file
            MARTLET_A_TWO = file
              MARTLET_A_THREE=file=with=signs
            MARTLET_A_FOUR=
            """
        try withFile(file) { path in
            var configuration = try configuration(
                ["--config", path, "--a-one", "flag", "--a-five=flag=x"],
                ["MARTLET_A_ONE": "environment", "MARTLET_A_TWO": "environment", "OTHER": "x"])
            #expect(configuration.string("a.one") == "flag")
            #expect(configuration.string("a.two") == "environment")
            #expect(configuration.string("a.three") == "file=with=signs")
            #expect(configuration.string("a.four") == nil)
            #expect(configuration.string("a.four", default: "default") == "default")
            #expect(configuration.string("a-five") == "flag=x")
            #expect(configuration.string("other") == nil)
            try configuration.rejectUnknownFlags()

            var byEnvironment = try self.configuration([], ["MARTLET_CONFIG": path])
            #expect(byEnvironment.string("a.one") == "file")
        }
    }

    @Test func `errors name the key as it was written`() throws {
        var configuration = try configuration(
            ["--a-number", "12x", "--a-switch=yes", "--a-place", "http://x"], ["MARTLET_A_LARGE": "1001"])
        #expect(
            refusal { _ = try configuration.integer("a.number", default: 1, in: 1...9) }?.contains(
                "MARTLET_A_NUMBER='12x'") == true)
        let outOfRange = refusal { _ = try configuration.integer("a.large", default: 1, in: 1...1_000) }
        #expect(outOfRange?.contains("MARTLET_A_LARGE='1001'") == true)
        #expect(outOfRange?.contains("1...1000") == true)
        #expect(
            refusal { _ = try configuration.isOn("a.switch", default: true) }?.contains("MARTLET_A_SWITCH='yes'")
                == true)
        #expect(
            refusal { _ = try configuration.endpoints("a.place", default: "") }?.contains("MARTLET_A_PLACE") == true)
    }

    @Test func `numbers, switches and places are read, or have their default`() throws {
        var configuration = try configuration([
            "--n", "-5", "--on", "on", "--off=off", "--places", "ipc:///a,inproc://b,tcp://127.0.0.1:1",
        ])
        #expect(try configuration.integer("n", default: 1, in: -5...5) == -5)
        #expect(try configuration.integer("m", default: 7, in: 1...5) == 7)
        #expect(try configuration.isOn("on", default: false))
        #expect(try !configuration.isOn("off", default: true))
        #expect(try configuration.isOn("neither", default: true))
        let places = try configuration.endpoints("places", default: "")
        #expect(places.map(\.description) == ["ipc:///a", "inproc://b", "tcp://127.0.0.1:1"])
        #expect(places.map(\.path) == ["/a", nil, nil])
    }

    @Test(arguments: [["-x", "1"], ["x"], ["--"], ["--x"], ["--a=1", "stray"]])
    func `arguments that are no options are refused`(_ arguments: [String]) {
        #expect(throws: Configuration.Invalid.self) { try configuration(arguments) }
    }

    @Test func `an option that nobody asks for is refused`() throws {
        var configuration = try configuration(["--gateway-listn", "x", "--data", "y"], ["MARTLET_TYPO": "not a flag"])
        _ = configuration.string("data")
        #expect(refusal { try configuration.rejectUnknownFlags() } == "unknown option --gateway-listn")
    }

    @Test(arguments: ["listen=1", "MARTLET_X", "OTHER_X=1"])
    func `a line of a file that is no setting is refused with its place`(_ line: String) throws {
        try withFile("MARTLET_A=1\n\(line)\n") { path in
            let refusal = refusal { _ = try configuration(["--config", path]) }
            #expect(refusal?.contains("\(path):2") == true)
        }
    }

    @Test func `a file that is not there, or too long, is refused`() throws {
        #expect(
            refusal { _ = try configuration(["--config", "/nonexistent/martlet"]) }?.contains("/nonexistent/martlet")
                == true)
        try withFile(String(repeating: "#", count: TextFile.maxBytes + 1)) { path in
            #expect(throws: Configuration.Invalid.self) { try configuration(["--config", path]) }
        }
    }

    @Test(arguments: [
        "", "x", "://", "ipc://", "http://a", "ipc", "IPC:///a", "ipc://" + String(repeating: "a", count: 108),
    ])
    func `what is no endpoint is refused`(_ text: String) {
        #expect(throws: BusEndpoint.Invalid.self) { try BusEndpoint(text) }
    }

    @Test func `key files must be private and hold a pair`() throws {
        let keys = try CurveKeyPair.generate()
        let other = try CurveKeyPair.generate()
        let text = "public=\(keys.publicKey)\nsecret=\(keys.secretKey)\n"
        try withFile(text) { path throws in #expect(try CurveKeyFile.read(path) == keys) }
        for mode in [0o640, 0o604, 0o660, 0o644] as [mode_t] {
            try withFile(text, mode: mode) { path in
                #expect(throws: Configuration.Invalid.self) { try CurveKeyFile.read(path) }
            }
        }
        for text in [
            "", "public=\(keys.publicKey)\n", "public=\(keys.publicKey)\nsecret=\(other.secretKey)\n",
            "public=x\nsecret=y\n",
        ] {
            try withFile(text) { path in
                let refusal = refusal { _ = try CurveKeyFile.read(path) }
                #expect(refusal?.contains(path) == true)
                #expect(refusal?.contains(other.secretKey) == false)
            }
        }
        #expect(throws: SystemError.self) { try CurveKeyFile.read("/nonexistent/key") }
    }
}
