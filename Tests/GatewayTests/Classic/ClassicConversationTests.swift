import TestSupport
import Testing

@testable import Gateway

@Suite struct ClassicConversationTests {
    private let greeting = "I have accepted your friend request. Now let's start chatting."

    @Test func `pull_conversation_list shows the other person's name and what is unread`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(
                try await alice.ask("GET", "/conversation/pull_conversation_list").json.sorted
                    == ["code": 0, "conversation_list": [], "info": "Succeed"])
            let (bob, carol) = (try await site.person("Bob"), try await site.person("Carol"))
            let withBob = try await site.befriend(alice, bob)
            let withCarol = try await site.befriend(carol, alice)
            try await bob.send("one", to: withBob)
            try await alice.send("mine", to: withBob)

            func entry(_ name: String, _ id: Int64, unread: Int64) -> JSONValue {
                [
                    "conversation_id": .integer(id), "conversation_name": .string(name), "private": "True",
                    "unread_count": .integer(unread),
                ]
            }
            let list = [entry("Bob", withBob, unread: 2), entry("Carol", withCarol, unread: 0)]
            #expect(
                try await alice.ask("GET", "/conversation/pull_conversation_list").json.sorted
                    == ["code": 0, "conversation_list": .array(list), "info": "Succeed"])
            #expect(
                try await bob.ask("GET", "/conversation/pull_conversation_list")["conversation_list"][0].sorted
                    == entry("Alice", withBob, unread: 1))
        }
    }

    @Test func `pull_conversation_chain shows messages with their readers`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let hello = try await alice.send("hello", to: conversation)
            try await bob.send("reply", to: conversation, replyTo: hello)

            let reply = try await alice.ask(
                "GET", "/conversation/pull_conversation_chain/?conversationId=\(conversation)&&unknown=1")
            let times = reply["conversation_chain"].items.map { $0["send_time"] }
            let lines: [(text: String, sender: Person, reply: Int64, replies: Int64)] = [
                (greeting, bob, -1, 0), ("hello", alice, -1, 1), ("reply", bob, hello, 0),
            ]
            let items: [JSONValue] = lines.enumerated().map { index, line in
                [
                    "conversation_id": .integer(conversation), "conversation_name": "", "message": .string(line.text),
                    "message_id": .integer(Int64(index) + 1),
                    "reader_list": [
                        ["member_name": .string(line.sender.name), "member_user_id": .integer(line.sender.id)]
                    ],
                    "reply_count": .integer(line.replies), "reply_id": .integer(line.reply),
                    "send_time": times[index], "sender_id": .integer(line.sender.id),
                    "sender_name": .string(line.sender.name), "sender_picture": "", "seq": .integer(Int64(index) + 1),
                ]
            }
            #expect(
                reply.json.sorted
                    == ["code": 0, "conversation_chain": .array(items), "info": "Succeed", "unread_count": 2])
            // Reading the chain marks nothing as read and hands nothing out.
            #expect(try await alice.texts(of: conversation) == lines.map(\.text))
            #expect(try await alice.pullTexts() == lines.map(\.text))
        }
    }

    @Test func `pull_conversation_chain is read in pages from the newest`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.friends()
            for number in 2...5 { try await alice.send("\(number)", to: conversation) }
            func page(_ query: String) async throws -> [String] {
                let reply = try await alice.ask(
                    "GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)&" + query)
                return reply["conversation_chain"].items.map { $0["message"].text }
                    + (reply["has_more"] == true ? ["more"] : [])
            }
            #expect(try await page("limit=2") == ["4", "5", "more"])
            #expect(try await page("limit=2&beforeMessageId=4") == ["2", "3", "more"])
            #expect(try await page("limit=2&beforeMessageId=2") == [greeting])
            #expect(try await page("limit=5") == [greeting, "2", "3", "4", "5"])
            #expect(try await page("limit=9223372036854775807").count == 5)
            #expect(try await page("beforeMessageId=1") == [])
            #expect(try await page("beforeMessageId=-9223372036854775808") == [])
            #expect(try await page("beforeMessageId=9223372036854775807").count == 5)
            #expect(try await page("beforeMessageId=&limit=").count == 5)
            for query in ["limit=0", "limit=-1", "limit=x"] {
                let reply = try await alice.ask(
                    "GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)&" + query)
                #expect(reply.outcome == "400 -2 Missing or error type of [limit]")
            }
        }
    }

    @Test func `pull_conversation_chain refuses outsiders, and says the same of what does not exist`() async throws {
        try await withGateway { site in
            let (_, _, conversation) = try await site.friends()
            let outsider = try await site.person("Outsider")
            for id in [conversation, conversation + 1, 0, -1, .max, .min] {
                let reply = try await outsider.ask(
                    "GET", "/conversation/pull_conversation_chain?conversationId=\(id)")
                #expect(reply.outcome == "401 6 You're not in this conversation")
            }
            for query in ["", "?conversationId", "?conversationId=", "?conversationId=x", "?conversationId=1.0"] {
                let reply = try await outsider.ask("GET", "/conversation/pull_conversation_chain" + query)
                #expect(reply.outcome == "400 -2 Missing or error type of [conversationId]")
            }
        }
    }
}
