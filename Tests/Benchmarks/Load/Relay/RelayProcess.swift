import Foundation

/// `martlet-bench relay` as a process of its own.
final class RelayProcess {
    let port: Int
    let process: ServerProcess
    private let child = Process()
    private let input = Pipe()

    init() throws {
        let output = Pipe()
        child.executableURL = URL(fileURLWithPath: Executables.own)
        child.arguments = ["relay"]
        child.standardInput = input
        child.standardOutput = output
        try child.run()
        process = ServerProcess(name: "relay", pid: child.processIdentifier)
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .newlines)) else {
            child.terminate()
            throw BenchmarkFailure("the relay did not start")
        }
        self.port = port
    }

    func stop() {
        // It ends with its input; a failure to close it is one to have closed it before.
        try? input.fileHandleForWriting.close()
        child.waitUntilExit()
    }
}
