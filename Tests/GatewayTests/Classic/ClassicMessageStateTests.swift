import TestSupport
import Testing

@testable import Gateway

/// Replies, readers, read indexes and deletion.
@Suite struct ClassicMessageStateTests {
    private func mark(_ person: Person, _ conversation: Int64, _ message: Int64) async throws -> String {
        try await person.ask(
            "POST", "/message/mark_read_index",
            ["conversationId": .integer(conversation), "readIndex": .integer(message)]
        ).outcome
    }

    private func readers(of message: Int64, as person: Person) async throws -> [String] {
        try await person.ask("GET", "/message/pull_reader_list?messageId=\(message)")["reader_list"].items
            .map { $0["member_name"].text }
    }

    private func unread(_ person: Person, _ conversation: Int64) async throws -> Int64? {
        let reply = try await person.ask("GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)")
        let list = try await person.ask("GET", "/conversation/pull_conversation_list")["conversation_list"].items
        #expect(
            list.first { $0["conversation_id"] == .integer(conversation) }?["unread_count"] == reply["unread_count"])
        return reply["unread_count"].integer
    }

    @Test func `pull_reply_count counts direct replies`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let first = try await alice.send("first", to: group)
            let second = try await others[0].send("second", to: group, replyTo: first)
            try await others[1].send("third", to: group, replyTo: second)
            try await alice.send("fourth", to: group, replyTo: first)
            for (message, count) in [(first, 2), (second, 1), (second + 1, 0)] as [(Int64, Int64)] {
                let reply = try await others[1].ask("GET", "/message/pull_reply_count?messageId=\(message)")
                #expect(reply.json.sorted == ["code": 0, "info": "Succeed", "reply_count": .integer(count)])
            }
        }
    }

    @Test(arguments: ["pull_reply_count", "pull_reader_list"])
    func `what is known of a message is for members only`(_ path: String) async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let message = try await alice.send("hello", to: group)
            let outsider = try await site.person("Outsider")
            let refused = "400 2 Invalid message_id"
            for (person, ids) in [
                (outsider, [message, 1, 0, -1, 4_096, .max]), (others[0], [0, -1, -2, 4_096, .max, .min]),
                // The greeting between the owner and somebody else.
                (others[0], [2]),
            ] {
                for id in ids {
                    #expect(try await person.ask("GET", "/message/\(path)?messageId=\(id)").outcome == refused)
                }
            }
            #expect(try await others[0].quit(group) == "200 0 Succeed")
            #expect(try await others[0].ask("GET", "/message/\(path)?messageId=\(message)").outcome == refused)
        }
    }

    @Test func `pull_reader_list names the sender and who has read so far`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (bob, carol) = (others[0], others[1])
            let first = try await alice.send("one", to: group)
            let second = try await bob.send("two", to: group)
            #expect(try await readers(of: first, as: carol) == ["Alice"])
            let text: JSONValue = ["conversationId": .string("\(group)"), "readIndex": .string("\(first)")]
            let marked = try await carol.ask("POST", "/message/mark_read_index", text)
            #expect(marked.json.sorted == ["code": 0, "info": "Succeed"])
            let reply = try await alice.ask("GET", "/message/pull_reader_list?messageId=\(first)")
            #expect(
                reply.json.sorted == [
                    "code": 0, "info": "Succeed",
                    "reader_list": [
                        ["member_name": "Alice", "member_user_id": .integer(alice.id)],
                        ["member_name": "Carol", "member_user_id": .integer(carol.id)],
                    ],
                ])
            #expect(try await readers(of: second, as: alice) == ["Bob"])
            #expect(try await mark(alice, group, second) == "200 0 Succeed")
            #expect(try await readers(of: second, as: carol) == ["Alice", "Bob"])
            let chain = try await carol.ask("GET", "/conversation/pull_conversation_chain?conversationId=\(group)")
            for (index, names) in [["Alice", "Carol"], ["Alice", "Bob"]].enumerated() {
                let shown = chain["conversation_chain"][index]["reader_list"].items
                #expect(shown.map { $0["member_name"].text } == names)
            }
            // Who leaves is no reader any more.
            #expect(try await carol.quit(group) == "200 0 Succeed")
            #expect(try await readers(of: first, as: alice) == ["Alice"])
        }
    }

    @Test func `mark_read_index only moves forward, and to messages of the conversation`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let bob = others[0]
            let first = try await alice.send("one", to: group)
            try await alice.send("two", to: group)
            let outsider = try await site.person("Outsider")
            let refused = "401 6 You're not in this conversation"
            #expect(try await mark(outsider, group, first) == refused)
            for id in [2, 0, -1, 4_096, .max] as [Int64] { #expect(try await mark(bob, id, first) == refused) }
            #expect(try await unread(bob, group) == 2)
            for index in [0, -1, 1, .min] as [Int64] {
                #expect(try await mark(bob, group, index) == "200 0 Succeed")
                #expect(try await unread(bob, group) == 2)
            }
            #expect(try await mark(bob, group, first) == "200 0 Succeed")
            #expect(try await unread(bob, group) == 1)
            #expect(try await mark(bob, group, .max) == "200 0 Succeed")
            #expect(try await unread(bob, group) == 0)
            #expect(try await mark(bob, group, first) == "200 0 Succeed")
            #expect(try await unread(bob, group) == 0)
            // What comes later is unread, however far was marked.
            let third = try await alice.send("three", to: group)
            #expect(try await unread(bob, group) == 1)
            #expect(try await readers(of: third, as: alice) == ["Alice"])
        }
    }

    @Test func `delete_message hides it from one member only`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let bob = others[0]
            for text in ["one", "two"] { try await alice.send(text, to: group) }
            let first = try await alice.send("three", to: group)
            let outsider = try await site.person("Outsider")
            func delete(_ person: Person, _ id: JSONValue) async throws -> String {
                try await person.ask("DELETE", "/message/delete_message", ["messageId": id]).outcome
            }
            let invalid = "400 2 Invalid message id"
            for id in [0, -1, 4_096, .max] as [Int64] { #expect(try await delete(bob, .integer(id)) == invalid) }
            #expect(try await delete(outsider, .integer(first)) == "401 6 You're not in this conversation")
            #expect(try await delete(outsider, 4_096) == invalid)
            // Twice, as a number and as a text; another's message too.
            #expect(try await delete(bob, .integer(first)) == "200 0 Succeed")
            #expect(try await delete(bob, .string("\(first)")) == "200 0 Succeed")
            #expect(try await bob.texts(of: group) == ["one", "two"])
            #expect(try await alice.texts(of: group) == ["one", "two", "three"])
            #expect(try await unread(bob, group) == 2)
            let pulled = try await bob.pullTexts()
            #expect(!pulled.contains("three") && pulled.contains("two"))
            #expect(try await others[1].pullTexts().contains("three"))
            let history = try await bob.ask(
                "GET", "/conversation/pull_conversation_chain_history?conversationId=\(group)")
            #expect(history["conversation_chain"].items.count == 2)
        }
    }
}
