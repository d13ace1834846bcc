import Shared
import SocialService
import TestSupport
import Testing

@testable import Gateway

/// One notice connection per account, what it hands over, and who hears that somebody came or went.
@Suite(.timeLimit(.minutes(5))) struct SocketLifeTests {
    // MARK: - One connection

    @Test func `a second connection sends the first away, and stays`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let first = try await users[1].listen("?since=live")
            try await users[0].send("one", to: users[1])
            #expect(try await first.chats(1) == ["one"])
            let second = try await users[1].listen("?since=live")
            let farewell: JSONValue = [
                "eventType": "forced_logout", "fromUserId": "system", "toUserId": .string(users[1].id),
            ]
            #expect(try await first.anyNotice() == farewell)
            #expect(try await first.ending() == "4409 another connection")
            #expect(try await users[0].send("two", to: users[1])["code"] == "0000")
            #expect(try await second.chats(1) == ["two"])
            // Other connections of the account are none of its business.
            let requests = try await users[1].open("/ws/chat/send_msg")
            let push = try await users[1].classic.listen()
            let third = try await users[1].listen("?since=live")
            #expect(try await second.end() == 4409)
            try await users[0].send("three", to: users[1])
            #expect(try await push.nextMessageIDs(1).count == 1)
            #expect(try await third.chats(1) == ["three"])
            #expect(try await requests.ask([:])["code"] == "9997")
        }
    }

    @Test(arguments: [1, 2]) func `of two that open together the newer stays, every time`(
        gateways: Int
    ) async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let sender = try await users[0].open("/ws/chat/send_msg")
            let places = gateways == 1 ? [site.port] : [site.port, try await site.startGateway()]
            var survivor = try await users[1].listen("?since=live")
            for round in 0..<120 {
                // Whichever of the two is the newer, exactly one of all that are open is left.
                async let left = users[1].at(places[round % places.count]).listen("?since=live")
                async let right = users[1].at(places[(round + 1) % places.count]).listen("?since=live")
                let pair = [try await left, try await right]
                #expect(try await survivor.end() == 4409)
                let number = try await Self.firstToEnd(pair)
                #expect(try await pair[number].end() == 4409)
                survivor = pair[1 - number]
                _ = try await sender.ask(["toUserId": .string(users[1].id), "msg": .string("\(round)")])
                // The other gateway may have heard of the last round's message only now.
                while try await survivor.chats(1) != ["\(round)"] {}
            }
        }
    }

    /// The place of the connection that has to go.
    private static func firstToEnd(_ pair: [WebSocketClient]) async throws -> Int {
        while true {
            for (index, socket) in pair.enumerated() {
                do {
                    let notice = try await socket.nextPush(within: .milliseconds(5))
                    if notice["eventType"] == "forced_logout" { return index }
                } catch ClientError.timedOut {
                    continue
                }
            }
        }
    }

    @Test func `opened one after the other at two gateways the later stays`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let second = try await site.startGateway()
            var last = try await users[1].listen("?since=live")
            for round in 0..<100 {
                let next = try await users[1].at(round % 2 == 0 ? second : site.port).listen("?since=live")
                #expect(try await last.anyNotice()["eventType"] == "forced_logout")
                #expect(try await last.end() == 4409)
                last = next
            }
            try await users[0].send("hello", to: users[1])
            #expect(try await last.chats(1) == ["hello"])
        }
    }

    @Test func `while social-svc is away the newer stays as well, and also when it is back`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let before = try await users[1].listen("?since=live")
            await site.stop(.social)
            let during = try await users[1].listen("?since=live")
            #expect(try await before.end() == 4409)
            let newer = try await users[1].listen("?since=live")
            #expect(try await during.end() == 4409)
            try await users[0].send("one", to: users[1])
            #expect(try await newer.chats(1) == ["one"])
            try await site.start(.social)
            try await site.untilReady()
            try await eventually("he is known to be there again") {
                try await users[0].http("GET", "/api/friend/get_friend_list")["data"]["list"][0]["status"] == "1"
            }
            let last = try await users[1].listen("?since=live")
            #expect(try await newer.end() == 4409)
            try await users[0].send("two", to: users[1])
            #expect(try await last.chats(1) == ["two"])
        }
    }

    // MARK: - What was missed

    @Test func `what came while nobody listened comes first, once, in order, then what comes`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let sender = try await users[0].open("/ws/chat/send_msg")
            var sent = 0
            func send(_ count: Int) async throws {
                for _ in 0..<count {
                    sent += 1
                    _ = try await sender.ask(["toUserId": .string(users[1].id), "msg": .string("\(sent)")])
                }
            }
            var heard: [String] = []
            for round in 0..<20 {
                try await send(round % 4)
                let socket = try await users[1].listen()
                heard += try await socket.chats(sent - heard.count)
                try await send(2)
                heard += try await socket.chats(2)
                #expect(heard == (1...sent).map { "\($0)" })
                // Cut or closed: the next connection is not given what this one has taken.
                if round % 2 == 0 { socket.cut() } else { try await socket.sendClose(code: 1000) }
                try await eventually("he is gone") { try await !site.isOnline(users[1]) }
            }
        }
    }

    @Test func `since sets the starting point, and live skips it`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            var ids: [String] = []
            for text in ["a", "b", "c"] {
                ids.append(try await users[0].send(text, to: users[1])["data"]["messageId"].text)
            }
            let live = try await users[1].listen("?since=live")
            try await users[0].send("d", to: users[1])
            #expect(try await live.chats(1) == ["d"])
            let since = try await users[1].listen("?since=\(ids[0])")
            #expect(try await since.chats(3) == ["b", "c", "d"])
            let all = try await users[1].listen("?since=0")
            #expect(try await all.chats(4) == ["a", "b", "c", "d"])
        }
    }

    @Test func `reloads while messages flow lose none and double none`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let total = 600
            let sending = Task {
                let sender = try await users[0].open("/ws/chat/send_msg")
                for number in 1...total {
                    _ = try await sender.ask(["toUserId": .string(users[1].id), "msg": .string("\(number)")])
                }
            }
            var heard: [String] = []
            while heard.last != "\(total)" {
                let socket = try await users[1].listen()
                heard += try await socket.chats(min(Int.random(in: 1...40), total - heard.count))
                // Closed in order, it takes all that it was given.
                try await socket.sendClose(code: 1000)
                var frame = try await socket.nextFrame()
                while frame.opcode != 0x8 {
                    let notice = try JSONValue(String(decoding: frame.payload, as: UTF8.self))
                    if let text = notice["data"]["msg"].string { heard.append(text) }
                    frame = try await socket.nextFrame()
                }
            }
            try await sending.value
            #expect(heard == (1...total).map { "\($0)" })
        }
    }

    @Test func `frames a client sends are ignored`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let socket = try await users[1].listen("?since=live")
            for text in ["", "ping", "{}", #"{"toUserId":"1","msg":"x"}"#] { try await socket.sendText(text) }
            try await users[0].send("hello", to: users[1])
            #expect(try await socket.chats(1) == ["hello"])
        }
    }

    // MARK: - Presence

    private func status(
        _ user: SocketUser, _ status: JSONValue, to friend: SocketUser, remark: JSONValue = ""
    ) -> JSONValue {
        JSONValue.object([
            "eventType": "friend_status_change", "fromUserId": .string(user.id), "toUserId": .string(friend.id),
            "data": [
                "status": status, "username": .string(user.name), "nickname": .string(user.name + "!"),
                "headImg": "/media/pictures/default", "remark": remark,
            ],
        ]).sorted
    }

    @Test func `online friends hear once that somebody came and once that he went, others hear nothing`() async throws {
        try await withGateway {
            $0.social.presence.grace = .milliseconds(100)
        } _: { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let (alice, bob) = (users[0], users[1])
            let stranger = try await site.socketUser("Stranger")
            let sockets = [try await alice.listen("?since=live"), try await stranger.listen("?since=live")]
            let client = try await site.bus.client(of: .social)
            _ = try await client.call(
                SocialAPI.SetRemark(
                    owner: AccountID(try #require(Int64(alice.id))), friend: AccountID(try #require(Int64(bob.id))),
                    remark: "Bobby"), .test())
            for _ in 0..<3 {
                let first = try await bob.classic.listen()
                #expect(try await sockets[0].anyNotice() == status(bob, "1", to: alice, remark: "Bobby"))
                // One more connection changes nothing, nor does the end of one of two.
                let second = try await bob.listen("?since=live")
                first.cut()
                second.cut()
                #expect(try await sockets[0].anyNotice() == status(bob, "0", to: alice, remark: "Bobby"))
            }
            let silence = await #expect(throws: ClientError.self) {
                try await sockets[1].nextText(within: .milliseconds(50))
            }
            #expect(silence == .timedOut)
        }
    }

    @Test func `a reload announces nothing`() async throws {
        try await withGateway {
            $0.social.presence.grace = .seconds(30)
        } _: { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let socket = try await users[0].listen("?since=live")
            var page = try await users[1].listen("?since=live")
            #expect(try await socket.anyNotice() == status(users[1], "1", to: users[0]))
            for _ in 0..<5 {
                page.cut()
                try await eventually("he is gone") { try await !site.isOnline(users[1]) }
                page = try await users[1].listen("?since=live")
                try await site.untilOnline(users[1])
            }
            try await users[1].send("end", to: users[0])
            #expect(try await socket.anyNotice()["data"]["msg"] == "end")
        }
    }

    @Test func `everybody at a gateway that dies is gone with its lease`() async throws {
        try await withGateway {
            $0.social.presence.lease = .seconds(4)
            $0.social.presence.grace = .milliseconds(100)
        } _: { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let socket = try await users[0].listen("?since=live")
            try await site.untilOnline(users[0])
            // A gateway that says once who is there, and then nothing more.
            let dying = try await site.bus.client(of: .social)
            let bob = AccountID(try #require(Int64(users[1].id)))
            for isComplete in [true, false] {
                _ = try await dying.call(
                    SocialAPI.ReportPresence(
                        gateway: 99, isComplete: isComplete, online: isComplete ? [] : [bob], offline: []), .test())
            }
            #expect(try await socket.anyNotice() == status(users[1], "1", to: users[0]))
            #expect(try await users[0].send("x", to: users[1])["code"] == "0000")
            #expect(try await socket.anyNotice() == status(users[1], "0", to: users[0]))
            #expect(try await users[0].send("y", to: users[1])["code"] == "8999")
        }
    }
}

extension Site {
    /// Waits until social-svc knows of a push connection of a person: who comes before that is not announced to him.
    func untilOnline(_ user: SocketUser) async throws {
        try await eventually("\(user.name) is online") { try await isOnline(user) }
    }

    /// Whether social-svc knows a push connection of a person at any gateway.
    func isOnline(_ user: SocketUser) async throws -> Bool {
        let client = try await bus.client(of: .social)
        defer { client.close() }
        let account = AccountID(Int64(user.id) ?? 0)
        return try await client.call(SocialAPI.Presence(accounts: [account]), .test()).online == [account]
    }
}
