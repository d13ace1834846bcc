import NIOCore
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// A request connection as such: order, limits, and what is no request.
@Suite struct SocketRequestTests {
    /// message-svc whose answers to sends are in the hands of the test.
    private final class HeldSends: Sendable {
        private struct State {
            var arrived: [String] = []
            var held: [String: Responder<MessageAPI.Send.Reply>] = [:]
        }
        private let state = Mutex(State())

        var arrived: [String] { state.withLock { $0.arrived } }

        var routes: BusRoutes {
            var routes = BusRoutes()
            routes.onBusThread(MessageAPI.Send.self, from: [.gateway]) { [self] send, _, respond in
                state.withLock { state in
                    state.arrived.append(send.text)
                    state.held[send.text] = respond
                }
            }
            return routes
        }

        /// Lets message-svc answer a send, with its text as the message's id.
        func answer(_ text: String) throws {
            let respond = try #require(state.withLock { $0.held.removeValue(forKey: text) })
            respond(
                .success(
                    MessageAPI.Send.Reply(
                        conversation: ConversationID(1), message: MessageID(Int64(text) ?? 0), sequence: 1,
                        sentAt: 1)))
        }

        func untilArrived(_ count: Int) async throws {
            try await eventually("\(count) sends arrive") { arrived.count >= count }
        }
    }

    private func withHeldSends(
        _ body: (_ sends: HeldSends, _ sockets: [WebSocketClient]) async throws -> Void
    ) async throws {
        try await withSiteOfHeldSends { sends, site, token in
            try await body(sends, try await connect(to: site.port, token))
        }
    }

    private func withSiteOfHeldSends(
        _ body: (_ sends: HeldSends, _ site: Site, _ token: String) async throws -> Void
    ) async throws {
        let (auth, sends) = (try StubAuth(), HeldSends())
        try await withGateway {
            $0.authRoutes = auth.routes()
            $0.messageRoutes = sends.routes
            $0.gateway.requestTimeout = .seconds(20)
        } _: { site in
            try await body(sends, site, try auth.token())
        }
    }

    /// Opens two connections for sends.
    private func connect(to port: Int, _ token: String) async throws -> [WebSocketClient] {
        var sockets: [WebSocketClient] = []
        for _ in 1...2 {
            sockets.append(
                try await WebSocketClient.connect(
                    port: port, path: "/ws/chat/send_msg", headers: ["Authorization": token]))
        }
        return sockets
    }

    private func send(_ numbers: some Sequence<Int>, on socket: WebSocketClient) async throws {
        let frames = numbers.flatMap { number in
            WebSocketClient.encode(opcode: 1, payload: Array(#"{"toGroupId":1,"msg":"\#(number)"}"#.utf8))
        }
        try await socket.send(raw: frames)
    }

    @Test func `requests are worked on at once and answered in their order`() async throws {
        try await withHeldSends { sends, sockets in
            let socket = sockets[0]
            try await send(1...5, on: socket)
            try await sends.untilArrived(5)
            for number in [5, 3, 4, 2] { try sends.answer("\(number)") }
            // What is no request waits for its turn as well.
            try await socket.sendText("[]")
            try sends.answer("1")
            for number in 1...5 { #expect(try await socket.nextPush()["data"]["messageId"] == .string("\(number)")) }
            #expect(try await socket.nextPush()["code"] == "9997")
        }
    }

    @Test func `a thirty-third unanswered request is not read before one is answered`() async throws {
        try await withHeldSends { sends, sockets in
            let socket = sockets[0]
            try await send(1...40, on: socket)
            try await sends.untilArrived(32)
            // An answer behind the first makes no room: it cannot be sent yet.
            try sends.answer("2")
            #expect(sends.arrived.count == 32)
            try sends.answer("1")
            for number in 1...2 { #expect(try await socket.nextPush()["data"]["messageId"] == .string("\(number)")) }
            try await sends.untilArrived(34)
            #expect(sends.arrived == (1...34).map { "\($0)" })
            for number in 3...34 { try sends.answer("\(number)") }
            try await sends.untilArrived(40)
            for number in 35...40 { try sends.answer("\(number)") }
            for number in 3...40 { #expect(try await socket.nextPush()["data"]["messageId"] == .string("\(number)")) }
        }
    }

    @Test func `connections do not wait for each other`() async throws {
        try await withHeldSends { sends, sockets in
            try await send(1...32, on: sockets[0])
            try await sends.untilArrived(32)
            try await send(33...33, on: sockets[1])
            try await sends.untilArrived(33)
            try sends.answer("33")
            #expect(try await sockets[1].nextPush()["data"]["messageId"] == "33")
        }
    }

    @Test func `what is no request is answered 9997 and the connection goes on`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let socket = try await alice.open("/ws/friend/add")
            for text in ["", "x", "{", "[]", "1", "null", "\"a\"", "{}", #"{"userId":null}"#, #"{"userId":[1]}"#] {
                try await socket.sendText(text)
                #expect(try await socket.nextPush().sorted == ["code": "9997", "desc": "请求参数错误"], "\(text)")
            }
            #expect(try await socket.ask(["userId": .string(alice.id)])["code"] == "0104")
        }
    }

    @Test func `who sends nothing but what is refused at once gets an answer to each, however many come together`()
        async throws
    {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let socket = try await alice.open("/ws/chat/send_msg")
            let count = 10_000
            let request = WebSocketClient.encode(opcode: 1, payload: Array("[]".utf8))
            async let sending: Void = socket.send(raw: Array(repeatElement(request, count: count).joined()))
            for _ in 0..<count { #expect(try await socket.nextPush()["code"] == "9997") }
            try await sending
        }
    }

    @Test(arguments: [
        (WebSocketClient.encode(opcode: 2, payload: [1]), "1003 binary messages are not accepted"),
        (WebSocketClient.encode(opcode: 1, payload: [0xFF]), "1007 text is not UTF-8"),
        (WebSocketClient.encode(opcode: 3, payload: []), "1002 reserved opcode"),
        (WebSocketClient.encode(opcode: 1, payload: [UInt8](repeating: 32, count: 300_000)), "1009 message is too big"),
    ]) func `what was asked before a broken rule is answered before the end`(frame: [UInt8], end: String) async throws {
        try await withHeldSends { sends, sockets in
            let socket = sockets[0]
            try await send(1...3, on: socket)
            try await socket.send(raw: frame)
            try await send(4...4, on: socket)
            try await sends.untilArrived(3)
            for number in [3, 1, 2] { try sends.answer("\(number)") }
            for number in 1...3 { #expect(try await socket.nextPush()["data"]["messageId"] == .string("\(number)")) }
            #expect(try await socket.ending() == end)
            #expect(sends.arrived == ["1", "2", "3"])
        }
    }

    @Test func `a client that ends its side is answered first`() async throws {
        try await withHeldSends { sends, sockets in
            let socket = sockets[0]
            try await send(1...40, on: socket)
            socket.endSending()
            try await sends.untilArrived(32)
            for number in 1...32 { try sends.answer("\(number)") }
            try await sends.untilArrived(40)
            for number in 33...40 { try sends.answer("\(number)") }
            for number in 1...40 { #expect(try await socket.nextPush()["data"]["messageId"] == .string("\(number)")) }
            #expect(try await socket.end() == 1000)
        }
    }

    @Test func `ten thousand characters fit, every one of them escaped`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let socket = try await users[0].open("/ws/chat/send_msg")
            let text = String(repeating: "😀", count: 10_000)
            let escaped = String(repeating: #"\ud83d\ude00"#, count: 10_000)
            try await socket.sendText(#"{"toUserId":"\#(users[1].id)","msg":"\#(escaped)"}"#)
            let answer = try await socket.nextPush()
            #expect(answer["code"] == "8999")
            let notices = try await users[1].listen()
            while true {
                let notice = try await notices.notice()
                if notice["data"]["messageId"] == answer["data"]["messageId"] {
                    #expect(notice["data"]["msg"] == .string(text))
                    break
                }
            }
        }
    }

    @Test func `a request of 256 KiB is read and one byte more ends the connection`() async throws {
        try await withGateway {
            // The limit is the dialect's own, whatever that of the server is.
            $0.gateway.server.webSocket.maxMessageBytes = 1 << 20
        } _: { site in
            let alice = try await site.socketUser("Alice")
            let socket = try await alice.open("/ws/friend/add")
            let head = #"{"userId":"99","x":""#
            let request = head + String(repeating: "a", count: 262_144 - head.utf8.count - 2) + "\"}"
            try await socket.sendText(request)
            #expect(try await socket.nextPush()["code"] == "0102")
            // However it is cut.
            try await socket.sendFrame(opcode: 1, payload: Array(request.utf8.prefix(60_000)), isFinal: false)
            try await socket.sendFrame(opcode: 0, payload: Array(request.utf8.dropFirst(60_000)))
            #expect(try await socket.nextPush()["code"] == "0102")
            try await socket.sendText(request + " ")
            #expect(try await socket.end() == 1009)
        }
    }

    @Test func `frames that break the protocol end the connection with their code`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let frames: [(bytes: [UInt8], code: UInt16)] = [
                (WebSocketClient.encode(opcode: 2, payload: Array("{}".utf8)), 1003),
                (WebSocketClient.encode(opcode: 1, payload: Array("{}".utf8), isMasked: false), 1002),
                (WebSocketClient.encode(opcode: 1, payload: [0xFF]), 1007),
                (WebSocketClient.encode(opcode: 0, payload: []), 1002),
                (WebSocketClient.encode(opcode: 3, payload: []), 1002),
            ]
            for (bytes, code) in frames {
                for path in ["/ws/chat/send_msg", "/ws/notice/event"] {
                    let socket = try await alice.open(path)
                    try await socket.send(raw: bytes)
                    #expect(try await socket.end() == code, "\(path)")
                }
            }
        }
    }

    @Test func `control frames between the fragments of a request are served`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let socket = try await alice.open("/ws/friend/add")
            try await socket.sendFrame(opcode: 1, payload: Array(#"{"userId":"#.utf8), isFinal: false)
            try await socket.sendFrame(opcode: 9, payload: [1, 2])
            try await socket.sendFrame(opcode: 0, payload: [], isFinal: false)
            try await socket.sendFrame(opcode: 0, payload: Array("99}".utf8))
            let pong = try await socket.nextFrame()
            #expect(pong.opcode == 10 && pong.payload == [1, 2])
            #expect(try await socket.nextPush()["code"] == "0102")
            try await socket.sendClose(code: 1000)
            #expect(try await socket.end() == 1000)
        }
    }

    @Test func `a gateway that stops closes with 1001`() async throws {
        try await withGateway { site in
            let port = try await site.startGateway()
            let alice = try await site.socketUser("Alice").at(port)
            let sockets = [try await alice.open("/ws/chat/send_msg"), try await alice.listen()]
            #expect(try await sockets[0].ask([:])["code"] == "9997")
            await site.stopFurtherGateways()
            for socket in sockets { #expect(try await socket.end() == 1001) }
        }
    }

    @Test func `a gateway that stops answers what it has begun, begins nothing more, and closes then`() async throws {
        try await withSiteOfHeldSends { sends, site, token in
            let port = try await site.startGateway()
            let sockets = try await connect(to: port, token)
            try await send(1...2, on: sockets[0])
            try await sends.untilArrived(2)
            async let stopped: Void = site.stopFurtherGateways()
            // All connections hear of the stop together.
            #expect(try await sockets[1].end() == 1001)
            try await send(3...3, on: sockets[0])
            for number in [2, 1] { try sends.answer("\(number)") }
            for number in 1...2 {
                #expect(try await sockets[0].nextPush()["data"]["messageId"] == .string("\(number)"))
            }
            #expect(try await sockets[0].ending() == "1001 server is stopping")
            await stopped
            #expect(sends.arrived == ["1", "2"])
        }
    }

    @Test func `a request that never ends does not log its client out`() async throws {
        try await withGateway {
            $0.gateway.server.webSocket.messageTimeout = .milliseconds(50)
        } _: { site in
            let alice = try await site.socketUser("Alice")
            for path in ["/ws/chat/send_msg", "/ws/notice/event"] {
                let socket = try await alice.open(path)
                try await socket.sendFrame(opcode: 1, payload: Array("{".utf8), isFinal: false)
                #expect(try await socket.ending() == "1001 message took too long")
            }
        }
    }
}
