import TestSupport
import Testing

extension SystemTests {
    /// Any process may be away alone; the others do all they can.
    @Suite struct OutageTests {
        @Test func `without auth-svc valid tokens work and nobody logs in`() async throws {
            try await withStack { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let pushes = try await pair.other.pushSocket()
                // What names and pictures there are is in the gateway's memory from now on.
                _ = try await pair.other.chain(of: pair.conversation)
                try await stack.kill(.auth)
                try await stack.untilMissed(.auth)

                try await pair.one.say("still here", to: pair.conversation)
                #expect(try await pushes.nextTexts(1) == ["still here"])
                #expect(try await pair.other.friends() == [pair.one.userName: pair.conversation])
                #expect(try await pair.other.chain(of: pair.conversation).last?.text == "still here")
                // A token seen for the first time is judged without auth-svc as well.
                let again = try await pair.one.pushSocket()
                again.close()
                let login = try await ChatClient.tryLogIn("Nobody", HTTPClient(port: stack.port()))
                Self.expectUnavailable(login)

                try await stack.start(.auth)
                try await stack.untilReady()
                #expect(try await ChatClient.tryLogIn("Nobody", HTTPClient(port: stack.port())).status == 401)
            }
        }

        @Test func `without social-svc messages are sent`() async throws {
            try await withStack { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let pushes = try await pair.other.pushSocket()
                try await stack.kill(.social)
                try await stack.untilMissed(.social)

                try await pair.one.say("still here", to: pair.conversation)
                #expect(try await pushes.nextTexts(1) == ["still here"])
                Self.expectUnavailable(try await pair.one.call("GET", "/friend/pull_friend_list"))

                try await stack.start(.social)
                try await stack.untilReady()
                #expect(try await pair.other.friends() == [pair.one.userName: pair.conversation])
            }
        }

        @Test func `without message-svc people see their friends and a send is refused at once`() async throws {
            try await withStack { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                try await stack.kill(.message)
                try await stack.untilMissed(.message)

                let newcomer = try await ChatClient.signUp("Newcomer", port: stack.port())
                try await newcomer.apply(to: pair.one)
                #expect(try await pair.one.friends() == [pair.other.userName: pair.conversation])
                let pushes = try await pair.other.pushSocket()
                let clock = ContinuousClock()
                for _ in 1...5 {
                    let begun = clock.now
                    let answer = try await pair.one.call(
                        "PUT", "/message/send_message",
                        ["conversationId": .integer(pair.conversation), "message": "never", "replyId": -1])
                    #expect(clock.now - begun < .seconds(1))
                    Self.expectUnavailable(answer)
                }

                try await stack.start(.message)
                try await stack.untilReady()
                try await pair.one.say("now", to: pair.conversation)
                #expect(try await pair.one.chain(of: pair.conversation).dropFirst().map(\.text) == ["now"])
                // The connection that was made meanwhile is live by itself.
                #expect(try await pushes.nextTexts(1) == ["now"])
            }
        }

        private static func expectUnavailable(_ answer: ChatAnswer) {
            #expect(answer.status == 503)
            #expect(answer.body == ["code": -6, "info": "Service unavailable"])
            #expect(answer.headers["retry-after"] != nil)
        }
    }
}
