import MessageService
import TestSupport
import Testing

@testable import Gateway

@Suite struct RestMessageTests {
    private let ok = "200 成功"

    // MARK: - Conversations

    @Test func `conversations are listed newest activity first`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let carol = try await site.restPerson("Carol")
            let second = try await site.restBefriend(alice, carol)
            try await alice.data("POST", "/friendships/remark/\(bob.id)", ["remark": "B"])
            let (_, group) = try await site.restGroup("Owner", of: [alice, bob])
            let last = try await bob.send("最后", to: conversation)

            let list = try await alice.data("GET", "/conversations").items
            let owner = try #require(list.first { $0["name"] == "Owner" }?["conversation_id"].integer)
            #expect(list.map { $0["conversation_id"].integer } == [conversation, owner, second, group])
            let sentAt = try await alice.messages(of: conversation)[0]["created_at"]
            #expect(
                list[0] == [
                    "conversation_id": .integer(conversation), "kind": "private", "name": "Bob", "remark": "B",
                    "peer_id": .integer(bob.id), "unread_count": 2, "content": "最后", "last_message": "最后",
                    "last_message_id": .integer(last), "time": sentAt,
                ])
            #expect(
                list[3] == [
                    "conversation_id": .integer(group), "kind": "group", "name": "G", "remark": .null, "peer_id": .null,
                    "unread_count": 0, "content": "", "last_message": "", "last_message_id": .null, "time": .null,
                ])
        }
    }

    @Test func `opening a conversation marks it read, peeking and paging back do not`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            for index in 1...5 { try await bob.send("\(index)", to: conversation) }
            func unread() async throws -> JSONValue { try await alice.conversation(conversation)["unread_count"] }
            #expect(try await unread() == 6)
            let newestFirst = try await alice.data("GET", "/conversations/\(conversation)?peek=true&limit=3").items
            #expect(newestFirst.map { $0["content"].text } == ["5", "4", "3"])
            let before = try #require(newestFirst.last?["message_id"].integer)
            let earlier = try await alice.data("GET", "/conversations/\(conversation)?before=\(before)&limit=2").items
            #expect(earlier.map { $0["content"].text } == ["2", "1"])
            #expect(try await unread() == 6)

            let watcher = try await bob.listen()
            let opened = try await alice.data("GET", "/conversations/\(conversation)?peek=false").items
            #expect(opened.map { $0["seq"].integer } == [6, 5, 4, 3, 2, 1])
            #expect(try await unread() == 0)
            #expect(
                try await watcher.nextData("read") == [
                    "conversation_id": .integer(conversation), "user_id": .integer(alice.id),
                    "message_id": opened[0]["message_id"],
                ])
            for (query, name) in [
                ("limit=0", "limit"), ("limit=x", "limit"), ("before=x", "before"), ("peek=1", "peek"),
            ] {
                #expect(
                    try await alice.ask("GET", "/conversations/\(conversation)?\(query)").restOutcome
                        == "400 请求参数错误：\(name)")
            }
            let oldest = opened[5]["message_id"].text
            #expect(try await alice.data("GET", "/conversations/\(conversation)?before=\(oldest)") == [])
        }
    }

    @Test func `a conversation gives fifty messages unless asked for others, and all of them by pages`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            for index in 1...60 { try await bob.send("\(index)", to: conversation) }
            #expect(try await alice.messages(of: conversation).count == 50)
            let all = try await alice.data("GET", "/conversations/\(conversation)?peek=true&limit=100000").items
            #expect(all.map { $0["seq"].integer } == (1...61).reversed())
        }
    }

    @Test func `a message is marked read explicitly, and only forward`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let first = try await bob.send("1", to: conversation)
            try await bob.send("2", to: conversation)
            for (message, unread) in [(first, 1), (1, 1), (999_999, 0)] as [(Int64, JSONValue)] {
                let path = "/conversations/\(conversation)/read"
                #expect(try await alice.data("POST", path, ["message_id": .integer(message)]) == .null)
                #expect(try await alice.conversation(conversation)["unread_count"] == unread)
            }
            let outsider = try await site.restPerson("Outsider")
            for path in ["/conversations/\(conversation)/read", "/conversations/999/read"] {
                #expect(try await outsider.ask("POST", path, ["message_id": 1]).restOutcome == "400 不在此会话中")
            }
            #expect(try await outsider.ask("GET", "/conversations/\(conversation)").restOutcome == "400 不在此会话中")
        }
    }

    @Test func `the conversation with a friend is found, with others there is none`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let carol = try await site.restPerson("Carol")
            #expect(
                try await alice.data("POST", "/conversations/private", ["id": .integer(bob.id)])
                    == .integer(conversation))
            for id in [carol.id, alice.id, 999] {
                #expect(
                    try await alice.ask("POST", "/conversations/private", ["id": .integer(id)]).restOutcome
                        == "400 不是好友")
            }
        }
    }

    // MARK: - Sending

    @Test func `a message goes to a friend or a conversation`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            var ids: [Int64] = []
            for (alias, field, id) in [
                ("", "receiver_id", bob.id), ("/text", "conversation_id", conversation),
                ("/texts", "receiver_id", bob.id),
            ] {
                var body: JSONObject = ["content": "hello"]
                body.append(field, .string("\(id)"))
                ids.append(try #require(try await alice.data("POST", "/messages" + alias, .object(body)).integer))
            }
            let reply = try await bob.send("back", to: conversation, replyTo: ids[0])
            let messages = try await alice.messages(of: conversation)
            #expect(messages.map { $0["message_id"].integer } == [reply] + ids.reversed() + [1])
            let newest = messages[0]
            #expect(
                newest == [
                    "message_id": .integer(reply), "seq": 5, "sender_id": .integer(bob.id), "sender_name": "Bob",
                    "content": "back", "reply_id": .integer(ids[0]), "status": 0,
                    "created_at": newest["created_at"], "updated_at": newest["created_at"],
                ])
            #expect(newest["created_at"].text.hasSuffix("Z"))
            #expect(messages[1]["reply_id"] == .null)
        }
    }

    @Test func `a message is refused with the reason`() async throws {
        try await withGateway {
            $0.message.maxTextLength = 10
        } _: { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let carol = try await site.restPerson("Carol")
            func outcome(_ body: JSONObject) async throws -> String {
                var content: JSONObject = ["content": "x"]
                for member in body.members { content.append(member.name, member.value) }
                return try await alice.ask("POST", "/messages", .object(content)).restOutcome
            }
            #expect(try await outcome([:]) == "400 请求参数错误：receiver_id")
            #expect(
                try await outcome(["receiver_id": .integer(bob.id), "conversation_id": .integer(conversation)])
                    == "400 请求参数错误：conversation_id")
            #expect(try await outcome(["receiver_id": "x"]) == "400 请求参数错误：receiver_id")
            #expect(try await outcome(["conversation_id": "x"]) == "400 请求参数错误：conversation_id")
            #expect(try await outcome(["receiver_id": .integer(bob.id), "reply_id": "x"]) == "400 请求参数错误：reply_id")
            for id in [carol.id, alice.id, 999] {
                #expect(try await outcome(["receiver_id": .integer(id)]) == "400 不是好友")
            }
            #expect(try await outcome(["conversation_id": 999]) == "400 不在此会话中")
            for text in ["", "12345678901"] {
                #expect(
                    try await outcome(["receiver_id": .integer(bob.id), "content": .string(text)])
                        == "400 消息长度应为1到10个字符")
            }
            #expect(try await outcome(["receiver_id": .integer(bob.id), "reply_id": 999]) == "400 被回复的消息不存在")
            #expect(
                try await outcome(["receiver_id": .integer(bob.id), "client_message_id": 1])
                    == "400 请求参数错误：client_message_id")
            #expect(try await alice.messages(of: conversation).count == 1)
            #expect(
                try await carol.ask(
                    "POST", "/messages", ["conversation_id": .integer(conversation), "content": "x"]
                ).restOutcome == "400 不在此会话中")
        }
    }

    @Test func `a repeated client id is one message, with other content a conflict`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let body: JSONValue = ["receiver_id": .integer(bob.id), "content": "once", "client_message_id": "a"]
            let outcomes = try await atOnce(8) { _ in try await alice.again.ask("POST", "/messages", body) }
            #expect(outcomes == [String](repeating: ok, count: 8))
            let byHeader: JSONValue = ["conversation_id": .integer(conversation), "content": "once"]
            let repeated = try await alice.ask("POST", "/messages", byHeader, headers: ["Idempotency-Key": "a"])
            #expect(repeated["data"] == 2)
            #expect(try await alice.messages(of: conversation).count == 2)
            let other: JSONValue = ["receiver_id": .integer(bob.id), "content": "other", "client_message_id": "a"]
            #expect(
                try await alice.ask("POST", "/messages", other).restOutcome == "409 client_message_id已用于其他消息")
        }
    }

    // MARK: - Recalling and deleting

    @Test func `a recalled message is gone for everyone, once`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let outsider = try await site.restPerson("Outsider")
            let id = try await alice.send("oops", to: conversation)
            let body: JSONValue = ["message_id": .integer(id)]
            #expect(try await bob.ask("DELETE", "/message/recall", body).restOutcome == "400 只能撤回自己的消息")
            #expect(try await outsider.ask("DELETE", "/message/recall", body).restOutcome == "400 消息不存在")
            #expect(
                try await alice.ask("DELETE", "/message/recall", ["message_id": 999]).restOutcome == "400 消息不存在")
            let outcomes = try await atOnce(8) { index in
                let path = index % 2 == 0 ? "/message/recall" : "/messages/recall"
                return try await alice.again.ask("DELETE", path, index < 4 ? body : ["id": .string("\(id)")])
            }
            #expect(outcomes == [ok] + [String](repeating: "409 消息已撤回", count: 7))
            for person in [alice, bob] {
                #expect(try await person.messages(of: conversation).map { $0["message_id"] } == [1])
                #expect(try await person.conversation(conversation)["last_message_id"] == 1)
            }
        }
    }

    @Test func `a message may be named in the query, since not every client sends a body with DELETE`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.restFriends()
            for query in ["recall?message_id=", "recall?id=", "delete?message_id=", "delete?id="] {
                let id = try await alice.send("x", to: conversation)
                #expect(try await alice.data("DELETE", "/message/\(query)\(id)") == .null)
            }
            #expect(try await alice.messages(of: conversation).count == 1)
            #expect(
                try await alice.ask("DELETE", "/message/recall?message_id=x").restOutcome == "400 请求参数错误：message_id")
            #expect(try await alice.ask("DELETE", "/message/delete").restOutcome == "400 请求参数错误：message_id")
        }
    }

    @Test func `after its time a message stays, unless a moderator of the group recalls it`() async throws {
        try await withGateway {
            $0.message.recallWindow = 0
        } _: { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let (owner, group) = try await site.restGroup("Owner", of: [alice, bob])
            let ownerHere = try await site.restLogIn("userName", owner.name)
            func outcome(_ person: RestPerson, _ id: Int64) async throws -> String {
                try await person.again.ask("DELETE", "/message/recall", ["message_id": .integer(id)]).restOutcome
            }
            let direct = try await alice.send("x", to: conversation)
            #expect(try await outcome(alice, direct) == "400 超过撤回时限")
            let id = try await alice.send("x", to: group)
            #expect(try await outcome(alice, id) == "400 超过撤回时限")
            #expect(try await outcome(bob, id) == "400 只能撤回自己的消息")
            let watcher = try await bob.listen()
            let outcomes = try await atOnce(6) { _ in
                try await ownerHere.again.ask("DELETE", "/message/recall", ["message_id": .integer(id)])
            }
            #expect(outcomes == [ok] + [String](repeating: "409 消息已撤回", count: 5))
            let recalled = try await watcher.nextData("recall_message")
            #expect(recalled["operator_id"] == .integer(owner.id))
            #expect(recalled["recalled_message_id"] == .integer(id))

            let own = try await ownerHere.send("mine", to: group)
            #expect(try await outcome(ownerHere, own) == ok)
            let people = [try await alice.asClassic(), try await bob.asClassic()]
            #expect(try await owner.appoint([people[0]], in: group) == "200 0 Succeed")
            let later = try await bob.send("y", to: group)
            #expect(try await outcome(alice, later) == ok)
        }
    }

    @Test func `a deleted message is gone for oneself alone, and deleting it again is no error`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let outsider = try await site.restPerson("Outsider")
            let id = try await alice.send("x", to: conversation)
            let (own, other) = (try await bob.listen(), try await alice.listen())
            let body: JSONValue = ["message_id": .integer(id)]
            for path in ["/message/delete", "/messages/delete", "/message/delete"] {
                #expect(try await bob.data("DELETE", path, body) == .null)
            }
            #expect(try await bob.messages(of: conversation).map { $0["message_id"] } == [1])
            #expect(try await alice.messages(of: conversation).count == 2)
            #expect(
                try await own.nextData("delete_message")
                    == ["message_id": .integer(id), "conversation_id": .integer(conversation)])
            // Nobody else hears of it, and the owner once.
            try await alice.send("next", to: conversation)
            for socket in [own, other] {
                #expect(try await socket.nextData("new_message")["content"] == "next")
            }
            // Whether it is another's or nobody's is not told.
            for (person, id) in [(outsider, id), (outsider, 999), (bob, 999)] {
                let body: JSONValue = ["message_id": .integer(id)]
                for path in ["/message/delete", "/message/recall"] {
                    #expect(try await person.ask("DELETE", path, body).restOutcome == "400 消息不存在", "\(path)")
                }
            }
        }
    }
}
