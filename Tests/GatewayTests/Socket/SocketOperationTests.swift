import Shared
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// Each operation, each of its codes, and what the answers carry.
@Suite struct SocketOperationTests {
    // MARK: - Messages

    @Test func `a message to a friend is stored, and answered by whether he was there`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let (alice, bob) = (users[0], users[1])
            let before = WallClock.milliseconds
            let answer = try await alice.send("hello", to: bob)
            #expect(answer["code"] == "8999" && answer["desc"] == "目标已离线")
            let data = answer["data"]
            #expect(data.object?.members.map(\.name) == ["messageId", "conversationId", "seq", "time"])
            // The greeting of the friendship was the first.
            #expect(data["messageId"] == "2" && data["conversationId"] == "1" && data["seq"] == 2)
            #expect(try #require(data["time"].integer) >= before - 1_000)

            let socket = try await bob.listen()
            let online = try await alice.send("again", to: bob)
            #expect(online["code"] == "0000" && online["desc"] == "处理完成" && online["data"]["seq"] == 3)
            #expect(try await bob.classic.texts(of: 1).suffix(2) == ["hello", "again"])
            #expect(try await socket.chats(2) == ["hello", "again"])
        }
    }

    @Test func `whoever is connected in any dialect at any gateway is there`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let (alice, bob) = (users[0], users[1])
            let second = try await site.startGateway()
            for listen in [
                { try await bob.listen() }, { try await bob.classic.listen() }, { try await bob.at(second).listen() },
            ] as [@Sendable () async throws -> WebSocketClient] {
                let socket = try await listen()
                try await eventually("the message finds him") {
                    try await alice.send("x", to: bob)["code"] == "0000"
                }
                socket.cut()
                try await eventually("he is gone") { try await alice.send("x", to: bob)["code"] == "8999" }
            }
        }
    }

    @Test func `when nobody knows who is there a stored message is answered 0000`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let users = try await site.socketFriends("Alice", "Bob")
            #expect(try await users[0].send("x", to: users[1])["code"] == "8999")
            await site.stop(.social)
            #expect(try await users[0].send("x", to: users[1])["code"] == "0000")
        }
    }

    @Test func `send_msg checks in the order of the contract`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let (alice, bob) = (users[0], users[1])
            let stranger = try await site.socketUser("Stranger")
            let gone = try await site.socketUser("Gone")
            #expect(
                try await gone.classic.ask("POST", "/user/cancel", ["password": .string(SocketUser.password)]).status
                    == 200)
            let own = try await alice.createGroup("Own")
            let foreign = try await bob.createGroup("Foreign")
            let long = JSONValue.string(String(repeating: "字", count: 10_001))
            let requests: [(JSONObject, String)] = [
                ([:], "9997"), (["msg": "x"], "9997"), (["toUserId": .null, "toGroupId": .null, "msg": "x"], "9997"),
                (["toUserId": .string(bob.id)], "9997"), (["toUserId": .string(bob.id), "msg": 1], "9997"),
                (["toUserId": .string(bob.id), "msg": ""], "9997"), (["toUserId": "x", "msg": "x"], "9997"),
                (["toUserId": true, "msg": "x"], "9997"), (["toUserId": .string(bob.id), "msg": long], "9997"),
                (["toUserId": .string(alice.id), "msg": "x"], "9997"),
                (["toUserId": "99", "msg": long], "9997"), (["toUserId": "99", "msg": "x"], "0102"),
                (["toUserId": "-1", "msg": "x"], "0102"), (["toUserId": .string(gone.id), "msg": "x"], "0102"),
                (["toUserId": .string(stranger.id), "msg": "x"], "0001"),
                (["toUserId": .string(bob.id), "msg": "x"], "8999"),
                (["toUserId": .integer(try #require(Int64(bob.id))), "toGroupId": .null, "msg": "x"], "8999"),
                (["toUserId": .string(bob.id), "toGroupId": "", "msg": "x"], "8999"),
                // A group that is given decides, whoever else is.
                (["toGroupId": "99", "msg": "x"], "0201"), (["toGroupId": .string(foreign), "msg": "x"], "0201"),
                (["toGroupId": "1", "msg": "x"], "0201"), (["toGroupId": "99", "msg": ""], "9997"),
                (["toGroupId": "99", "msg": long], "9997"),
                (["toUserId": .string(bob.id), "toGroupId": .string(foreign), "msg": "x"], "0201"),
                (["toUserId": .string(alice.id), "toGroupId": .string(own), "msg": "x"], "0000"),
                (["toUserId": .null, "toGroupId": .string(own), "msg": "x", "more": [1]], "0000"),
            ]
            let socket = try await alice.open("/ws/chat/send_msg")
            for (request, code) in requests {
                let answer = try await socket.ask(.object(request))
                #expect(answer["code"] == .string(code), "\(JSONValue.object(request).text.prefix(200))")
                #expect(answer["desc"].text == SocketCode(rawValue: code)?.text)
                #expect((answer["data"] != .null) == ["0000", "8999"].contains(code))
            }
        }
    }

    @Test func `a repeated send with the same client id creates nothing and other content conflicts`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let body: JSONObject = ["toUserId": .string(users[1].id), "msg": "once", "clientMessageId": "c1"]
            let first = try await users[0].ask("/chat/send_msg", .object(body))
            #expect(try await users[0].ask("/chat/send_msg", .object(body)) == first)
            var other = body
            other.append("msg", "other")
            #expect(try await users[0].code("/chat/send_msg", .object(other)) == "9997")
            var malformed = body
            malformed.append("clientMessageId", .string(String(repeating: "x", count: 256)))
            #expect(try await users[0].code("/chat/send_msg", .object(malformed)) == "9997")
            #expect(try await users[1].classic.texts(of: 1).count == 2)
        }
    }

    // MARK: - Friends

    @Test func `friend add answers each of its codes`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.socketUser("Bob"))
            let gone = try await site.socketUser("Gone")
            #expect(
                try await gone.classic.ask("POST", "/user/cancel", ["password": .string(SocketUser.password)]).status
                    == 200)
            let toBob: JSONValue = ["userId": .string(bob.id), "remark": "hi"]
            for id in ["99", "0", "-5", gone.id] {
                #expect(try await alice.code("/friend/add", ["userId": .string(id)]) == "0102", "\(id)")
            }
            #expect(try await alice.code("/friend/add", ["userId": .string(alice.id)]) == "0104")
            #expect(
                try await alice.code(
                    "/friend/add", ["userId": .string(bob.id), "remark": .string(String(repeating: "r", count: 256))])
                    == "9997")
            #expect(try await alice.code("/friend/add", ["userId": .string(bob.id), "remark": 1]) == "9997")
            let answer = try await alice.ask("/friend/add", toBob)
            #expect(answer.sorted == ["code": "0000", "data": ["friendApplyId": "1"], "desc": "处理完成"])
            #expect(try await alice.code("/friend/add", toBob) == "0105")
            #expect(try await bob.code("/friend/add_reply", ["friendApplyId": "1", "agree": true]) == "0000")
            #expect(try await alice.code("/friend/add", toBob) == "0103")
            #expect(try await bob.code("/friend/add", ["userId": .string(alice.id)]) == "0103")
        }
    }

    @Test func `a friend request is answered once, by the one who was asked`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice", ["nickname": "Ally"])
            let (bob, carol) = (try await site.socketUser("Bob"), try await site.socketUser("Carol"))
            let request = try await alice.add(bob)
            func reply(_ user: SocketUser, _ id: JSONValue, _ agree: JSONValue) async throws -> JSONValue {
                try await user.ask("/friend/add_reply", ["friendApplyId": id, "agree": agree]).sorted
            }
            let notFound: JSONValue = ["code": "9998", "data": ["reason": "notFound"], "desc": "处理失败"]
            for user in [alice, carol] { #expect(try await reply(user, .string(request), true) == notFound) }
            #expect(try await reply(bob, "99", true) == notFound)
            for agree in [.null, 1, "yes", "True", []] as [JSONValue] {
                #expect(try await reply(bob, .string(request), agree)["code"] == "9997", "\(agree)")
            }
            let refused: JSONValue = [
                "code": "0000",
                "data": [
                    "agree": false, "headImg": "/media/pictures/default", "nickname": "Ally",
                    "userId": .string(alice.id), "username": "Alice",
                ], "desc": "处理完成",
            ]
            #expect(try await reply(bob, .string(request), "false") == refused)
            #expect(try await reply(bob, .string(request), true)["code"] == "0101")
            let second = try await alice.add(bob)
            #expect(try await reply(bob, .string(second), "true")["data"]["agree"] == true)
            #expect(try await reply(bob, .string(second), "true")["code"] == "0101")
            #expect(try await alice.send("friends", to: bob)["code"] == "8999")
        }
    }

    @Test func `a friend is deleted once`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let body: JSONValue = ["userId": .string(users[1].id)]
            #expect(try await users[0].ask("/friend/del", body).sorted == ["code": "0000", "desc": "处理完成"])
            let notFriends: JSONValue = ["code": "9998", "data": ["reason": "notFriends"], "desc": "处理失败"]
            #expect(try await users[0].ask("/friend/del", body).sorted == notFriends)
            #expect(try await users[0].ask("/friend/del", ["userId": "99"]).sorted == notFriends)
            #expect(try await users[0].send("x", to: users[1])["code"] == "0001")
        }
    }

    // MARK: - Groups

    @Test func `group add and its reply answer each of their codes`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let (bob, carol) = (try await site.socketUser("Bob"), try await site.socketUser("Carol"))
            let group = try await alice.createGroup("G")
            let toGroup: JSONValue = ["groupId": .string(group), "remark": "let me in"]
            #expect(try await bob.code("/group/add", ["groupId": "99"]) == "0201")
            #expect(try await bob.code("/group/add", ["groupId": "x"]) == "9997")
            #expect(try await bob.code("/group/add", [:]) == "9997")
            #expect(try await alice.code("/group/add", toGroup) == "0202")
            let answer = try await bob.ask("/group/add", toGroup)
            #expect(answer.sorted == ["code": "0000", "data": ["groupApplyId": "1"], "desc": "处理完成"])
            #expect(try await bob.code("/group/add", toGroup) == "0203")

            func reply(_ user: SocketUser, _ id: String, _ agree: JSONValue) async throws -> JSONValue {
                try await user.ask("/group/add_reply", ["groupApplyId": .string(id), "agree": agree]).sorted
            }
            for user in [bob, carol] { #expect(try await reply(user, "1", true)["code"] == "0204") }
            #expect(try await reply(alice, "99", true)["code"] == "0204")
            #expect(try await reply(alice, "1", "maybe")["code"] == "9997")
            let admitted: JSONValue = [
                "code": "0000",
                "data": [
                    "agree": true, "headImg": "/media/pictures/default", "nickname": "Bob!", "userId": .string(bob.id),
                    "username": "Bob",
                ], "desc": "处理完成",
            ]
            #expect(try await reply(alice, "1", true) == admitted)
            #expect(try await reply(alice, "1", false)["code"] == "0205")
            #expect(try await bob.code("/group/add", toGroup) == "0202")
            #expect(try await bob.send("in", toGroup: group)["code"] == "0000")
            #expect(try await carol.send("out", toGroup: group)["code"] == "0201")
            // A plain member decides nothing.
            let request = try await carol.ask("/group/add", toGroup)["data"]["groupApplyId"].text
            #expect(try await reply(bob, request, true)["code"] == "0204")
            #expect(try await reply(alice, request, false)["data"]["agree"] == false)
            #expect(try await reply(alice, request, true)["code"] == "0205")
        }
    }

    // MARK: - Failures

    @Test func `a service that is away, silent or broken is told by the reason`() async throws {
        let auth = try StubAuth()
        let held = Mutex<[Responder<MessageAPI.Send.Reply>]>([])
        var routes = BusRoutes()
        routes.onBusThread(MessageAPI.Send.self, from: [.gateway]) { send, _, respond in
            switch send.text {
            case "silent": held.withLock { $0.append(respond) }
            case "broken": respond(.failure(ServiceError(.internal, detail: "SELECT")))
            default: respond(.failure(ServiceError(.unavailable)))
            }
        }
        try await withGateway { [routes] in
            $0.gateway.requestTimeout = .milliseconds(200)
            $0.authRoutes = auth.routes()
            $0.messageRoutes = routes
        } _: { site in
            let socket = try await WebSocketClient.connect(
                port: site.port, path: "/ws/chat/send_msg?token=\(try auth.token())")
            for (text, reason) in [("silent", "unknown"), ("broken", "internal"), ("away", "unavailable")] {
                let answer = try await socket.ask(["toGroupId": "1", "msg": .string(text)]).sorted
                #expect(answer == ["code": "9998", "data": ["reason": .string(reason)], "desc": "处理失败"])
            }
        }
    }

    @Test func `too many messages are told so and when to go on`() async throws {
        try await withGateway {
            $0.gateway.limitsRates = true
        } _: { site in
            let alice = try await site.socketUser("Alice")
            let group = try await alice.createGroup("G")
            let socket = try await alice.open("/ws/chat/send_msg")
            let request = JSONValue.object(["toGroupId": .string(group), "msg": "x"]).text
            try await socket.send(
                raw: (0..<400).flatMap { _ in WebSocketClient.encode(opcode: 1, payload: Array(request.utf8)) })
            var codes: [String: Int] = [:]
            var limited: Set<Int64> = []
            for _ in 0..<400 {
                let answer = try await socket.nextPush()
                codes[answer["code"].text, default: 0] += 1
                guard answer["code"] == "9998" else { continue }
                #expect(answer["data"]["reason"] == "limited")
                limited.insert(try #require(answer["data"]["retryAfter"].integer))
            }
            #expect(codes["0000", default: 0] >= 200 && codes["9998", default: 0] > 0)
            // What was refused counts too, up to a second's worth.
            #expect(!limited.isEmpty && limited.isSubset(of: [1, 2]))
        }
    }
}
