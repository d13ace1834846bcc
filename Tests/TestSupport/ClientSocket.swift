package import Dispatch
import Glibc
import Synchronization

/// What can go wrong for a test client.
package enum ClientError: Error, Equatable {
    case connectFailed(errno: Int32)
    case timedOut
    /// The server has closed or reset the connection.
    case closed
    case malformed(String)
    /// A WebSocket handshake was answered with something else than 101.
    case refused(status: Int, body: [UInt8])
    /// The WebSocket ended while something else was awaited.
    case webSocketClosed(code: UInt16?)
}

/// A blocking TCP or Unix stream socket with a buffer, for tests that must see every byte.
///
/// Its methods block, so they are called through ``run(on:_:)`` on a queue of the client's own, never on the
/// cooperative pool. Sending and receiving may go on at the same time on two queues.
package final class ClientSocket: Sendable {
    private let descriptor: Int32
    private let received = Mutex<[UInt8]>([])

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        // What was received and never looked at counts as unread: like what the kernel still has, it resets the connection.
        if received.withLock({ !$0.isEmpty }) {
            var atOnce = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
        }
        Glibc.close(descriptor)
    }

    /// Connects to a port of the loopback address.
    package static func connect(port: Int, within limit: Duration = .seconds(5)) throws -> ClientSocket {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return try connect(AF_INET, within: limit, to: &address)
    }

    /// Connects to a Unix socket.
    package static func connect(unixSocket path: String, within limit: Duration = .seconds(5)) throws -> ClientSocket {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
        return try connect(AF_UNIX, within: limit, to: &address)
    }

    private static func connect<Address>(
        _ family: Int32, within limit: Duration, to address: inout Address
    ) throws -> ClientSocket {
        let descriptor = Glibc.socket(
            family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw ClientError.connectFailed(errno: errno) }
        let socket = ClientSocket(descriptor: descriptor)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        if result != 0 {
            guard errno == EINPROGRESS else { throw ClientError.connectFailed(errno: errno) }
            try socket.wait(for: POLLOUT, until: .now + limit)
            var failure: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
            guard failure == 0 else { throw ClientError.connectFailed(errno: failure) }
        }
        return socket
    }

    /// Shrinks the kernel's receive buffer, to be a reader that is slow sooner. Best before anything arrives.
    package func limitReceiveBuffer(bytes: Int32) {
        var bytes = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Sends everything.
    package func send(_ bytes: [UInt8], within limit: Duration = .seconds(10)) throws {
        let deadline = ContinuousClock.Instant.now + limit
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, until: deadline)
            } else if errno != EINTR {
                throw ClientError.closed
            }
        }
    }

    /// Waits for at least one more byte. The buffer keeps all bytes that were not taken.
    private func receive(into buffer: inout [UInt8], until deadline: ContinuousClock.Instant) throws {
        while true {
            try wait(for: POLLIN, until: deadline)
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 { return buffer.append(contentsOf: chunk[..<count]) }
            if count == 0 || (errno != EAGAIN && errno != EINTR) { throw ClientError.closed }
        }
    }

    /// Takes exactly `count` bytes.
    package func take(_ count: Int, until deadline: ContinuousClock.Instant) throws -> [UInt8] {
        try received.withLock { buffer in
            while buffer.count < count { try receive(into: &buffer, until: deadline) }
            defer { buffer.removeFirst(count) }
            return Array(buffer[..<count])
        }
    }

    /// Takes bytes up to and including `marker`.
    package func take(through marker: [UInt8], until deadline: ContinuousClock.Instant) throws -> [UInt8] {
        try received.withLock { buffer in
            var start = 0
            while true {
                while start + marker.count <= buffer.count {
                    if buffer[start..<start + marker.count].elementsEqual(marker) {
                        defer { buffer.removeFirst(start + marker.count) }
                        return Array(buffer[..<(start + marker.count)])
                    }
                    start += 1
                }
                try receive(into: &buffer, until: deadline)
            }
        }
    }

    /// Takes whatever comes until the server ends the connection.
    package func takeAll(until deadline: ContinuousClock.Instant) throws -> [UInt8] {
        try received.withLock { buffer in
            do {
                while true { try receive(into: &buffer, until: deadline) }
            } catch ClientError.closed {
                defer { buffer = [] }
                return buffer
            }
        }
    }

    /// Ends the sending side.
    package func shutdownSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends both sides; a blocked receiver wakes up.
    package func close() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Resets the connection: what is on its way is lost to both sides.
    package func reset() {
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        Glibc.connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    private func wait(for events: Int32, until deadline: ContinuousClock.Instant) throws {
        while true {
            let left = deadline - .now
            guard left > .zero else { throw ClientError.timedOut }
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if poll(&request, 1, Int32(min(milliseconds + 1, 60_000))) > 0 { return }
        }
    }

    /// Runs blocking work on a queue and waits for it without blocking a thread of the cooperative pool.
    package static func run<Result: Sendable>(
        on queue: DispatchQueue, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
            queue.async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}
