import TestSupport
import Testing

extension SystemTests {
    /// Two people, live.
    @Suite struct ConversationTests {
        @Test func `two people become friends and chat live`() async throws {
            try await withStack { stack in
                let anna = try await ChatClient.signUp("Anna", port: stack.port())
                let ben = try await ChatClient.signUp("Ben", port: stack.port())
                let annasPushes = try await anna.pushSocket()
                let bensPushes = try await ben.pushSocket()

                try await anna.apply(to: ben, saying: "It is me")
                #expect(
                    try await bensPushes.next() == [
                        "type": "receive_friend_application",
                        "message": ["sender_id": .integer(anna.id), "sender_name": "Anna"],
                    ])
                let answer = try await ben.accept(anna)
                let conversation = try #require(answer.body["conversation_id"]?.string.flatMap { Int64($0) })
                let greeting = "I have accepted your friend request. Now let's start chatting."
                // The greeting is message-svc's to tell, the friendship social-svc's: either may come first.
                let first = [try await annasPushes.next(), try await annasPushes.next()]
                #expect(
                    first.contains([
                        "type": "friend_application_agreed",
                        "message": [
                            "friend_id": .integer(ben.id), "friend_name": "Ben",
                            "conversation_id": .integer(conversation),
                        ],
                    ]))
                #expect(first.contains { $0["message"]?["message"] == .string(greeting) })
                #expect(try await bensPushes.nextTexts(1) == [greeting])

                let id = try await anna.say("Hello, Ben", to: conversation)

                for pushes in [annasPushes, bensPushes] {
                    let push = try await pushes.next()
                    let time = try #require(push["message"]?["send_time"])
                    #expect(
                        push == [
                            "type": "receive_message",
                            "message": [
                                "message": "Hello, Ben", "message_id": .integer(id), "sender_name": "Anna",
                                "sender_id": .integer(anna.id), "conversation_name": "",
                                "conversation_id": .integer(conversation), "reply_id": -1, "seq": 2, "send_time": time,
                            ],
                        ])
                }
                #expect(try await ben.pullUserChain().map(\.text) == [greeting, "Hello, Ben"])
                #expect(try await ben.pullUserChain().isEmpty)
            }
        }

        @Test func `who was away gets what was missed and then lives on`() async throws {
            try await withStack { stack in
                let anna = try await ChatClient.signUp("Anna", port: stack.port())
                let ben = try await ChatClient.signUp("Ben", port: stack.port())
                let conversation = try await anna.befriend(ben)
                let seen = try await anna.say("seen", to: conversation)
                for number in 1...20 { try await anna.say("missed \(number)", to: conversation) }

                // More is sent while the connection starts, so that the seam between missed and live is in the middle.
                async let lively: Void = {
                    for number in 21...60 { try await anna.say("missed \(number)", to: conversation) }
                }()
                let pushes = try await ben.pushSocket(since: seen)
                let texts = try await pushes.nextTexts(60)
                try await lively

                #expect(texts == (1...60).map { "missed \($0)" })
                try await anna.say("last", to: conversation)
                #expect(try await pushes.nextTexts(1) == ["last"])
            }
        }
    }
}
