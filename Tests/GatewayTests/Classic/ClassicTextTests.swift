import TestSupport
import Testing

@testable import Gateway

/// Texts of people go through unchanged, byte for byte.
@Suite struct ClassicTextTests {
    static let texts = [
        "👩‍👩‍👧‍👦 🇨🇳 ❤️", "你好，世界", "\u{202E}مرحبا\u{202C} שלום", "e\u{301}", "\u{E9}", "\u{FEFF}bom", "\u{1F1E6}",
        "'; DROP TABLE message;--", "% _ * ? ^ \" \\ / \u{2028}", "<script>alert(1)</script>",
        "line\r\nbreak\ttab\u{7F}\u{1}",
        "${jndi:ldap://x}", "\u{10FFFF}\u{FFFE}\u{FFFF}", " ", "null", "a\u{0}b", "\u{0}", "\u{0}\u{0}end",
    ]

    @Test(arguments: texts) func `a message keeps its text`(_ text: String) async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let socket = try await bob.listen()
            let id = try await alice.send(text, to: conversation, clientID: "id")
            // The same text under the same id is the same message.
            #expect(try await alice.send(text, to: conversation, clientID: "id") == id)

            func isSame(_ value: JSONValue) -> Bool { value.string.map { Array($0.utf8) } == Array(text.utf8) }
            #expect(try await isSame(socket.nextPush()["message"]["message"]))
            let missed = try await bob.listen("?since=1")
            #expect(try await isSame(missed.nextPush()["message"]["message"]))
            let path = "/conversation/pull_conversation_chain?conversationId=\(conversation)"
            #expect(try await isSame(bob.ask("GET", path)["conversation_chain"][1]["message"]))
            #expect(try await isSame(bob.ask("GET", "/message/pull_user_chain")["user_chat_chain"][1]["message"]))
        }
    }

    @Test(arguments: texts) func `the message of an application keeps its text`(_ text: String) async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Bob", message: text).status == 200)
            let entry = try await bob.ask("GET", "/friend/pull_friend_chain")["friend_chain"][0]
            #expect(entry["message"].string.map { Array($0.utf8) } == Array(text.utf8))
        }
    }
}
