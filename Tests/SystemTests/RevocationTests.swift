import TestSupport
import Testing

extension SystemTests {
    /// A session that is over is over everywhere.
    @Suite struct RevocationTests {
        @Test func `a session ended at one gateway is out at the other within a second`() async throws {
            try await withStack(.twoGateways) { stack in
                let here = try await ChatClient.signUp("Anna", port: stack.port())
                let there = here.reconnected(to: stack.port(of: .secondGateway))
                try await there.succeed("GET", "/conversation/pull_conversation_list")
                let pushesHere = try await here.pushSocket()
                let pushesThere = try await there.pushSocket()
                let stranger = try await ChatClient.signUp("Ben", port: stack.port(of: .secondGateway))
                let strangersPushes = try await stranger.pushSocket()

                try await here.succeed("POST", "/user/logout")
                let loggedOut = ContinuousClock.now

                // Here it is so with the answer itself, there within a second.
                try await Self.expectRefusal(of: here)
                #expect(try await pushesHere.webSocket.end(within: .seconds(1)) == 4401)
                #expect(try await pushesThere.webSocket.end(within: .seconds(1)) == 4401)
                try await Self.expectRefusal(of: there)
                #expect(ContinuousClock.now - loggedOut < .seconds(1))
                for port in [stack.port(), stack.port(of: .secondGateway)] {
                    await #expect(throws: ClientError.refused(status: 401, body: Self.refusal)) {
                        _ = try await here.pushSocket(port: port)
                    }
                }

                // Nobody else is concerned, and a new login is a new session.
                try await stranger.succeed("GET", "/conversation/pull_conversation_list")
                let again = try await ChatClient.logIn("Anna", port: stack.port(of: .secondGateway))
                let conversation = try await again.befriend(stranger)
                try await again.say("back", to: conversation)
                #expect(try await strangersPushes.nextTexts(2).last == "back")
            }
        }

        @Test func `a session that ended while a gateway was down is out when it is back`() async throws {
            try await withStack(.twoGateways) { stack in
                let here = try await ChatClient.signUp("Anna", port: stack.port())
                try await stack.kill(.secondGateway)
                try await here.succeed("POST", "/user/logout")
                try await stack.kill(.auth)
                try await stack.start(.auth)
                try await stack.start(.secondGateway)
                try await stack.untilReady()

                try await Self.expectRefusal(of: here.reconnected(to: stack.port(of: .secondGateway)))
                try await Self.expectRefusal(of: here.reconnected())
            }
        }

        private static let refusal = Array(#"{"code":6,"info":"invalid or expired JWT"}"#.utf8)

        private static func expectRefusal(of client: ChatClient) async throws {
            let answer = try await client.call("GET", "/conversation/pull_conversation_list")
            #expect(answer.status == 401)
            #expect(answer.body == ["code": 6, "info": "invalid or expired JWT"])
        }
    }
}
