import CZeroMQ
import Glibc

/// A libzmq socket with every option that matters chosen, never left at the library's default.
///
/// A socket belongs to the thread that made it; every call checks that.
package final class ZMQSocket: @unchecked Sendable {
    // Sendable: references may travel, but each call traps unless it is made on the owning thread.
    package enum Kind: Sendable {
        case dealer, router, publisher, subscriber, reply

        var raw: Int32 {
            switch self {
            case .dealer: ZMQ_DEALER
            case .router: ZMQ_ROUTER
            case .publisher: ZMQ_PUB
            case .subscriber: ZMQ_SUB
            case .reply: ZMQ_REP
            }
        }
    }

    /// The limits of one socket.
    package struct Limits: Sendable {
        /// Messages that may wait in each direction before a send is refused (or, for PUB, lost).
        package var highWaterMark: Int32 = 10_000
        /// Bytes of the largest message, sent or accepted. A receiver cuts the connection to the sender of a larger one,
        /// and a receiver that is the connecting end does not connect again, so none is ever sent. The largest there is, an answer
        /// of 16 pictures of 512 KiB, is a little more than 8 MiB.
        package var maxMessageBytes: Int64 = 9 << 20
        package init() {}
    }

    private var handle: UnsafeMutableRawPointer?
    private let maxMessageBytes: Int
    private let owner = pthread_self()

    package init(_ kind: Kind, context: ZMQContext, limits: Limits = Limits()) throws(ZMQError) {
        guard let handle = zmq_socket(context.handle, kind.raw) else { throw ZMQError("zmq_socket") }
        self.handle = handle
        maxMessageBytes = Int(limits.maxMessageBytes)
        do throws(ZMQError) {
            try set(ZMQ_SNDHWM, limits.highWaterMark)
            try set(ZMQ_RCVHWM, limits.highWaterMark)
            try set(ZMQ_MAXMSGSIZE, limits.maxMessageBytes)
            // A dead peer's messages must not hold up the end of the process.
            try set(ZMQ_LINGER, Int32(0))
            // A process that is started again is found within its own start-up time.
            try set(ZMQ_RECONNECT_IVL, Int32(20))
            try set(ZMQ_RECONNECT_IVL_MAX, Int32(500))
            try set(ZMQ_HEARTBEAT_IVL, Int32(1_000))
            try set(ZMQ_HEARTBEAT_TIMEOUT, Int32(3_000))
            try set(ZMQ_HEARTBEAT_TTL, Int32(5_000))
            switch kind {
            case .dealer:
                // Queue only for peers that are there: no peer means an honest refusal at once.
                try set(ZMQ_IMMEDIATE, Int32(1))
            case .router:
                // A reply to a peer that is gone is an error to count, not a silent drop.
                try set(ZMQ_ROUTER_MANDATORY, Int32(1))
            case .subscriber:
                try set(ZMQ_SUBSCRIBE, "")
            case .publisher, .reply:
                break
            }
        } catch {
            zmq_close(handle)
            throw error
        }
    }

    deinit {
        if let handle { zmq_close(handle) }
    }

    /// Closes the socket now; later calls throw. Idempotent.
    package func close() {
        checkOwner()
        if let handle { zmq_close(handle) }
        handle = nil
    }

    package func bind(_ endpoint: String) throws(ZMQError) {
        checkOwner()
        guard zmq_bind(handle, endpoint) == 0 else { throw ZMQError("bind \(endpoint)") }
    }

    package func connect(_ endpoint: String) throws(ZMQError) {
        checkOwner()
        guard zmq_connect(handle, endpoint) == 0 else { throw ZMQError("connect \(endpoint)") }
    }

    /// Makes this the server of a CURVE link: peers are authenticated by the ZAP handler of the context.
    package func serveCurve(_ keys: CurveKeyPair) throws(ZMQError) {
        try set(ZMQ_CURVE_SERVER, Int32(1))
        try set(ZMQ_CURVE_SECRETKEY, keys.secretKey)
        try set(ZMQ_ZAP_DOMAIN, "martlet")
    }

    /// Makes this the client of a CURVE link whose server holds `server`.
    package func useCurve(_ keys: CurveKeyPair, server: String) throws(ZMQError) {
        try set(ZMQ_CURVE_PUBLICKEY, keys.publicKey)
        try set(ZMQ_CURVE_SECRETKEY, keys.secretKey)
        try set(ZMQ_CURVE_SERVERKEY, server)
    }

    /// Sends all frames as one message, or nothing.
    ///
    /// - Returns: `false` when the queue is full or, for a dealer, no peer is connected.
    /// - Throws: when the peer of a router is gone (`EHOSTUNREACH`), a frame is too long (`EMSGSIZE`) or the socket is
    ///   closed.
    package func send(_ frames: [UInt8]...) throws(ZMQError) -> Bool {
        checkOwner()
        guard frames.allSatisfy({ $0.count <= maxMessageBytes }) else { throw ZMQError("zmq_send", code: EMSGSIZE) }
        for (index, frame) in frames.enumerated() {
            // libzmq decides with the first frame whether a message is taken; the others then follow without blocking.
            let flags = ZMQ_DONTWAIT | (index < frames.count - 1 ? ZMQ_SNDMORE : 0)
            var sent: Int32
            repeat {
                sent = frame.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, flags) }
            } while sent < 0 && zmq_errno() == EINTR
            if sent < 0 {
                if zmq_errno() == EAGAIN { return false }
                throw ZMQError("zmq_send")
            }
        }
        return true
    }

    /// The next message, frame by frame, or `nil` when none is waiting.
    package func receive() throws(ZMQError) -> [[UInt8]]? {
        checkOwner()
        var frames: [[UInt8]] = []
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        repeat {
            if zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN where frames.isEmpty: return nil
                default: throw ZMQError("zmq_msg_recv")
                }
            }
            frames.append([UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
        } while frames.isEmpty || zmq_msg_more(&message) != 0
        return frames
    }

    /// The entry that makes ``ZMQPoller`` watch this socket for messages.
    func pollItem() -> zmq_pollitem_t {
        checkOwner()
        return zmq_pollitem_t(socket: handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
    }

    private func set(_ option: Int32, _ value: Int32) throws(ZMQError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw ZMQError("zmq_setsockopt \(option)")
        }
    }

    private func set(_ option: Int32, _ value: Int64) throws(ZMQError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size) == 0 else {
            throw ZMQError("zmq_setsockopt \(option)")
        }
    }

    private func set(_ option: Int32, _ value: String) throws(ZMQError) {
        guard zmq_setsockopt(handle, option, value, value.utf8.count) == 0 else {
            throw ZMQError("zmq_setsockopt \(option)")
        }
    }

    private func checkOwner() {
        precondition(pthread_equal(pthread_self(), owner) != 0, "a ZeroMQ socket is used by the thread that made it")
    }
}
