import Glibc

/// A socket of a ``SocketLoop``; what its bytes mean is its subclass's business.
class LoopSocket {
    private(set) var descriptor: Int32
    unowned let loop: SocketLoop
    /// What came in and was not yet a whole message.
    private let unread = ByteQueue()
    private let unwritten = ByteQueue()
    private var waitsForFlush = false
    private var waitsForRoom = false

    /// A connected or listening socket; closed by ``SocketLoop/close(_:)``.
    init(_ descriptor: Int32, in loop: SocketLoop) throws {
        self.descriptor = descriptor
        self.loop = loop
        try loop.add(self)
    }

    /// Goes on with another connected socket, after ``SocketLoop/close(_:)`` and with nothing under way.
    final func reopen(_ descriptor: Int32) throws {
        self.descriptor = descriptor
        try loop.add(self)
    }

    /// Something can be read.
    func becameReadable() throws {
        let space = loop.scratch
        let count = read(descriptor, space.baseAddress, space.count)
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            return try ended()
        }
        let arrived = UnsafeMutableRawBufferPointer(rebasing: space[..<count])
        if unread.isEmpty {
            let taken = try received(arrived)
            if taken < count { unread.append(UnsafeRawBufferPointer(rebasing: arrived[taken...])) }
        } else {
            unread.append(UnsafeRawBufferPointer(arrived))
            unread.removeFirst(try received(unread.bytes))
        }
    }

    /// Takes what it can use of the bytes at hand and returns how many those were.
    func received(_ bytes: UnsafeMutableRawBufferPointer) throws -> Int { bytes.count }

    /// The peer is gone.
    func ended() throws {}

    /// Bytes on their way to the peer; they leave at the end of the loop's turn.
    final func write(_ body: (ByteQueue) -> Void) {
        body(unwritten)
        if !waitsForFlush, !waitsForRoom {
            waitsForFlush = true
            loop.flushLater(self)
        }
    }

    final func write(_ bytes: [UInt8]) { write { queue in bytes.withUnsafeBytes { queue.append($0) } } }

    final func flush() throws {
        waitsForFlush = false
        let bytes = unwritten.bytes
        guard !bytes.isEmpty else { return }
        let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count > 0 { unwritten.removeFirst(count) }
        guard count >= 0 || errno == EAGAIN || errno == EINTR else { return try ended() }
        if unwritten.isEmpty == waitsForRoom {
            waitsForRoom.toggle()
            try loop.set(self, waitsForRoom: waitsForRoom)
        }
    }
}
