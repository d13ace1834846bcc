import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// `martlet run` with the real executables; its own tests use stand-ins.
    @Suite struct RunTests {
        @Test func `martlet run starts all four, starts one again that was killed, and stops them`() async throws {
            try await withStack(.stopped) { stack in
                var launch = ChildProcess.Launch("\(Stack.binaries)/martlet", output: "\(stack.folder)/run.log")
                launch.arguments = ["run", "--data", stack.dataPath]
                launch.environment = [
                    "MARTLET_BIN_DIR": Stack.binaries, "MARTLET_GATEWAY_LISTEN": "127.0.0.1:0",
                    "MARTLET_RUNTIME": stack.runtimePath, "MARTLET_AUTH_SCRYPT_N": "1024", "MARTLET_AUTH_SCRYPT_R": "8",
                    "MARTLET_AUTH_SCRYPT_P": "1", "PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": stack.folder,
                ]
                launch.group = stack.group.id
                let run = try ChildProcess.start(launch)
                // Killed with -9 it leaves its processes to the kernel, which asks them to stop.
                defer { run.signal(SIGKILL) }
                func log() -> String { (try? String(contentsOfFile: launch.output, encoding: .utf8)) ?? "" }
                func until(_ line: String) async throws {
                    try await eventually("martlet run says: \(line)", within: .seconds(20)) {
                        try #require(run.end == nil, "martlet run ended: \(log())")
                        return log().contains(line)
                    }
                }

                try await until("ready: http://")
                let port = try #require(log().firstMatch(of: /listening address=127\.0\.0\.1:([0-9]+)/)?.output.1)
                let pair = try await Pair.make("Pair", port: #require(Int(port)))
                try await pair.one.say("before", to: pair.conversation)
                let first = try #require(log().firstMatch(of: /message-svc started .*pid=([0-9]+)/)?.output.1)
                kill(try #require(pid_t(first)), SIGKILL)
                try await until("message-svc ended (killed by SIGKILL)")
                try await until("message-svc started again")
                try await eventually("messages are taken again") {
                    await pair.one.send("after", to: pair.conversation, clientID: "after").isOK
                }
                #expect(try await pair.one.chain(of: pair.conversation).dropFirst().map(\.text) == ["before", "after"])

                run.signal(SIGINT)
                #expect(await run.end(within: .seconds(20)) == .exited(0))
                #expect(try Self.processes(naming: stack.dataPath).isEmpty)
            }
        }

        /// The command lines of the processes that mention a folder.
        private static func processes(naming folder: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap { pid in
                // A process may end while it is looked at.
                guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return nil }
                let line = String(decoding: data, as: UTF8.self).split(separator: "\0").joined(separator: " ")
                return line.contains(folder) ? line : nil
            }
        }
    }
}
