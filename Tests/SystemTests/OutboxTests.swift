import TestSupport
import Testing

extension SystemTests {
    /// What one service owes another survives.
    @Suite struct OutboxTests {
        @Test func `an accepted friendship that was killed half way gets its conversation once`() async throws {
            try await withStack(.requestTimeout(milliseconds: 700)) { stack in
                let anna = try await ChatClient.signUp("Anna", port: stack.port())
                let ben = try await ChatClient.signUp("Ben", port: stack.port())
                try await anna.apply(to: ben)
                try await stack.kill(.message)
                try await stack.untilMissed(.message)

                let answer = try await ben.accept(anna)

                #expect(answer.status == 504)
                #expect(answer.body == ["code": -8, "info": "Outcome unknown"])
                try await stack.kill(.social)
                #expect(try DatabaseFile(of: .social, stack).count("SELECT count(*) FROM outbox") == 1)

                let pushes = try await anna.pushSocket()
                try await stack.start(.social)
                try await stack.start(.message)
                try await stack.untilReady()

                let agreed = try await Self.next("friend_application_agreed", on: pushes)
                let conversation = try #require(agreed["conversation_id"]?.integer)
                #expect(try await anna.friends() == ["Ben": conversation])
                #expect(try await ben.friends() == ["Anna": conversation])
                let greeting = "I have accepted your friend request. Now let's start chatting."
                for person in [anna, ben] {
                    #expect(try await person.chain(of: conversation).map(\.text) == [greeting])
                    #expect(try await person.conversationCount() == 1)
                }
                // Asked again, he hears that it is done.
                #expect(try await ben.accept(anna).status != 200)
                try await anna.say("Hello", to: conversation)

                try await eventually("the outbox is empty") {
                    try DatabaseFile(of: .social, stack).count("SELECT count(*) FROM outbox") == 0
                }
                // Nothing that was delivered is delivered again, not even after another kill.
                try await stack.kill(.message)
                try await stack.kill(.social)
                try await stack.start(.social)
                try await stack.start(.message)
                try await stack.untilReady()
                #expect(try await ben.chain(of: conversation).map(\.text) == [greeting, "Hello"])
            }
        }

        /// The fields of the next push of a type.
        private static func next(_ type: String, on pushes: PushSocket) async throws -> JSON {
            while true {
                let push = try await pushes.next()
                if push["type"] == .string(type), let message = push["message"] { return message }
            }
        }
    }
}

extension ChatClient {
    /// How many conversations this person has.
    fileprivate func conversationCount() async throws -> Int? {
        try await succeed("GET", "/conversation/pull_conversation_list")["conversation_list"]?.array?.count
    }
}
