import CZeroMQ
import Glibc

/// Waits for any of a thread's sockets to have a message, or for another thread to call ``WakeUp/signal()``.
struct ZMQPoller {
    private var items: [zmq_pollitem_t]
    private let wakeUp: WakeUp

    init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
        items = [zmq_pollitem_t(socket: nil, fd: wakeUp.descriptor, events: Int16(ZMQ_POLLIN), revents: 0)]
    }

    /// Adds a socket and returns the index that ``wait(milliseconds:)`` reports it under.
    mutating func add(_ socket: ZMQSocket) -> Int {
        items.append(socket.pollItem())
        return items.count - 2
    }

    /// Indexes of the sockets that have messages, after at most `milliseconds` (-1 waits for ever).
    mutating func wait(milliseconds: Int) throws(ZMQError) -> [Int] {
        let count = zmq_poll(&items, Int32(items.count), milliseconds)
        if count < 0 {
            if zmq_errno() == EINTR { return [] }
            throw ZMQError("zmq_poll")
        }
        if items[0].revents != 0 { wakeUp.clear() }
        guard count > 0 else { return [] }
        return items.indices.dropFirst().filter { items[$0].revents != 0 }.map { $0 - 1 }
    }
}

/// An eventfd: one thread's way to interrupt another one's ``ZMQPoller``.
final class WakeUp: Sendable {
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(descriptor >= 0, "the process has no file descriptor left to start with")
    }

    deinit { close(descriptor) }

    /// Makes the poller return; any number of signals before it does count as one.
    func signal() {
        var one: UInt64 = 1
        // The only failure is a counter that is already full, and then the poller is awake anyway.
        _ = write(descriptor, &one, 8)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
