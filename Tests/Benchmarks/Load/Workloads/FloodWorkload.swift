/// A quiet person who writes now and then, and what they notice while somebody else asks as much as the sockets take.
enum FloodWorkload {
    private static let connections = [1, 10, 100]
    /// Pause between two messages of the quiet person: well below what an account may send.
    private static let pause: Int64 = 40_000_000
    private static let hugeBytes = 2_000_000

    static func measure(_ run: LoadRun) throws {
        // As in life: rates are part of what keeps greed in bounds.
        try run.restartSite(["MARTLET_RATE_LIMITS": "on"])
        let pairs = try run.people().newPairs(2)
        let port = try run.site().port
        let quiet = try QuietPerson(run.loop, port: port, pairs[0])
        for flood in floods(by: pairs[1].sender, into: pairs[1].conversation) {
            for count in connections {
                Progress.say("flood: \(flood.name), \(count) connections")
                var calm = Histogram()
                var flooded = Histogram()
                for _ in 1...run.options.rounds {
                    try quiet.write(for: run.options.seconds, pause: pause, &calm)
                    let flooder = try Flooder(flood, connections: count, port: port)
                    defer { flooder.stop() }
                    try quiet.write(for: run.options.seconds, pause: pause, &flooded)
                }
                let (before, during) = (calm.milliseconds(at: 0.5), flooded.milliseconds(at: 0.5))
                run.report.add(
                    "quiet person's median, \(flood.name) on \(count)", during / max(before, 0.001),
                    "× (\(before.text(2)) → \(during.text(2)) ms, p99 \(flooded.milliseconds(at: 0.99).text(1)))")
            }
        }
        try quiet.close()
        run.stopSite()
    }

    /// Valid and invalid, tiny and huge.
    private static func floods(by account: Account, into conversation: Int) -> [Flood] {
        func http(_ name: String, _ method: String, _ path: String, token: String?, _ json: String = "") -> Flood {
            Flood(name: name, request: HTTPConnection.request(method, path, token: token, json: json))
        }
        func frames(_ name: String, _ text: String) -> Flood {
            Flood(
                name: name, opening: WebSocketConnection.handshake("/ws/chat/send_msg", token: account.token),
                request: WebSocketFrame.masked(Array(text.utf8)))
        }
        let message = #"{"conversationId":\#(conversation),"message":"x","replyId":-1}"#
        let huge = #"{"x":"\#(String(repeating: "a", count: hugeBytes))"}"#
        return [
            http("messages", "PUT", "/message/send_message", token: account.token, message),
            http("lists", "GET", "/conversation/pull_conversation_list", token: account.token),
            http("bad tokens", "GET", "/friend/pull_friend_list", token: "eyJhbGciOiJFZERTQSJ9.e30.AAAA"),
            http("tiny requests", "GET", "/", token: nil),
            http("huge bodies", "PUT", "/message/send_message", token: account.token, huge),
            frames("tiny frames", "{}"),
            frames("large frames", String(repeating: "a", count: 60_000)),
            Flood(name: "garbage", request: Array("\u{16}\u{3}\u{1}\r\n\r\n".utf8)),
        ]
    }
}

/// Somebody who sends a message, waits for its answer, pauses and sends the next.
private final class QuietPerson {
    private let loop: SocketLoop
    private let connection: WebSocketConnection
    private let message: [UInt8]
    private var answers = 0

    private static let patienceSeconds = 30.0

    init(_ loop: SocketLoop, port: Int, _ pair: Pair) throws {
        self.loop = loop
        message = WebSocketFrame.masked(Array(#"{"toUserId":"\#(pair.receiver.id)","msg":"quiet"}"#.utf8))
        connection = try WebSocketConnection(
            loop, port: port, path: "/ws/chat/send_msg", token: pair.sender.token)
        connection.onText = { [unowned self] text in
            guard text.first(#""messageId""#) != nil else { throw BenchmarkFailure("quiet person: \(text.asText)") }
            answers += 1
        }
    }

    func write(for seconds: Double, pause: Int64, _ times: inout Histogram) throws {
        let end = Clock.after(seconds: seconds)
        while Clock.nanoseconds < end {
            let start = Clock.nanoseconds
            let expected = answers + 1
            connection.write(message)
            guard try loop.run(until: Clock.after(seconds: Self.patienceSeconds), { answers == expected }) else {
                throw BenchmarkFailure("the quiet person got no answer")
            }
            times.add(Clock.nanoseconds - start)
            try loop.run(until: start + pause) { false }
        }
    }

    func close() throws { try loop.close(connection) }
}
