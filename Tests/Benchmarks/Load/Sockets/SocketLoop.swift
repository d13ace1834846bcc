import Glibc

/// The sockets of one thread. What is written in a turn of the loop leaves at its end, in one system call per socket.
final class SocketLoop {
    private let epoll: Epoll
    private var sockets: [LoopSocket?] = []
    private var flushing: [LoopSocket] = []
    /// The longest wait, so that signals which another thread got are noticed.
    private static let patience: Int64 = 1_000_000_000
    /// Where sockets read into.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)

    init() throws { epoll = try Epoll() }

    deinit { scratch.deallocate() }

    /// Waits until something is ready, at most until a moment of ``Clock``, and deals with it.
    ///
    /// - Throws: ``Interruption`` after Ctrl-C, and what the sockets throw.
    func turn(until deadline: Int64 = .max) throws {
        try Interruption.check()
        try flush()
        let now = Clock.nanoseconds
        let patience = deadline - now > Self.patience ? Self.patience : max(0, deadline - now)
        for event in try epoll.next(nanoseconds: patience) {
            // Closed by what came before it.
            guard let socket = sockets[Int(event.descriptor)] else { continue }
            if event.readiness & Epoll.writable != 0 { try socket.flush() }
            if event.readiness & ~Epoll.writable != 0 { try socket.becameReadable() }
        }
        try flush()
    }

    /// Turns until a condition holds; returns whether it did before the deadline.
    @discardableResult
    func run(until deadline: Int64, _ condition: () throws -> Bool) throws -> Bool {
        while try !condition() {
            guard Clock.nanoseconds < deadline else { return false }
            try turn(until: deadline)
        }
        return true
    }

    func close(_ socket: LoopSocket) throws {
        guard sockets[Int(socket.descriptor)] === socket else { return }
        sockets[Int(socket.descriptor)] = nil
        flushing.removeAll { $0 === socket }
        try epoll.remove(socket.descriptor)
        Glibc.close(socket.descriptor)
    }

    // MARK: - For sockets

    func add(_ socket: LoopSocket) throws {
        let index = Int(socket.descriptor)
        if index >= sockets.count { sockets += Array(repeating: nil, count: index + 1 - sockets.count) }
        sockets[index] = socket
        try epoll.add(socket.descriptor)
    }

    func set(_ socket: LoopSocket, waitsForRoom: Bool) throws {
        try epoll.set(socket.descriptor, waitsForRoom: waitsForRoom)
    }

    func flushLater(_ socket: LoopSocket) { flushing.append(socket) }

    private func flush() throws {
        while let socket = flushing.popLast() { try socket.flush() }
    }
}
