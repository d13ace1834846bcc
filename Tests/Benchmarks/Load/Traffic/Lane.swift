/// Sends the messages of one conversation and tells its ``Traffic`` when they are answered.
protocol MessageSender: AnyObject {
    func send() throws
}

/// One conversation: who sends, who receives, and when what is on its way was sent.
final class Lane {
    /// Messages that may be on their way at once, in a power of two.
    private static let capacity = 1_024

    private unowned let traffic: Traffic
    private let sender: any MessageSender
    private(set) var receivers: [Receiver] = []
    private var sendTimes = [Int64](repeating: 0, count: capacity)
    private var sent = 0
    private var deliveries = 0

    init(_ traffic: Traffic, _ sender: any MessageSender, _ sockets: [WebSocketConnection]) {
        self.traffic = traffic
        self.sender = sender
        receivers = sockets.map { Receiver(self, $0) }
    }

    /// Sends the next message; its latency counts from the given moment.
    func send(intendedAt moment: Int64) throws {
        guard deliveries > (sent - Self.capacity) * receivers.count else {
            throw BenchmarkFailure("\(Self.capacity) messages of one conversation are on their way")
        }
        sendTimes[sent & (Self.capacity - 1)] = moment
        sent += 1
        traffic.sent(to: receivers.count)
        try sender.send()
    }

    /// A receiver got the message with this number, counted from the first window.
    fileprivate func delivered(number: Int) throws {
        guard traffic.isCounting else { return }
        guard number < sent else { throw BenchmarkFailure("a message was delivered that was not sent") }
        deliveries += 1
        try traffic.delivered(in: self, after: Clock.nanoseconds - sendTimes[number & (Self.capacity - 1)])
    }

    /// Whether at most so many messages are still missing somewhere, and this delivery was the one that made it so.
    func isCaughtUp(within missing: Int) -> Bool { deliveries == (sent - missing) * receivers.count }

    // MARK: - Before the first window

    var isReceivedByAll: Bool { receivers.allSatisfy { $0.last != nil } }

    /// Whether all receivers are at the same message.
    var isLevel: Bool { receivers.allSatisfy { $0.last == receivers.first?.last } }

    func startCounting() {
        (sent, deliveries) = (0, 0)
        for receiver in receivers { receiver.startCounting() }
    }
}

/// A push connection with one conversation; checks that its sequence is without a hole.
final class Receiver {
    private unowned let lane: Lane
    private let socket: WebSocketConnection
    private(set) var last: Int?
    private var count = 0

    var isOpen: Bool { socket.isOpen }

    init(_ lane: Lane, _ socket: WebSocketConnection) {
        self.lane = lane
        self.socket = socket
        socket.onText = { [unowned self] in try take($0) }
    }

    func startCounting() { count = 0 }

    private func take(_ frame: UnsafeRawBufferPointer) throws {
        // Other notices have none.
        guard let sequence = frame.number(after: "\"seq\":") else { return }
        if let last, sequence != last + 1 {
            throw BenchmarkFailure("message \(sequence) of a conversation came after \(last): \(frame.asText)")
        }
        last = sequence
        try lane.delivered(number: count)
        count += 1
    }
}
