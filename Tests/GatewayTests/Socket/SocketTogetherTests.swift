import SocialService
import TestSupport
import Testing

@testable import Gateway

/// Dialects and gateways that are one chat.
@Suite(.timeLimit(.minutes(5))) struct SocketTogetherTests {
    @Test func `a socket user and a classic user befriend and hear each other in their own frames`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.person("Bob"))
            let (notices, pushes) = (try await alice.listen(), try await bob.listen())
            let request = try await alice.ask("/friend/add", ["userId": .integer(bob.id), "remark": "hi"])
            #expect(request["code"] == "0000")
            let asked = try await pushes.nextPush()
            #expect(asked["type"] == "receive_friend_application")
            #expect(asked["message"].sorted == ["sender_id": .integer(alice.classic.id), "sender_name": "Alice"])
            let chain = try await bob.ask("GET", "/friend/pull_friend_chain")["friend_chain"]
            #expect(chain[0]["message"] == "hi")
            #expect(try await bob.decide(on: alice.classic).status == 200)
            let both = [try await notices.notice(), try await notices.notice()]
            #expect(both.map { $0["eventType"].text } == ["friend_add_result", "chat_f2f"])
            #expect(both.allSatisfy { $0["fromUserId"] == .string("\(bob.id)") })

            try await bob.send("from classic", to: 1)
            let chat = try await notices.notice()
            #expect(chat["eventType"] == "chat_f2f" && chat["data"]["msg"] == "from classic")
            _ = try await alice.ask("/chat/send_msg", ["toUserId": .integer(bob.id), "msg": "from socket"])
            while true {
                let push = try await pushes.nextPush()["message"]
                guard push["sender_name"] == "Alice" else { continue }
                #expect(push["message"] == "from socket" && push["conversation_id"] == 1)
                break
            }
            #expect(try await bob.texts(of: 1).suffix(2) == ["from classic", "from socket"])
            #expect(try await alice.code("/friend/del", ["userId": .integer(bob.id)]) == "0000")
            while try await pushes.nextPush()["type"] != "friend_deleted" {}
        }
    }

    @Test func `who applied in classic is answered in socket`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.person("Bob"))
            let notices = try await alice.listen()
            #expect(try await bob.apply(to: "Alice", message: "it is me").status == 200)
            let asked = try await notices.notice()
            #expect(asked["eventType"] == "friend_add" && asked["data"]["remark"] == "it is me")
            let listed = try await alice.http("GET", "/api/user/friend_apply_list")["data"]["list"]
            #expect(listed[0]["friendApplyId"] == asked["data"]["friendApplyId"])
            let reply: JSONValue = ["friendApplyId": asked["data"]["friendApplyId"], "agree": true]
            #expect(try await alice.ask("/friend/add_reply", reply)["data"]["username"] == "Bob")
            #expect(try await bob.ask("GET", "/friend/pull_friend_list")["total_friend_list"].items.count == 1)
        }
    }

    @Test func `messages and notices cross gateways`() async throws {
        try await withGateway { site in
            let second = try await site.startGateway()
            let alice = try await site.socketUser("Alice")
            let bob = try await site.socketUser("Bob").at(second)
            let sockets = [try await alice.listen(), try await bob.listen()]
            let request = try await alice.add(bob)
            #expect(try await sockets[1].notice()["data"]["friendApplyId"] == .string(request))
            let reply: JSONValue = ["friendApplyId": .string(request), "agree": true]
            #expect(try await bob.code("/friend/add_reply", reply) == "0000")
            let both = [try await sockets[0].notice(), try await sockets[0].notice()]
            #expect(both.map { $0["eventType"].text } == ["friend_add_result", "chat_f2f"])
            for round in 0..<20 {
                try await alice.send("to Bob \(round)", to: bob)
                try await bob.send("to Alice \(round)", to: alice)
                #expect(try await sockets[1].chats(1) == ["to Bob \(round)"])
                #expect(try await sockets[0].chats(1) == ["to Alice \(round)"])
            }
            let group = try await alice.createGroup("G")
            try await alice.admit(bob, to: group)
            try await bob.send("all", toGroup: group)
            #expect(try await sockets[0].chats(1) == ["all"])
        }
    }

    @Test func `friends at two gateways see each other come and go`() async throws {
        try await withGateway {
            $0.social.presence.grace = .milliseconds(100)
        } _: { site in
            let second = try await site.startGateway()
            let users = try await site.socketFriends("Alice", "Bob")
            let socket = try await users[0].listen("?since=live")
            try await site.untilOnline(users[0])
            for _ in 0..<3 {
                let other = try await users[1].at(second).listen("?since=live")
                let came = try await socket.anyNotice()
                #expect(came["data"]["status"] == "1" && came["fromUserId"] == .string(users[1].id))
                let list = try await users[0].http("GET", "/api/friend/get_friend_list")["data"]["list"]
                #expect(list[0]["status"] == "1")
                other.cut()
                #expect(try await socket.anyNotice()["data"]["status"] == "0")
                #expect(
                    try await users[0].http("GET", "/api/friend/get_friend_list")["data"]["list"][0]["status"] == "0")
            }
            // A gateway that stops in order says so at once.
            let last = try await users[1].at(second).listen("?since=live")
            #expect(try await socket.anyNotice()["data"]["status"] == "1")
            await site.stopFurtherGateways()
            #expect(try await last.end() == 1001)
            #expect(try await socket.anyNotice()["data"]["status"] == "0")
        }
    }
}
