import Glibc
import Shared

/// One life of one process of a stack.
package struct StackMember: Sendable {
    package let process: StackProcess
    package let child: ChildProcess
    let logPath: String

    /// What it has written so far.
    package var log: String { (try? TextFile.read(logPath)) ?? "" }

    /// Waits until it answers.
    ///
    /// - Returns: its log.
    /// - Throws: ``NeverHappened`` when it ends instead.
    func untilStarted(within limit: Duration = .seconds(15)) async throws -> String {
        try await eventually("\(process) has started", within: limit) {
            if log.contains(" started ") { return true }
            guard child.end == nil else { throw NeverHappened(description: "\(process) ended at its start: \(log)") }
            return false
        }
        return log
    }
}

/// A port that is kept from everyone who does not ask for exactly this one.
///
/// The socket is bound, but does not listen, so another one that sets `SO_REUSEADDR` as well may take the port.
final class PortReservation: Sendable {
    private let descriptor: Int32

    init(_ port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // A failure leaves the port to chance, as it was before.
                _ = bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(descriptor) }
}
