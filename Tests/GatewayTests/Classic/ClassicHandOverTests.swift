import Shared
import TestSupport
import Testing

@testable import Gateway

/// What counts as handed over: what the client's side has taken, not what the kernel was given.
@Suite struct ClassicHandOverTests {
    /// How a client leaves without having read its answer.
    private enum Leaving: CaseIterable {
        case reset
        case closing
        case halfClosing
        case readingSome
    }

    private func leave(_ way: Leaving, asking path: String, _ person: Person) async throws {
        let client = HTTPClient(port: person.site.port)
        try await client.send(raw: "GET \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: \(person.token)\r\n\r\n")
        switch way {
        case .reset: try await Task.sleep(for: .milliseconds(1))
        case .closing:
            try await Task.sleep(for: .milliseconds(1))
            return client.close()
        case .halfClosing:
            try await client.endSending()
            try await Task.sleep(for: .milliseconds(1))
        case .readingSome: _ = try await client.take(100)
        }
        try await client.reset()
    }

    @Test(.timeLimit(.minutes(3))) func `what was not read is handed out again, however its client has left`()
        async throws
    {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            try await bob.sendAll((1...20).map { "\($0)" }, to: conversation)
            let dave = try await site.person("Dave")
            for index in 1...3 {
                let applicant = try await site.person("User\(index)")
                #expect(try await applicant.apply(to: "Dave").status == 200)
            }
            for way in Leaving.allCases {
                for _ in 1...5 {
                    try await leave(way, asking: "/message/pull_user_chain", alice)
                    try await leave(way, asking: "/friend/pull_friend_chain", dave)
                }
                let again = alice.again
                let page = try await again.ask("GET", "/message/pull_user_chain")
                #expect(page["user_chat_chain"].items.count == 21, "\(way)")
                try await again.http.reset()
                let applicants = dave.again
                let chain = try await applicants.ask("GET", "/friend/pull_friend_chain")
                #expect(chain["friend_chain"].items.count == 3, "\(way)")
                try await applicants.http.reset()
            }
            #expect(try await alice.pullTexts().count == 21)
            #expect(try await alice.pullTexts().isEmpty)
            #expect(try await dave.ask("GET", "/friend/pull_friend_chain")["friend_chain"].items.count == 3)
            #expect(try await dave.ask("GET", "/friend/pull_friend_chain")["friend_chain"].items.isEmpty)
        }
    }
}
