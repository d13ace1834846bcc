import Foundation

/// The same conversations over the raw relay.
enum RelayTraffic {
    static func pairs(_ run: LoadRun, count: Int) throws -> Traffic {
        let relay = try run.relay()
        let traffic = Traffic(run.loop, [relay.process])
        for number in 0..<count {
            let receiver = try connect(traffic, relay, address: 2 * number + 1, room: 0)
            let sender = try connect(traffic, relay, address: 2 * number + 2, room: 0)
            traffic.addLane(RelaySender(traffic, sender, "p", 2 * number + 1), [receiver])
        }
        try traffic.synchronise()
        return traffic
    }

    static func room(_ run: LoadRun, members: Int) throws -> Traffic {
        let relay = try run.relay()
        let traffic = Traffic(run.loop, [relay.process])
        let receivers = try (1...members).map { try connect(traffic, relay, address: $0, room: 1) }
        let sender = try connect(traffic, relay, address: members + 1, room: 0)
        traffic.addLane(RelaySender(traffic, sender, "r", 1), receivers)
        try traffic.synchronise()
        return traffic
    }

    private static func connect(
        _ traffic: Traffic, _ relay: RelayProcess, address: Int, room: Int
    ) throws -> WebSocketConnection {
        traffic.use(try WebSocketConnection(traffic.loop, port: relay.port, path: "/\(address)/\(room)"))
    }
}

/// Numbers the messages itself, as the relay does not.
private final class RelaySender: MessageSender {
    private static let digits = 10

    private let traffic: Traffic
    private let socket: WebSocketConnection
    private var frame: [UInt8]
    private let firstDigit: Int
    private let payloadStart: Int
    private var number = 0

    init(_ traffic: Traffic, _ socket: WebSocketConnection, _ kind: String, _ target: Int) {
        self.traffic = traffic
        self.socket = socket
        let head = "\(kind)\(String(format: "%08d", target)){\"seq\":"
        let payload = "\(head)\(String(repeating: "0", count: Self.digits)),\"msg\":\"\(MartletTraffic.text)\"}"
        frame = WebSocketFrame.masked(Array(payload.utf8))
        payloadStart = frame.count - payload.utf8.count
        firstDigit = head.utf8.count
    }

    func send() {
        number += 1
        var rest = number
        for index in (firstDigit..<(firstDigit + Self.digits)).reversed() {
            frame[payloadStart + index] =
                (UInt8(ascii: "0") + UInt8(rest % 10)) ^ WebSocketFrame.clientMask[index & 3]
            rest /= 10
        }
        socket.write(frame)
        // It has no answers.
        traffic.answered()
    }
}
