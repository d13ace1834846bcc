/// The public API that a workload goes through.
enum LoadDialect: String {
    case socket
    case classic

    /// Where push connections are opened for what comes from now on.
    var livePushPath: String {
        switch self {
        case .socket: "/ws/notice/event?since=live"
        case .classic: "/ws/"
        }
    }
}

/// Builds the conversations of Martlet.
struct MartletTraffic {
    static let text = String(repeating: "x", count: 128)

    private let traffic: Traffic
    private let port: Int
    private let dialect: LoadDialect

    private init(_ traffic: Traffic, port: Int, _ dialect: LoadDialect) {
        (self.traffic, self.port, self.dialect) = (traffic, port, dialect)
    }

    /// Friends, one of whom sends.
    static func pairs(_ run: LoadRun, _ pairs: ArraySlice<Pair>, _ dialect: LoadDialect) throws -> Traffic {
        let site = try run.site()
        let builder = MartletTraffic(Traffic(run.loop, site.processes), port: site.port, dialect)
        for pair in pairs {
            let target = dialect == .socket ? #""toUserId":"\#(pair.receiver.id)""# : "\(pair.conversation)"
            builder.traffic.addLane(
                try builder.sender(pair.sender, target, window: run.options.window), [try builder.push(pair.receiver)])
        }
        try builder.traffic.synchronise()
        return builder.traffic
    }

    /// A group whose owner sends and whose other members are all online.
    static func room(_ run: LoadRun, _ group: Group, _ dialect: LoadDialect) throws -> Traffic {
        let site = try run.site()
        let builder = MartletTraffic(Traffic(run.loop, site.processes), port: site.port, dialect)
        let target = dialect == .socket ? #""toGroupId":"\#(group.conversation)""# : "\(group.conversation)"
        let pushes = try group.members.map { try builder.push($0) }
        builder.traffic.addLane(try builder.sender(group.owner, target, window: run.options.window), pushes)
        try builder.traffic.synchronise()
        return builder.traffic
    }

    private func push(_ account: Account) throws -> WebSocketConnection {
        traffic.use(try WebSocketConnection(traffic.loop, port: port, path: dialect.livePushPath, token: account.token))
    }

    private func sender(_ account: Account, _ target: String, window: Int) throws -> any MessageSender {
        switch dialect {
        case .socket:
            let socket = traffic.use(
                try WebSocketConnection(traffic.loop, port: port, path: "/ws/chat/send_msg", token: account.token))
            return SocketSender(traffic, socket, #"{\#(target),"msg":"\#(Self.text)"}"#)
        case .classic:
            let connections = try (0..<window).map { _ in traffic.use(try HTTPConnection(traffic.loop, port: port)) }
            return ClassicSender(traffic, connections, Self.classicSend(account, conversation: target))
        }
    }

    /// The request that sends a message in `classic`.
    static func classicSend(_ account: Account, conversation: String) -> [UInt8] {
        HTTPConnection.request(
            "PUT", "/message/send_message", token: account.token,
            json: #"{"conversationId":\#(conversation),"message":"\#(text)","replyId":-1}"#)
    }
}

/// Sends frames on a request connection of `socket`.
private final class SocketSender: MessageSender {
    private let socket: WebSocketConnection
    private let frame: [UInt8]

    init(_ traffic: Traffic, _ socket: WebSocketConnection, _ json: String) {
        self.socket = socket
        frame = WebSocketFrame.masked(Array(json.utf8))
        socket.onText = { [unowned traffic] answer in
            // The receiver may not be there yet before the first window.
            guard answer.first("\"0000\"") != nil || (!traffic.isCounting && answer.first("\"8999\"") != nil) else {
                throw BenchmarkFailure("a send was answered \(answer.asText)")
            }
            traffic.answered()
        }
    }

    func send() { socket.write(frame) }
}

/// Sends requests of `classic`; those for which no connection is free wait.
private final class ClassicSender: MessageSender {
    private let request: [UInt8]
    private var free: [HTTPConnection]
    private var waiting = 0

    init(_ traffic: Traffic, _ connections: [HTTPConnection], _ request: [UInt8]) {
        self.request = request
        free = connections
        for connection in connections {
            connection.onAnswer = { [unowned self, unowned connection, unowned traffic] answer in
                guard answer.status == 200 else { throw BenchmarkFailure("a send was answered \(answer.body.asText)") }
                traffic.answered()
                if waiting > 0 {
                    waiting -= 1
                    try connection.send(self.request)
                } else {
                    free.append(connection)
                }
            }
        }
    }

    func send() throws {
        if let connection = free.popLast() { try connection.send(request) } else { waiting += 1 }
    }
}
