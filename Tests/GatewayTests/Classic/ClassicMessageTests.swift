import Shared
import TestSupport
import Testing

@testable import Gateway

@Suite struct ClassicMessageTests {
    // MARK: - send_message

    @Test func `send_message takes ids as numbers and as decimal strings`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.friends()
            let forms: [(conversation: JSONValue, reply: JSONValue, wantedReply: Int64)] = [
                (.integer(conversation), -1, -1),
                (.string("\(conversation)"), "-1", -1),
                (.string("00\(conversation)"), 1, 1),
                (.integer(conversation), "2", 2),
            ]
            for (index, form) in forms.enumerated() {
                let body: JSONValue = [
                    "conversationId": form.conversation, "message": "hello", "replyId": form.reply,
                    "sender_id": 2, "unknown": [1],
                ]
                let reply = try await alice.ask("PUT", "/message/send_message", body)
                // The greeting was the first message.
                let wanted: JSONValue = [
                    "code": 0, "info": "Succeed", "message_id": .integer(Int64(index) + 2),
                    "reply_id": .integer(form.wantedReply),
                ]
                #expect(reply.status == 200)
                #expect(reply.json.sorted == wanted)
            }
        }
    }

    @Test func `send_message refuses who is not in the conversation, whatever the conversation`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.friends()
            let outsider = try await site.person("Outsider")
            #expect(try await alice.send("mine", to: conversation) == 2)

            func outcome(_ person: Person, _ conversation: Int64, _ text: String, _ reply: Int64) async throws -> String
            {
                try await person.ask(
                    "PUT", "/message/send_message",
                    [
                        "conversationId": .integer(conversation), "message": .string(text),
                        "replyId": .integer(reply),
                    ]
                ).outcome
            }
            let refused = "400 2 You're not in this conversation."
            for conversation in [conversation, conversation + 1, 0, -1, .min, .max, 1 << 53] {
                #expect(try await outcome(outsider, conversation, "hi", -1) == refused)
                #expect(try await outcome(outsider, conversation, "hi", 2) == refused)
            }
            #expect(try await outcome(alice, conversation + 1, "hi", -1) == refused)
            #expect(try await alice.texts(of: conversation).count == 2)
        }
    }

    @Test func `send_message refuses a reply to what is not in the conversation`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let carol = try await site.person("Carol")
            let other = try await site.befriend(carol, bob)
            let foreign = try await carol.send("elsewhere", to: other)

            for target in [foreign, 0, -2, .min, .max, 1 << 40] {
                let reply = try await alice.ask(
                    "PUT", "/message/send_message",
                    ["conversationId": .integer(conversation), "message": "hi", "replyId": .integer(target)])
                #expect(reply.outcome == "400 2 Invalid reply_id")
            }
            #expect(try await alice.texts(of: conversation).count == 1)
        }
    }

    @Test func `send_message takes one to ten thousand characters`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.friends()
            func outcome(_ text: String) async throws -> String {
                try await alice.ask(
                    "PUT", "/message/send_message",
                    ["conversationId": .integer(conversation), "message": .string(text), "replyId": -1]
                ).outcome
            }
            let refused = "400 3 message should be between 1 and 10000 characters"
            #expect(try await outcome("") == refused)
            #expect(try await outcome(String(repeating: "𝄞", count: 10_001)) == refused)
            #expect(try await outcome(String(repeating: "𝄞", count: 10_000)) == "200 0 Succeed +message_id +reply_id")
            #expect(try await outcome(" ") == "200 0 Succeed +message_id +reply_id")
        }
    }

    /// The order of the contract: the conversation, the reply, the text, the client's id.
    @Test func `send_message refuses in the contract's order`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.friends()
            try await alice.send("first", to: conversation, clientID: "used")
            let lines: [(conversation: Int64, reply: Int64, text: String, outcome: String)] = [
                (conversation + 1, 999, "", "400 2 You're not in this conversation."),
                (conversation, 999, "", "400 2 Invalid reply_id"),
                (conversation, -1, "", "400 3 message should be between 1 and 10000 characters"),
                (conversation, 999, "other", "400 2 Invalid reply_id"),
                (conversation, -1, "other", "409 2 Conflicting clientMessageId"),
                (conversation, -1, "first", "200 0 Succeed +message_id +reply_id"),
            ]
            var outcomes: [String] = []
            for line in lines {
                let reply = try await alice.ask(
                    "PUT", "/message/send_message",
                    [
                        "conversationId": .integer(line.conversation), "message": .string(line.text),
                        "replyId": .integer(line.reply), "clientMessageId": "used",
                    ])
                outcomes.append(reply.outcome)
            }
            #expect(outcomes == lines.map(\.outcome))
        }
    }

    @Test func `a client message id makes a repetition harmless`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let first = try await alice.send("hello", to: conversation, clientID: "a")
            #expect(try await alice.send("hello", to: conversation, clientID: "a") == first)
            // Another person's ids are his own.
            #expect(try await bob.send("hello", to: conversation, clientID: "a") == first + 1)
            #expect(try await alice.send("hello", to: conversation, clientID: "b") == first + 2)

            let body: JSONValue = ["conversationId": .integer(conversation), "message": "hello", "replyId": -1]
            let path = "/message/send_message"
            let byHeader = try await alice.ask("PUT", path, body, headers: ["Idempotency-Key": "a"])
            #expect(byHeader["message_id"].integer == first)
            for (text, reply) in [("other", -1), ("hello", first)] as [(String, Int64)] {
                let conflict = try await alice.ask(
                    "PUT", path,
                    [
                        "conversationId": .integer(conversation), "message": .string(text), "replyId": .integer(reply),
                        "clientMessageId": "a",
                    ])
                #expect(conflict.outcome == "409 2 Conflicting clientMessageId")
            }
            for id in ["", .string(String(repeating: "x", count: 256)), 5, [], true] as [JSONValue] {
                let reply = try await alice.ask(
                    "PUT", path,
                    [
                        "conversationId": .integer(conversation), "message": "x", "replyId": -1, "clientMessageId": id,
                    ])
                #expect(reply.outcome == "400 -2 Missing or error type of [clientMessageId]")
            }
            #expect(try await alice.texts(of: conversation).count == 4)
        }
    }

    // MARK: - pull_user_chain

    @Test func `pull_user_chain hands out everything once, one's own messages too`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let carol = try await site.person("Carol")
            let other = try await site.befriend(bob, carol)
            let hello = try await alice.send("hello", to: conversation)
            try await bob.send("reply", to: conversation, replyTo: hello)
            try await carol.send("elsewhere", to: other)

            let chain = try await alice.ask("GET", "/message/pull_user_chain")
            let times = chain["user_chat_chain"].items.map { $0["send_time"].number ?? 0 }
            #expect(times == times.sorted())
            let last = try #require(times.last)
            #expect(abs(last - Double(WallClock.seconds)) < 60)
            let greeting = "I have accepted your friend request. Now let's start chatting."
            let items: [JSONValue] = [
                (1, greeting, bob, -1, 0), (3, "hello", alice, -1, 1), (4, "reply", bob, hello, 0),
            ]
            .enumerated().map { (index: Int, line: (id: Int64, String, Person, Int64, Int64)) in
                [
                    "conversation_id": .integer(conversation), "conversation_name": "", "message": .string(line.1),
                    "message_id": .integer(line.id), "reply_count": .integer(line.4), "reply_id": .integer(line.3),
                    "send_time": .number(times[index]), "sender_id": .integer(line.2.id),
                    "sender_name": .string(line.2.name), "sender_picture": "", "seq": .integer(Int64(index) + 1),
                ]
            }
            #expect(chain.json.sorted == ["code": 0, "info": "Succeed", "user_chat_chain": .array(items)])
            #expect(
                try await alice.ask("GET", "/message/pull_user_chain").json.sorted
                    == ["code": 0, "info": "Succeed", "user_chat_chain": []])
            #expect(try await bob.pullTexts() == [greeting, greeting, "hello", "reply", "elsewhere"])
            #expect(try await bob.pullTexts() == [])
        }
    }

    @Test func `ack switches a pull to confirmed hand-over`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            #expect(try await alice.pullTexts().count == 1)
            for number in 2...5 { try await bob.send("\(number)", to: conversation) }

            for _ in 1...2 { #expect(try await alice.pullTexts("?ack=1") == ["2", "3", "4", "5"]) }
            #expect(try await alice.pullTexts("?ack=3") == ["4", "5"])
            #expect(try await alice.pullTexts("?ack=3") == ["4", "5"])
            // What was confirmed stays so for a pull that hands out once.
            #expect(try await alice.pullTexts() == ["4", "5"])
            #expect(try await alice.pullTexts() == [])
            #expect(try await alice.pullTexts("?ack=1") == ["2", "3", "4", "5"])
            #expect(try await alice.pullTexts("?ack=") == [])
            for ack in ["x", "1.5", "9223372036854775808"] {
                #expect(
                    try await alice.ask("GET", "/message/pull_user_chain?ack=\(ack)").outcome
                        == "400 -2 Missing or error type of [ack]")
            }
        }
    }

    @Test func `an ack beyond the last message does not swallow later ones`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            #expect(try await alice.pullTexts("?ack=9223372036854775807") == [])
            try await bob.send("later", to: conversation)
            #expect(try await alice.pullTexts() == ["later"])
        }
    }

    @Test(.timeLimit(.minutes(3))) func `more than a thousand messages are handed out in parts`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let texts = (2...1_005).map { "\($0)" }
            try await bob.sendAll(texts, to: conversation)

            var pulled: [String] = []
            for (count, hasMore) in [(1_000, true), (5, nil), (0, nil)] as [(Int, Bool?)] {
                let reply = try await alice.ask("GET", "/message/pull_user_chain")
                #expect(reply["user_chat_chain"].items.count == count)
                #expect(reply["has_more"].bool == hasMore)
                pulled += reply["user_chat_chain"].items.map { $0["message"].text }
            }
            #expect(Set(pulled.dropFirst()) == Set(texts))
            #expect(pulled.count == 1_005)

            let path = "/conversation/pull_conversation_chain?conversationId=\(conversation)"
            let newest = try await alice.ask("GET", path)
            #expect(newest["conversation_chain"].items.map { $0["message"].text } == Array(pulled.suffix(1_000)))
            #expect(newest["has_more"].bool == true)
            let first = try #require(newest["conversation_chain"][0]["message_id"].integer)
            let oldest = try await alice.ask("GET", path + "&beforeMessageId=\(first)")
            #expect(oldest["conversation_chain"].items.map { $0["message"].text } == Array(pulled.prefix(5)))
            #expect(oldest["has_more"] == .null)
        }
    }
}

extension Person {
    /// Sends texts over several connections at once, for tests that need many messages in any order.
    func sendAll(_ texts: [String], to conversation: Int64, connections: Int = 16) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for share in 0..<connections {
                let person = again
                group.addTask {
                    for index in stride(from: share, to: texts.count, by: connections) {
                        try await person.send(texts[index], to: conversation)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
