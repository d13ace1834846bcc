import Foundation
import TestSupport
import Testing

/// A folder in which `martlet run` works with stand-ins for the real processes.
///
/// A stand-in notes `<name> start` and `<name> stop` in the data folder, answers `/readyz`, and does what a file
/// `<name>.<behaviour>` in the data folder asks for: `sleeps`, `fails`, `crashes`, `hangs`, `dawdles`.
final class RunFixture {
    static let services = ["auth-svc", "social-svc", "message-svc", "gateway"]

    var folder: String { temporaryFolder.path }
    private let temporaryFolder = TemporaryFolder()
    /// Variables beside those that every run needs.
    var environment: [String: String] = [:]
    /// Ends with this process whatever was left running.
    private let group: ProcessGroup
    private var runs = 0

    init() throws {
        group = try ProcessGroup()
        try FileManager.default.createDirectory(atPath: "\(folder)/bin", withIntermediateDirectories: false)
        let standIn = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("stand-in")
            .path
        for name in Self.services {
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/bin/\(name)", withDestinationPath: standIn)
        }
    }

    /// Kills what is left.
    func end() async throws {
        await group.killAll()
        for pid in try remaining() { kill(pid, SIGKILL) }
    }

    /// Starts `martlet run` as a terminal does: with the folder as its working directory.
    ///
    /// - Parameter executables: the folder of the stand-ins, from ``folder``.
    func launch(_ arguments: String..., executables: String = "bin") throws -> Run {
        runs += 1
        var launch = ChildProcess.Launch("/bin/sh", output: "\(folder)/run-\(runs).log")
        launch.arguments = ["-c", "cd \"$0\" && exec \"$@\"", folder, "\(Stack.binaries)/martlet", "run"] + arguments
        launch.environment = [
            "MARTLET_BIN_DIR": "\(folder)/\(executables)", "PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": folder,
            "XDG_RUNTIME_DIR": folder,
        ].merging(environment) { $1 }
        return Run(process: try ChildProcess.start(launch), log: launch.output)
    }

    // MARK: - What the stand-ins left behind

    /// Asks stand-ins of a data folder for something.
    func ask(_ behaviour: String, of service: String, in data: String = "data") throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(data)", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: "\(folder)/\(data)/\(service).\(behaviour)"))
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }

    /// The lines of a file in the folder; none when there is no such file.
    func lines(of file: String) -> [String] {
        let text = try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    /// The services in the order in which they stopped.
    func stopped(in data: String = "data") -> [String] {
        lines(of: "\(data)/events").filter { $0.hasSuffix(" stop") }.map { String($0.dropLast(5)) }
    }

    /// The stand-ins that are still there. A number alone may belong to somebody else by now; ours run in the folder.
    func remaining() throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { pid in
            // It may be gone, or somebody else's.
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")) == folder
        }
    }

    func mode(of file: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)")[.posixPermissions] as? Int)
    }
}

/// One `martlet run`.
struct Run {
    let process: ChildProcess
    let log: String

    var pid: pid_t { process.pid }
    var lines: [String] {
        ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    /// Waits until a line of the log matches.
    func until(_ pattern: some RegexComponent) async throws {
        do {
            try await eventually("a line", within: .seconds(25)) { says(pattern) }
        } catch {
            Issue.record("no line matches; the log is:\n\(lines.joined(separator: "\n"))")
            throw error
        }
    }

    func says(_ pattern: some RegexComponent) -> Bool { lines.contains { $0.contains(pattern) } }

    func untilReady() async throws { try await until(/ready: http:/) }

    /// What Ctrl-C does: the whole process group gets the signal.
    func pressControlC() { process.signalGroup(SIGINT) }

    func end() async -> ChildProcess.End { await process.end(within: .seconds(30)) }
}

/// Runs a test with a fixture of its own; nothing of it is left behind.
func withRunFixture(_ body: (RunFixture) async throws -> Void) async throws {
    let fixture = try RunFixture()
    do {
        try await body(fixture)
    } catch {
        try await fixture.end()
        throw error
    }
    try await fixture.end()
}
