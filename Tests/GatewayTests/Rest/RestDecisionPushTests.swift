import TestSupport
import Testing

@testable import Gateway

/// Who hears what became of a friend request that nobody decided on.
@Suite struct RestDecisionPushTests {
    /// Ends an account, which another dialect does for all.
    private func cancel(_ person: RestPerson) async throws {
        let reply = try await person.asClassic().ask(
            "POST", "/user/cancel", ["password": .string(Person.password)])
        #expect(reply.status == 200)
    }

    /// What is pushed to one of the two when the other ended a request.
    private func decision(_ request: Int64, _ status: String, by other: RestPerson) -> JSONValue {
        [
            "request_id": .integer(request), "status": .string(status), "friend_id": .integer(other.id),
            "conversation_id": .null,
        ]
    }

    @Test func `an account that is cancelled is missed by those it asked and those who asked it`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let carol = try await site.restPerson("Carol")
            let (applicant, asked) = (try await alice.listen(), try await carol.listen())
            let wasAsked = try await alice.apply(to: bob.id)
            let asking = try await bob.apply(to: carol.id)

            try await cancel(bob)

            #expect(
                try await applicant.nextData("friend_request_decided") == decision(wasAsked, "canceled", by: bob))
            #expect(
                try await asked.nextData("friend_request_decided", skipping: ["new_friend_request"])
                    == decision(asking, "canceled", by: bob))
        }
    }

    @Test func `a block tells the other of both requests between the two`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let (blocker, blocked) = (try await alice.listen(), try await bob.listen())
            let theirs = try await bob.apply(to: alice.id)
            let own = try await alice.apply(to: bob.id)

            try await alice.data("PUT", "/blocks/\(bob.id)")

            for (request, status) in [(theirs, "rejected"), (own, "canceled")] {
                #expect(
                    try await blocked.nextData("friend_request_decided", skipping: ["new_friend_request"])
                        == decision(request, status, by: alice))
            }
            // What is pushed next to the one who blocked is something else.
            _ = try await site.restPerson("Carol").apply(to: alice.id)
            for _ in 1...2 { _ = try await blocker.nextData("new_friend_request") }
        }
    }
}
