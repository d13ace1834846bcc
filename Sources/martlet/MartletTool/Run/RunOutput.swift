import Glibc

/// What a run prints: one column of names, then the lines of all processes and its own.
enum RunOutput {
    /// The name of our own lines.
    private static let ownName = "martlet"
    private static let colours = ["gateway": 36, "auth-svc": 33, "social-svc": 35, "message-svc": 32, ownName: 1]
    /// Columns of the longest name.
    private static let width = 11

    private static let isColoured = isatty(STDOUT_FILENO) == 1 && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)

    /// A line of our own among the logs.
    static func say(_ text: String) { write(Array(text.utf8), of: ownName) }

    /// What stands in the way, for whoever reads standard error.
    static func complain(_ text: String) { write(Array("martlet run: \(text)\n".utf8), to: STDERR_FILENO) }

    /// A line of a process's log, as it came.
    static func write(_ line: [UInt8], of process: String) {
        write(Array(prefix(of: process).utf8) + line + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
    }

    private static func prefix(of process: String) -> String {
        let name = process + String(repeating: " ", count: max(0, width - process.utf8.count))
        guard isColoured, let colour = colours[process] else { return "\(name) | " }
        return "\u{1B}[\(colour)m\(name)\u{1B}[0m | "
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var written = 0
        bytes.withUnsafeBytes { buffer in
            while written < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                // A terminal that went away is no reason to fail.
                guard count > 0 || errno == EINTR else { return }
                written += max(0, count)
            }
        }
    }
}
