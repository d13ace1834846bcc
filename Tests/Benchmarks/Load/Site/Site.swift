import Foundation

/// A running Martlet of its own: the four processes, started by `martlet run` on a free port with fresh data.
final class Site {
    /// As they are named in reports, in the order of their columns.
    static let processNames = ["gateway", "auth-svc", "social-svc", "message-svc"]

    let port: Int
    let processes: [ServerProcess]
    private let folder: URL
    private let run: Process
    private let keepsData: Bool

    /// Returns once the site is ready.
    ///
    /// - Parameter environment: settings beside those that every load test needs.
    init(environment: [String: String] = [:], keepsData: Bool = false) throws {
        self.keepsData = keepsData
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-load-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        port = try Self.freePort()
        let data = folder.appendingPathComponent("data").path
        let log = folder.appendingPathComponent("log")
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)

        run = Process()
        run.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // So that it is stopped, too, when this program dies in the middle.
        run.arguments = [
            "setpriv", "--pdeathsig", "TERM", "--", "\(Executables.folder)/martlet", "run", "--port", "\(port)",
        ]
        run.environment = ProcessInfo.processInfo.environment.merging(Self.settings) { $1 }
            .merging(environment) { $1 }
            .merging(["MARTLET_DATA": data, "MARTLET_BIN_DIR": Executables.folder]) { $1 }
        run.standardInput = FileHandle.nullDevice
        run.standardOutput = output
        run.standardError = output
        try run.run()
        do {
            try Self.awaitReady(run, log: log)
            processes = try Self.processes(withData: data)
        } catch {
            Self.end(run)
            if !keepsData { try? FileManager.default.removeItem(at: folder) }
            throw error
        }
    }

    /// Stops the processes in order and removes their data.
    func stop() {
        Self.end(run)
        if keepsData {
            Progress.say("kept: \(folder.path)")
        } else {
            // What cannot be removed is in the system's folder for such things.
            try? FileManager.default.removeItem(at: folder)
        }
    }

    func process(_ name: String) throws -> ServerProcess {
        guard let process = processes.first(where: { $0.name == name }) else { throw BenchmarkFailure("no \(name)") }
        return process
    }

    /// No rates, and passwords that cost next to nothing: set-up is not what is measured.
    private static let settings = [
        "MARTLET_RATE_LIMITS": "off", "MARTLET_GATEWAY_MAX_CONNECTIONS": "100000",
        "MARTLET_AUTH_SCRYPT_N": "1024", "MARTLET_AUTH_SCRYPT_R": "1", "MARTLET_AUTH_SCRYPT_P": "1",
        "MARTLET_AUTH_HASH_QUEUE": "10000",
    ]

    private static func freePort() throws -> Int {
        let (descriptor, port) = try Loopback.listen()
        close(descriptor)
        return port
    }

    private static func awaitReady(_ run: Process, log: URL) throws {
        while true {
            try Interruption.check()
            let text = try String(contentsOf: log, encoding: .utf8)
            if text.contains("ready: http://") { return }
            guard run.isRunning else { throw BenchmarkFailure("Martlet did not start:\n\(text)") }
            usleep(10_000)
        }
    }

    /// The processes that were given this data folder.
    private static func processes(withData data: String) throws -> [ServerProcess] {
        let setting = Data("MARTLET_DATA=\(data)\0".utf8)
        let pids = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init)
        let ours = pids.filter { pid in
            // Those of others may be unreadable, or gone by now.
            let environment = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ"))
            return environment?.range(of: setting) != nil
        }
        return try processNames.map { name in
            let named = ours.first { pid in
                let command = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
                return command?.trimmingCharacters(in: .newlines) == name
            }
            guard let named else { throw BenchmarkFailure("\(name) is not running") }
            return ServerProcess(name: name, pid: named)
        }
    }

    private static func end(_ run: Process) {
        run.terminate()
        run.waitUntilExit()
    }
}
