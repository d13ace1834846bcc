import AuthService
import NIOCore
import TestSupport
import Testing

@testable import Gateway

@Suite struct RestPushTests {
    // MARK: - The handshake

    /// The answer to a handshake: `101`, or the outcome of the refusal.
    private func outcome(_ site: Site, _ path: String, _ headers: [String: String] = [:]) async throws -> String {
        do {
            try await WebSocketClient.connect(port: site.port, path: path, headers: headers).cut()
            return "101"
        } catch ClientError.refused(let status, let body) {
            let json = try JSONValue(parsing: ByteBuffer(bytes: body))
            return "\(status) \(json["message"].text)"
        }
    }

    @Test func `a token comes by header or query, and a refresh token is the wrong one`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            for path in ["/auth/ws", "/api/auth/ws", "/api/auth/ws/"] {
                #expect(try await outcome(site, path, ["Authorization": alice.token]) == "101")
                #expect(try await outcome(site, path, ["Authorization": "Bearer " + alice.token]) == "101")
                #expect(try await outcome(site, path + "?token=\(alice.token)") == "101")
                #expect(try await outcome(site, path) == "401 token格式错误或失效")
                #expect(try await outcome(site, path + "?token=x") == "401 token格式错误或失效")
                #expect(
                    try await outcome(site, path + "?token=\(alice.refreshToken)")
                        == "403 refresh_token只能用于刷新token")
                #expect(
                    try await outcome(site, path + "?since=x", ["Authorization": alice.token])
                        == "400 请求参数错误：since")
            }
            let plain = try await alice.ask("GET", "/ws")
            #expect(plain.restOutcome == "426 此接口需要WebSocket连接")
            #expect(plain.headers["upgrade"] == "websocket")
            #expect(try await site.ask("GET", "/auth/ws").restOutcome == "401 token格式错误或失效")
            #expect(try await site.ask("POST", "/auth/ws").restOutcome == "405 请求方法错误")
        }
    }

    // MARK: - Friends

    @Test func `a request is pushed to the one asked, and what became of it to the applicant`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let (applicant, asked) = (try await alice.listen(), [try await bob.listen(), try await bob.listen()])
            let refused = try await alice.apply(to: bob.id, "你好")
            for socket in asked {
                #expect(
                    try await socket.nextData("new_friend_request") == [
                        "request_id": .integer(refused), "sender_id": .integer(alice.id), "sender_name": "Alice",
                        "message": "你好",
                    ])
            }
            try await bob.data("POST", "/friendship_requests/\(refused)", ["status": "rejected"])
            #expect(
                try await applicant.nextData("friend_request_decided") == [
                    "request_id": .integer(refused), "status": "rejected", "friend_id": .integer(bob.id),
                    "conversation_id": .null,
                ])

            let cancelled = try await alice.apply(to: bob.id)
            try await alice.data("DELETE", "/friendship_requests/\(cancelled)")
            for socket in asked {
                _ = try await socket.nextData("new_friend_request")
                #expect(
                    try await socket.nextData("friend_request_decided") == [
                        "request_id": .integer(cancelled), "status": "canceled", "friend_id": .integer(alice.id),
                        "conversation_id": .null,
                    ])
            }

            let accepted = try await alice.apply(to: bob.id)
            let conversation = try await bob.data("POST", "/friendship_requests/\(accepted)")["conversation_id"]
            // The applicant hears nothing of what he cancelled himself.
            #expect(
                try await applicant.nextData(
                    "friend_request_decided", skipping: ["new_message", "conversation_changed"]) == [
                        "request_id": .integer(accepted), "status": "accepted", "friend_id": .integer(bob.id),
                        "conversation_id": conversation,
                    ])

            try await bob.data("DELETE", "/friendships/\(alice.id)")
            #expect(
                try await applicant.nextData("friend_deleted", skipping: ["new_message", "conversation_changed"])
                    == ["friend_id": .integer(bob.id)])
        }
    }

    @Test func `both hear that their conversation opens and ends`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let sockets = [try await alice.listen(), try await bob.listen()]
            let conversation = try await site.restBefriend(alice, bob)
            try await bob.data("DELETE", "/friendships/\(alice.id)")
            let others: Set = ["new_message", "new_friend_request", "friend_request_decided", "friend_deleted"]
            for socket in sockets {
                for change in ["joined", "left"] {
                    #expect(
                        try await socket.nextData("conversation_changed", skipping: others)
                            == ["conversation_id": .integer(conversation), "change": .string(change)])
                }
            }
        }
    }

    // MARK: - Messages

    @Test func `messages, reading and recalls are pushed to every device of every member`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let sockets = [try await alice.listen(), try await alice.listen(), try await bob.listen()]
            let first = try await alice.send("早", to: conversation)
            let second = try await bob.send("回", to: conversation, replyTo: first)
            let listed = try await alice.messages(of: conversation)
            try await alice.data("POST", "/conversations/\(conversation)/read", ["message_id": .integer(second)])
            try await alice.data("DELETE", "/message/recall", ["message_id": .integer(first)])
            for socket in sockets {
                for index in [1, 0] {
                    let message = try await socket.nextData("new_message")
                    #expect(message["conversation_id"] == .integer(conversation))
                    #expect(message.object?.members.count == listed[index].object?.members.count.advanced(by: 1))
                    for field in listed[index].object?.members ?? [] { #expect(message[field.name] == field.value) }
                }
                #expect(
                    try await socket.nextData("read") == [
                        "conversation_id": .integer(conversation), "user_id": .integer(alice.id),
                        "message_id": .integer(second),
                    ])
                let recalled = try await socket.nextData("recall_message")
                let names = recalled.object?.members.map(\.name)
                #expect(names == ["recalled_message_id", "conversation_id", "operator_id", "updated_at"])
                #expect(recalled["recalled_message_id"] == .integer(first))
                #expect(recalled["operator_id"] == .integer(alice.id))
            }
        }
    }

    @Test func `since brings what was missed first, then what comes, without a hole or a repetition`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let first = try await alice.send("1", to: conversation)
            for index in 2...10 { try await alice.send("\(index)", to: conversation) }
            let socket = try await bob.listen("?since=\(first)")
            for index in 11...15 { try await alice.send("\(index)", to: conversation) }
            for index in 2...15 { #expect(try await socket.nextData("new_message")["content"].text == "\(index)") }
        }
    }

    // MARK: - Groups

    @Test func `what changes about a group is pushed to whom it concerns`() async throws {
        try await withGateway { site in
            let (alice, bob, _) = try await site.restFriends()
            let carol = try await site.restPerson("Carol")
            let (owner, group) = try await site.restGroup("Owner", of: [alice, bob])
            let (aliceHere, carolHere) = (try await alice.asClassic(), try await carol.asClassic())
            _ = try await site.befriend(carolHere, owner)
            let (member, joiner) = (try await alice.listen(), try await carol.listen())
            func change(_ name: JSONValue) -> JSONValue { ["conversation_id": .integer(group), "change": name] }

            #expect(try await owner.invite([carolHere], to: group) == "200 0 Succeed")
            #expect(try await owner.decideJoin(of: [carolHere], to: group).hasPrefix("200 0 Succeed"))
            #expect(try await joiner.nextData("conversation_changed") == change("joined"))
            #expect(try await member.nextData("conversation_changed") == change("members"))
            #expect(try await owner.appoint([aliceHere], in: group) == "200 0 Succeed")
            for socket in [joiner, member] {
                #expect(try await socket.nextData("conversation_changed") == change("role"))
            }
            let announcement: JSONValue = ["conversationId": .integer(group), "announcement": "news"]
            #expect(try await owner.ask("PUT", "/conversation/put_announcement", announcement).status == 200)
            for socket in [joiner, member] {
                #expect(try await socket.nextData("conversation_changed") == change("announcement"))
            }
            #expect(try await owner.remove([carolHere], from: group) == "200 0 Succeed")
            #expect(try await joiner.nextData("conversation_changed") == change("left"))
            #expect(try await member.nextData("conversation_changed") == change("members"))
            let message = try await alice.send("hello", to: group)
            #expect(try await member.nextData("new_message")["message_id"] == .integer(message))
        }
    }
}
