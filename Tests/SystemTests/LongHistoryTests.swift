import TestSupport
import Testing

extension SystemTests {
    /// More text than fits into one frame of the bus.
    @Suite struct LongHistoryTests {
        @Test func `histories longer than a bus frame come in pages and disturb nobody`() async throws {
            try await withStack { stack in
                let anna = try await ChatClient.signUp("Anna", port: stack.port())
                let ben = try await ChatClient.signUp("Ben", port: stack.port())
                let conversation = try await anna.befriend(ben)
                // 40 KB each, 10 MB together: a frame has room for 9.
                let text = String(repeating: "\u{1F600}", count: 10_000)
                for _ in 0..<250 { _ = try await anna.say(text, to: conversation) }

                let socket = try await ben.pushSocket(since: 0)
                var pulled = 0
                var hasMore = true
                while hasMore {
                    let page = try await ben.succeed("GET", "/message/pull_user_chain")
                    pulled += try #require(page["user_chat_chain"]?.array).count
                    hasMore = page["has_more"] == true
                }
                let chain = try await ben.succeed(
                    "GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)")

                #expect(pulled == 251)
                #expect(chain["has_more"] == true)
                #expect(try await socket.nextTexts(251, within: .seconds(30)).count == 251)
                _ = try await anna.say("still here", to: conversation)
                #expect(try await socket.nextTexts(1) == ["still here"])
            }
        }
    }
}
