import Shared
import TestSupport
import Testing

@testable import Gateway

/// What a notice connection was served is what its client has; the rest is handed over again.
@Suite(.timeLimit(.minutes(5))) struct NoticeHandOverTests {
    /// Bob has missed messages of Alice's.
    private func missed(_ count: Int, _ site: Site) async throws -> (alice: SocketUser, bob: SocketUser) {
        let users = try await site.socketFriends("Alice", "Bob")
        for index in 0..<count { try await users[0].send("\(index)", to: users[1]) }
        return (users[0], users[1])
    }

    @Test(arguments: [true, false])
    func `a connection that ends before its hand-over arrives takes nothing from the next one`(
        writesPastChannel: Bool
    ) async throws {
        try await withGateway {
            $0.gateway.server.webSocket.writesPastChannel = writesPastChannel
        } _: { site in
            let (_, bob) = try await missed(3, site)
            // Released, a client's socket is closed like that of a process that ends: what was not read is lost with it.
            for _ in 0..<20 { _ = try await bob.listen() }
            let socket = try await bob.listen()
            #expect(try await socket.chats(3) == ["0", "1", "2"])
        }
    }

    @Test(arguments: [true, false])
    func `a client that does not read is handed over the same again`(writesPastChannel: Bool) async throws {
        try await withGateway {
            $0.gateway.server.webSocket.writesPastChannel = writesPastChannel
        } _: { site in
            let (alice, bob) = try await missed(0, site)
            let text = String(repeating: "x", count: 9_000)
            let deaf = try await WebSocketClient.connect(
                port: site.port, path: "/ws/notice?since=live", headers: ["Cookie": bob.cookies],
                receiveBufferBytes: 4_096)
            try await alice.send("first", to: bob)
            #expect(try await deaf.chats(1) == ["first"])
            for _ in 0..<60 { try await alice.send(text, to: bob) }
            // Much of it is on its way to a client that is not there any more.
            let socket = try await bob.listen()
            var texts: [String] = []
            while texts.count < 60 { texts += try await socket.chats(1).filter { $0 == text } }
            try await alice.send("last", to: bob)
            #expect(try await socket.chats(1) == ["last"])
        }
    }

    @Test func `what else happens during a hand-over comes behind it and takes nothing away`() async throws {
        try await withGateway { site in
            let (alice, bob) = try await missed(0, site)
            _ = try await bob.listen("?since=live")
            let sender = try await alice.open("/ws/chat/send_msg")
            for index in 0..<600 {
                let body: JSONValue = ["toUserId": .string(bob.id), "msg": .string("\(index)")]
                #expect(try await sender.ask(body)["data"]["seq"].integer == Int64(index + 2))
            }
            let carol = try await site.socketUser("Carol")
            for _ in 0..<6 {
                async let asking: Void = { _ = try await carol.ask("/friend/add", ["userId": .string(bob.id)]) }()
                let socket = try await bob.listen()
                try await asking
                withExtendedLifetime(socket) {}
            }
            let socket = try await bob.listen()
            var expected = 0
            var isBehind = true
            while expected < 600 {
                let notice = try await socket.notice()
                if notice["eventType"] == "friend_add" {
                    isBehind = false
                    continue
                }
                #expect(notice["data"]["msg"] == .string("\(expected)"))
                guard notice["data"]["msg"] == .string("\(expected)") else { break }
                expected += 1
            }
            #expect(isBehind)
        }
    }

    @Test func `a group's notices reach a connection that is not live yet`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let (alice, bob) = try await missed(0, site)
            let group = try await alice.createGroup("g7x")
            try await alice.admit(bob, to: group)
            let carol = try await site.socketUser("Carol")
            let request = try await carol.ask("/group/add", ["groupId": .string(group)])["data"]["groupApplyId"]
            await site.stop(.message)
            let socket = try await bob.listen("?since=live")
            async let reply = alice.ask("/group/add_reply", ["groupApplyId": request, "agree": true])
            try await site.start(.message)
            _ = try await reply
            while try await socket.notice()["eventType"] != "group_join" {}
        }
    }
}
