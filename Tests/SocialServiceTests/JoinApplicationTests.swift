import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// Requests to join that somebody makes for himself, and decisions by the id of a request.
@Suite(.timeLimit(.minutes(5))) struct JoinApplicationTests {
    /// Ann owns the group, Bob is an admin, Cid a member; Dan is a friend of Cid's and outside, as is Eve.
    private func withGroup(
        _ configuration: SocialConfiguration = SocialConfiguration(),
        _ body: (SocialHarness, FakeMessageService, ConversationID) async throws -> Void
    ) async throws {
        try await withBothServices(configuration) { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid], admins: [.bob])
            try await social.befriend(.dan, .cid)
            try await body(social, messages, group)
        }
    }

    private func application(
        of applicant: AccountID, to group: ConversationID, _ message: String = "let me in"
    ) -> SocialAPI.ApplyToJoin {
        SocialAPI.ApplyToJoin(applicant: applicant, conversation: group, message: message)
    }

    private func decision(
        on request: JoinRequestID, by actor: AccountID, accepts: Bool = true
    ) -> SocialAPI.DecideJoinRequest {
        SocialAPI.DecideJoinRequest(actor: actor, request: request, accepts: accepts)
    }

    @Test func `one who asks for himself waits for owner or admin, who are told what he says`() async throws {
        try await withGroup { social, messages, group in
            let changes = try await messages.changes

            let request = try await social.call(application(of: .eve, to: group, "I'm \0 Eve 好")).request

            let listed = try await social.joinRequests(for: .bob)
            #expect(listed.map(\.id) == [request])
            #expect(listed.map { [$0.inviter, $0.invited] } == [[.eve, .eve]])
            #expect(listed.map(\.message) == ["I'm \0 Eve 好"])
            #expect(listed.allSatisfy { abs($0.createdAt - WallClock.milliseconds) < 60_000 })
            #expect(try await social.joinRequests(for: .ann, in: group) == listed)
            #expect(
                try await social.news(SocialAPI.JoinRequested.self) == [
                    SocialAPI.JoinRequested(
                        conversation: group, name: "Quick_Meet", requests: listed, deciders: [.ann, .bob])
                ])
            #expect(try await messages.changes == changes)
        }
    }

    @Test func `a request to join that breaks a rule leaves nothing`() async throws {
        try await withGroup { social, _, group in
            let conversation = try await social.befriend(.ann, .eve)
            let ended = try await social.call(
                SocialAPI.CreateGroup(
                    creator: .fay, name: "x", friends: [], handle: nil, introduction: "", minMembers: 1)
            ).conversation
            try await social.cancel(.fay)
            _ = try await social.call(application(of: .eve, to: group))
            let known = try await social.traces()
            let tooLong = String(repeating: "é", count: 256)

            for nowhere in [conversation, ended, ConversationID(999), ConversationID(-1)] {
                #expect(
                    await social.refusal(of: application(of: .dan, to: nowhere, tooLong)) == ServiceError(.noSuchGroup))
            }
            #expect(
                await social.refusal(of: application(of: .eve, to: group, tooLong)) == ServiceError(.alreadyApplied))
            for member in [.ann, .bob, .cid] as [AccountID] {
                #expect(
                    await social.refusal(of: application(of: member, to: group, tooLong))
                        == ServiceError(.alreadyMember))
            }
            #expect(
                await social.refusal(of: application(of: .fay, to: group, tooLong)) == ServiceError(.accountCancelled))
            #expect(
                await social.refusal(of: application(of: .dan, to: group, tooLong))
                    == ServiceError(.messageTooLong, detail: "255"))
            #expect(try await social.traces() == known)
            #expect(try await social.joinRequests(for: .ann).map(\.invited) == [.eve])
        }
    }

    @Test func `requests to join and for friendship count together`() async throws {
        var configuration = SocialConfiguration()
        configuration.friendRequestsPerMinute = 2
        try await withSocialService(configuration) { social in
            try await social.apply(.dan, to: .eve)
            #expect(await social.refusal(of: application(of: .dan, to: ConversationID(9)))?.code == .noSuchGroup)

            #expect(await social.refusal(of: application(of: .dan, to: ConversationID(9)))?.code == .rateLimited)
            #expect(await social.refusal(of: application(of: .eve, to: ConversationID(9)))?.code == .noSuchGroup)
        }
    }

    @Test func `admitting by id settles every request for the person, and names them all`() async throws {
        try await withGroup { social, messages, group in
            try await social.invite([.dan], by: .cid, to: group)
            let own = try await social.call(application(of: .dan, to: group)).request
            let other = try await social.call(application(of: .eve, to: group)).request
            let requests = try await social.joinRequests(for: .ann)

            let reply = try await social.call(decision(on: own, by: .bob))

            #expect(reply.request == requests[1])
            #expect(try await social.joinRequests(for: .ann).map(\.id) == [other])
            #expect(try await messages.participants[group] == [.ann, .bob, .cid, .dan])
            #expect(
                try await social.news(SocialAPI.MembersJoined.self).last
                    == SocialAPI.MembersJoined(
                        conversation: group, name: "Quick_Meet", accounts: [.dan], operator: .bob,
                        settled: Array(requests.prefix(2))))
            #expect(
                await social.refusal(of: decision(on: requests[0].id, by: .ann)) == ServiceError(.alreadyDecided))
        }
    }

    @Test func `refusing by id settles every request for the person, who may ask again`() async throws {
        try await withGroup { social, messages, group in
            let own = try await social.call(application(of: .dan, to: group)).request
            try await social.invite([.dan], by: .cid, to: group)
            let requests = try await social.joinRequests(for: .ann)
            let changes = try await messages.changes

            let reply = try await social.call(decision(on: own, by: .ann, accepts: false))

            #expect(reply.request == requests[0])
            #expect(try await social.joinRequests(for: .ann).isEmpty)
            #expect(try await messages.changes == changes)
            #expect(
                try await social.news(SocialAPI.JoinRefused.self) == [
                    SocialAPI.JoinRefused(
                        conversation: group, name: "Quick_Meet", settled: requests, operator: .ann)
                ])
            let again = try await social.call(application(of: .dan, to: group)).request
            #expect(again > requests[1].id)
        }
    }

    @Test(arguments: [true, false])
    func `a request by id exists for owner and admins alone, and is decided once`(accepts: Bool) async throws {
        try await withGroup { social, _, group in
            let request = try await social.call(application(of: .dan, to: group)).request
            let known = try await social.traces()

            for stranger in [.cid, .dan, .eve] as [AccountID] {
                #expect(
                    await social.refusal(of: decision(on: request, by: stranger, accepts: accepts))
                        == ServiceError(.noSuchApplication))
            }
            for unknown in [0, -1, 999, Int64.max].map({ JoinRequestID($0) }) {
                #expect(
                    await social.refusal(of: decision(on: unknown, by: .ann, accepts: accepts))
                        == ServiceError(.noSuchApplication))
            }
            #expect(try await social.traces() == known)
            #expect(await social.refusal(of: decision(on: request, by: .bob, accepts: accepts)) == nil)
            #expect(
                await social.refusal(of: decision(on: request, by: .ann, accepts: accepts))
                    == ServiceError(.alreadyDecided))
            #expect(
                await social.refusal(of: decision(on: request, by: .cid, accepts: accepts))
                    == ServiceError(.noSuchApplication))
        }
    }

    @Test func `a full group admits nobody by id and may still refuse`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxGroupMembers = 3
        try await withGroup(configuration) { social, _, group in
            let request = try await social.call(application(of: .dan, to: group)).request

            #expect(
                await social.refusal(of: decision(on: request, by: .ann)) == ServiceError(.limitReached, detail: "3"))
            #expect(await social.refusal(of: decision(on: request, by: .ann, accepts: false)) == nil)
        }
    }

    @Test func `joining by id and by account at once happens once`() async throws {
        try await withGroup { social, messages, group in
            for _ in 1...10 {
                try await social.invite([.dan], by: .cid, to: group)
                let request = try await social.call(application(of: .dan, to: group)).request
                let known = try await social.news(SocialAPI.MembersJoined.self).count

                let refusals = await withTaskGroup(of: ServiceError?.self) { tasks in
                    for index in 0..<6 {
                        let actor: AccountID = index < 3 ? .ann : .bob
                        tasks.addTask {
                            if index.isMultiple(of: 2) {
                                await social.refusal(of: decision(on: request, by: actor))
                            } else {
                                await social.refusal(
                                    of: SocialAPI.DecideJoin(
                                        actor: actor, conversation: group, invited: [.dan], accepts: true))
                            }
                        }
                    }
                    return await tasks.reduce(into: []) { $0.append($1) }
                }

                #expect(refusals.count { $0 == nil } == 1)
                #expect(
                    refusals.compactMap { $0?.code }.allSatisfy { [.alreadyDecided, .noSuchApplication].contains($0) })
                let joined = try await social.news(SocialAPI.MembersJoined.self).dropFirst(known)
                #expect(joined.map(\.settled.count) == [2])
                #expect(try await messages.participants[group] == [.ann, .bob, .cid, .dan])
                _ = try await social.call(SocialAPI.LeaveGroup(account: .dan, conversation: group))
            }
        }
    }

    @Test func `a request of one who is gone is over`() async throws {
        try await withGroup { social, _, group in
            let request = try await social.call(application(of: .dan, to: group)).request

            try await social.cancel(.dan)

            #expect(try await social.joinRequests(for: .ann).isEmpty)
            #expect(await social.refusal(of: decision(on: request, by: .ann)) == ServiceError(.alreadyDecided))
        }
    }

    @Test func `more settled requests than an effect holds are settled all the same`() async throws {
        try await withStore { store in
            let creation = SocialAPI.CreateGroup(
                creator: .ann, name: "x", friends: [], handle: nil, introduction: "", minMembers: 1)
            let group = try await store.createGroup(creation, now: 1).group.conversation
            let count = SocialStore.maxSettledBytes / 44 + 10
            try await store.database.write { transaction in
                try transaction.db.execute(
                    sql: """
                        WITH RECURSIVE number (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM number LIMIT ?)
                        INSERT INTO joinRequest (conversation, inviter, invited, message, state, createdAt)
                        SELECT ?, 1000 + value, 2, X'', 'pending', 1 FROM number
                        """, arguments: [count, group])
            }

            _ = try await store.decide(on: [.bob], accepting: false, by: .ann, in: group, now: 2)

            let (pending, payload) = try await store.database.read { db in
                (
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM joinRequest WHERE state = 'pending'"),
                    try Blob.fetchOne(db, sql: "SELECT payload FROM outbox ORDER BY number DESC LIMIT 1")
                )
            }
            let told = try MessageAPI.TellConversation(wireBytes: try #require(payload).bytes)
            let refused = try #require(told.reason.content as? SocialAPI.JoinRefused)
            #expect(pending == 0)
            #expect(refused.settled.map(\.id.rawValue) == (1...Int64(refused.settled.count)).map { $0 })
            #expect(refused.settled.count < count)
            #expect(refused.wireBytes.count < SocialStore.maxSettledBytes + 1_000)
        }
    }
}
