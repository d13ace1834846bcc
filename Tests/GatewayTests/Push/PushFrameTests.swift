import TestSupport
import Testing

@testable import Gateway

/// What is pushed, to whom, and in which words.
@Suite struct PushFrameTests {
    @Test func `an application is pushed to every device of the one asked, each time`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            let devices = [try await bob.listen(), try await bob.listen("?since=0")]
            let applicant = try await alice.listen()
            let frame: JSONValue = [
                "message": ["sender_id": .integer(alice.id), "sender_name": "Alice"],
                "type": "receive_friend_application",
            ]
            for message in ["first", "again"] {
                #expect(try await alice.apply(to: "Bob", message: message).status == 200)
                for device in devices { #expect(try await device.nextPush().sorted == frame) }
            }
            // A refusal is not pushed: the next thing the applicant hears of is the acceptance of another request.
            #expect(try await bob.decide(on: alice, agree: "False").status == 200)
            #expect(try await alice.apply(to: "Bob").status == 200)
            #expect(try await bob.decide(on: alice).status == 200)
            let types = try await applicant.nextTypes(2)
            #expect(types.sorted() == ["friend_application_agreed", "receive_message"])
        }
    }

    @Test func `an acceptance is pushed to the applicant, and the greeting to both`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Bob").status == 200)
            let (applicant, accepter) = (try await alice.listen(), try await bob.listen())
            #expect(try await bob.decide(on: alice).status == 200)

            let agreed: JSONValue = [
                "message": ["conversation_id": 1, "friend_id": .integer(bob.id), "friend_name": "Bob"],
                "type": "friend_application_agreed",
            ]
            let pushes = [try await applicant.nextPush().sorted, try await applicant.nextPush().sorted]
            #expect(pushes.contains(agreed))
            let greeting = try #require(pushes.first { $0["type"] == "receive_message" })
            #expect(
                greeting["message"]["message"]
                    == "I have accepted your friend request. Now let's start chatting.")
            #expect(greeting["message"]["sender_name"] == "Bob")
            #expect(try await accepter.nextPush().sorted == greeting)
        }
    }

    @Test func `a message is pushed to every device of every member, the sender's too`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let outsider = try await site.person("Outsider")
            let sockets = [
                try await alice.listen(), try await alice.listen(), try await bob.listen(), try await bob.listen(),
            ]
            let stranger = try await outsider.listen()
            let first = try await alice.send("Good morning!", to: conversation)
            let second = try await bob.send("Hello", to: conversation, replyTo: first)

            let history = try await alice.ask(
                "GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)")["conversation_chain"]
            func frame(_ text: String, _ id: Int64, _ sender: Person, replyTo: Int64, _ sequence: Int64) -> JSONValue {
                [
                    "message": [
                        "conversation_id": .integer(conversation), "conversation_name": "", "message": .string(text),
                        "message_id": .integer(id), "reply_id": .integer(replyTo),
                        "send_time": history[Int(sequence) - 1]["send_time"], "sender_id": .integer(sender.id),
                        "sender_name": .string(sender.name), "seq": .integer(sequence),
                    ], "type": "receive_message",
                ]
            }
            for socket in sockets {
                #expect(try await socket.nextPush().sorted == frame("Good morning!", first, alice, replyTo: -1, 2))
                #expect(try await socket.nextPush().sorted == frame("Hello", second, bob, replyTo: first, 3))
            }
            // The first thing an outsider hears is what concerns him.
            #expect(try await alice.apply(to: "Outsider").status == 200)
            #expect(try await stranger.nextTypes(1) == ["receive_friend_application"])
        }
    }

    @Test func `a conversation opened under an open socket is heard at once`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            let socket = try await alice.listen()
            let conversation = try await site.befriend(alice, bob)
            try await bob.send("hello", to: conversation)
            let types = try await socket.nextTypes(3)
            #expect(types.sorted() == ["friend_application_agreed", "receive_message", "receive_message"])
        }
    }

    @Test func `what a client says on the push socket is ignored`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let socket = try await bob.listen()
            for text in [
                "", "hello", "{", #"{"type":"receive_message","message":{}}"#, String(repeating: "x", count: 9_999),
            ] {
                try await socket.sendText(text)
            }
            try await alice.send("hello", to: conversation)
            #expect(try await socket.nextPush()["message"]["message"] == "hello")
        }
    }
}

extension WebSocketClient {
    /// The types of the next pushes.
    func nextTypes(_ count: Int) async throws -> [String] {
        var types: [String] = []
        for _ in 0..<count { types.append(try await nextPush()["type"].text) }
        return types
    }

    /// The ids of the messages pushed next.
    func nextMessageIDs(_ count: Int) async throws -> [Int64] {
        var ids: [Int64] = []
        while ids.count < count {
            let push = try await nextPush()
            if push["type"] == "receive_message", let id = push["message"]["message_id"].integer { ids.append(id) }
        }
        return ids
    }
}
