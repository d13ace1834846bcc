import Foundation
import Synchronization

/// What somebody sends without end.
struct Flood {
    let name: String
    /// Sent once at the beginning of a connection.
    var opening: [UInt8] = []
    let request: [UInt8]
}

/// Somebody who writes as much as their sockets take, reads away the answers and comes back when a connection is closed.
///
/// On a thread of its own with the lowest priority: in life it has a machine of its own.
final class Flooder: Sendable {
    private static let chunkBytes = 64 * 1024
    private static let pollMilliseconds: Int32 = 50

    private let isStopping = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ flood: Flood, connections: Int, port: Int) throws {
        // Requests follow each other without a gap, and none is torn when the chunk begins again.
        let copies = max(1, Self.chunkBytes / flood.request.count)
        let chunk = [[UInt8]](repeating: flood.request, count: copies).flatMap(\.self)
        let lines = try (0..<connections).map { _ in try Line(port: port, opening: flood.opening) }
        Thread.detachNewThread { [self] in
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
            run(lines, chunk, flood.opening, port: port)
            ended.signal()
        }
    }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        ended.wait()
    }

    private func run(_ lines: [Line], _ chunk: [UInt8], _ opening: [UInt8], port: Int) {
        var lines = lines
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while !isStopping.load(ordering: .relaxed) {
            var polled = lines.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN | POLLOUT), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), Self.pollMilliseconds) > 0 else { continue }
            for (index, state) in polled.enumerated() where state.revents != 0 {
                if lines[index].exchange(chunk, &buffer, canWrite: state.revents & Int16(POLLOUT) != 0) { continue }
                close(lines[index].descriptor)
                // A server that takes nobody at the moment is tried again by the next turn.
                lines[index] = (try? Line(port: port, opening: opening)) ?? Line(descriptor: -1)
            }
        }
        for line in lines { close(line.descriptor) }
    }

    /// One connection and how far it is in what it sends.
    private struct Line {
        let descriptor: Int32
        private var opening: ArraySlice<UInt8> = []
        private var sent = 0

        init(descriptor: Int32) { self.descriptor = descriptor }

        init(port: Int, opening: [UInt8]) throws {
            descriptor = try Loopback.connect(port: port)
            self.opening = opening[...]
        }

        /// Reads and writes once; `false` when the connection has ended.
        mutating func exchange(_ chunk: [UInt8], _ buffer: inout [UInt8], canWrite: Bool) -> Bool {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 || (count < 0 && errno == EAGAIN) else { return false }
            guard canWrite else { return true }
            if !opening.isEmpty {
                let written = write(opening)
                opening = opening.dropFirst(max(0, written))
                return written >= 0 || errno == EAGAIN
            }
            let written = write(chunk[sent...])
            sent = (sent + max(0, written)) % chunk.count
            return written >= 0 || errno == EAGAIN
        }

        private func write(_ bytes: ArraySlice<UInt8>) -> Int {
            bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
        }
    }
}
