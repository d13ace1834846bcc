import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// What gateways report, and what friends hear of it.
@Suite(.timeLimit(.minutes(5))) struct PresenceServiceTests {
    /// Two friends of no other part: the arrival of the second shows that all before it has been announced.
    private struct Fence {
        let watcher: AccountID
        let comer: AccountID

        static let first = Fence(watcher: AccountID(901), comer: AccountID(902))
        static let second = Fence(watcher: AccountID(903), comer: AccountID(904))
    }

    private func report(
        _ gateway: Int64 = 1, isComplete: Bool = false, online: [AccountID] = [], offline: [AccountID] = [],
        to social: SocialHarness
    ) async throws -> Bool {
        try await social.call(
            SocialAPI.ReportPresence(gateway: gateway, isComplete: isComplete, online: online, offline: offline)
        ).isKnown
    }

    /// A gateway with nobody online, who so much later is gone.
    private func withGateway(
        grace: Duration = .seconds(3_600), lease: Duration = .seconds(3_600),
        _ body: (SocialHarness, FakeMessageService, EventRecorder) async throws -> Void
    ) async throws {
        var configuration = SocialConfiguration()
        configuration.presence.grace = grace
        configuration.presence.lease = lease
        try await withBothServices(configuration) { social, messages in
            for fence in [Fence.first, .second] { try await social.befriend(fence.watcher, fence.comer) }
            let events = try await social.bus.follow(.social)
            #expect(try await report(isComplete: true, to: social))
            try await body(social, messages, events)
        }
    }

    /// Everything announced so far: what is reported now is announced with it or later.
    private func announced(
        in social: SocialHarness, _ events: EventRecorder, behind fence: Fence = .first
    ) async throws -> [SocialAPI.PresenceChanged] {
        _ = try await report(online: [fence.watcher], to: social)
        _ = try await report(online: [fence.comer], to: social)
        while try await events.next(SocialAPI.PresenceChanged.self).account != fence.comer {}
        return try await social.events(SocialAPI.PresenceChanged.self).filter { $0.account < Fence.first.watcher }
    }

    @Test func `friends who are online hear of an arrival, with what they call him`() async throws {
        try await withGateway { social, _, events in
            try await social.befriend(all: [.bob, .cid, .dan], with: .ann)
            try await social.befriend(.eve, .bob)
            _ = try await social.call(SocialAPI.SetRemark(owner: .bob, friend: .ann, remark: "Annie 好"))
            _ = try await report(online: [.bob, .dan, .eve], to: social)

            _ = try await report(online: [.ann], to: social)

            let mine = try await announced(in: social, events).filter { $0.account == .ann }
            #expect(
                mine == [
                    SocialAPI.PresenceChanged(
                        account: .ann, isOnline: true,
                        friends: [
                            SocialAPI.Witness(account: .bob, remark: "Annie 好"),
                            SocialAPI.Witness(account: .dan, remark: ""),
                        ])
                ])
        }
    }

    @Test func `nothing is announced when there is nobody to tell`() async throws {
        try await withGateway { social, _, events in
            try await social.befriend(.ann, .bob)
            try await social.befriend(.cid, .dan)
            _ = try await social.call(SocialAPI.EndFriendship(account: .cid, friend: .dan))

            _ = try await report(online: [.ann, .cid, .eve], to: social)
            _ = try await report(online: [.dan], to: social)

            #expect(try await announced(in: social, events).isEmpty)
        }
    }

    @Test func `a reload of a page is announced to nobody`() async throws {
        try await withGateway { social, _, events in
            try await social.befriend(.ann, .bob)
            _ = try await report(online: [.ann, .bob], to: social)
            let known = try await announced(in: social, events)

            _ = try await report(offline: [.ann], to: social)
            #expect(try await social.call(SocialAPI.Presence(accounts: [.ann, .bob])).online == [.bob])
            _ = try await report(online: [.ann], to: social)

            #expect(try await social.call(SocialAPI.Presence(accounts: [.ann, .bob])).online == [.ann, .bob])
            #expect(known.count == 2)
            #expect(try await announced(in: social, events, behind: .second) == known)
        }
    }

    @Test func `one who stays away is announced when the grace is over, without another report`() async throws {
        try await withGateway(grace: .milliseconds(50)) { social, _, events in
            try await social.befriend(.ann, .bob)
            _ = try await report(online: [.ann, .bob], to: social)
            for _ in 1...2 { _ = try await events.next(SocialAPI.PresenceChanged.self) }

            _ = try await report(offline: [.ann], to: social)

            #expect(
                try await events.next(SocialAPI.PresenceChanged.self)
                    == SocialAPI.PresenceChanged(
                        account: .ann, isOnline: false, friends: [SocialAPI.Witness(account: .bob, remark: "")]))
        }
    }

    @Test func `a gateway that falls silent has nobody online, and that is announced`() async throws {
        try await withGateway(grace: .milliseconds(50), lease: .milliseconds(500)) { social, _, events in
            try await social.befriend(.ann, .bob)
            // At two gateways of which one falls silent.
            _ = try await report(7, isComplete: true, online: [.ann], to: social)
            _ = try await report(8, isComplete: true, online: [.bob], to: social)
            let renewal = Task {
                while !Task.isCancelled { _ = try await report(8, isComplete: true, online: [.bob], to: social) }
            }
            defer { renewal.cancel() }

            var last = try await events.next(SocialAPI.PresenceChanged.self)
            while last.isOnline { last = try await events.next(SocialAPI.PresenceChanged.self) }

            #expect(last.account == .ann)
            #expect(last.friends.map(\.account) == [.bob])
            #expect(try await social.call(SocialAPI.Presence(accounts: [.ann, .bob])).online == [.bob])
            #expect(try await !report(7, online: [.ann], to: social), "it has to say all again")
        }
    }

    @Test func `after a restart friends are told what has changed meanwhile, and nothing else`() async throws {
        let bus = try TestBus()
        var configuration = SocialConfiguration()
        configuration.presence.lease = .seconds(3)
        var count = 0
        try await withFakeMessageService(on: bus) { _ in
            try await withSocialService(configuration, on: bus) { social in
                try await social.befriend(all: [.ann, .cid, .dan], with: .bob)
                let events = try await bus.follow(.social)
                #expect(try await report(isComplete: true, online: [.bob], to: social))
                // Of Eve, who has no friends, nobody hears.
                #expect(try await report(online: [.ann, .cid, .eve], to: social))
                while try await events.next(SocialAPI.PresenceChanged.self).account != .cid {}
                count = try await social.events(SocialAPI.PresenceChanged.self).count
            }
        }

        try await withSocialService(configuration, on: bus) { social in
            let events = try await bus.follow(.social)
            #expect(try await !report(online: [.cid], to: social), "the gateway is not known any more")
            #expect(try await social.call(SocialAPI.Presence(accounts: [.cid])).online.isEmpty)
            // Cid has gone and Dan has come.
            let renewal = Task {
                while !Task.isCancelled {
                    _ = try await report(isComplete: true, online: [.ann, .bob, .dan], to: social)
                }
            }
            defer { renewal.cancel() }

            let told = [
                try await events.next(SocialAPI.PresenceChanged.self),
                try await events.next(SocialAPI.PresenceChanged.self),
            ]

            let witness = SocialAPI.Witness(account: .bob, remark: "")
            #expect(
                told == [
                    SocialAPI.PresenceChanged(account: .cid, isOnline: false, friends: [witness]),
                    SocialAPI.PresenceChanged(account: .dan, isOnline: true, friends: [witness]),
                ])
            #expect(try await social.events(SocialAPI.PresenceChanged.self).dropFirst(count) == told[...])
        }
    }

    @Test func `an arrival that very many friends hear of is told in several events`() async throws {
        var configuration = SocialConfiguration()
        configuration.presence.lease = .seconds(2)
        let friends = (1_001...3_000).map { AccountID($0) }
        let remark = String(repeating: "🕊", count: 255)
        let bus = try TestBus()
        try await withSocialService(configuration, on: bus) { _ in }
        // Two thousand friendships, made at once.
        let database = try openDatabase(in: bus.configuration.dataPath, migrations: SocialMigrations.register)
        try await database.write { transaction in
            try transaction.db.execute(
                sql: """
                    WITH RECURSIVE number (value) AS (SELECT 1001 UNION ALL SELECT value + 1 FROM number LIMIT 2000)
                    INSERT INTO conversation (id, kind, createdAt) SELECT value, 1, 1 FROM number;
                    INSERT INTO friendGroup (id, owner, name) VALUES (1, 1, X'41');
                    INSERT INTO friendGroup (id, owner, name) SELECT id, id, X'41' FROM conversation;
                    INSERT INTO friendship SELECT 1, id, id, 1, 1, X'' FROM conversation;
                    INSERT INTO friendship SELECT id, 1, id, id, 1, ? FROM conversation;
                    INSERT INTO announcedOnline SELECT id FROM conversation;
                    """, arguments: [StoredText(remark)])
        }
        database.close()

        try await withSocialService(configuration, on: bus) { social in
            let events = try await bus.follow(.social)
            // They had been told to be online, so he alone arrives.
            let renewal = Task {
                while !Task.isCancelled {
                    _ = try await report(isComplete: true, online: friends + [.ann], to: social)
                }
            }
            defer { renewal.cancel() }

            var told: [SocialAPI.PresenceChanged] = []
            while told.map(\.friends.count).reduce(0, +) < friends.count {
                told.append(try await events.next(SocialAPI.PresenceChanged.self))
            }
            #expect(told.flatMap(\.friends) == friends.map { SocialAPI.Witness(account: $0, remark: remark) })
            #expect(told.allSatisfy { $0.account == .ann && $0.isOnline })
            #expect(told.allSatisfy { $0.wireBytes.count <= SocialStore.maxPresenceEventBytes })
            #expect(told.count == 4, "in as few as hold them")
            #expect(try await social.events(SocialAPI.PresenceChanged.self) == told)
        }
    }

    @Test func `very many who arrive at once are all announced`() async throws {
        try await withGateway { social, _, events in
            let many = (101...400).map { AccountID($0) }
            try await social.befriend(all: many, with: .ann)
            _ = try await report(online: [.ann], to: social)

            _ = try await report(online: many, to: social)

            var told: [AccountID] = []
            while told.count < many.count {
                let change = try await events.next(SocialAPI.PresenceChanged.self)
                guard change.account != .ann else { continue }
                #expect(change.isOnline && change.friends.map(\.account) == [.ann])
                told.append(change.account)
            }
            #expect(told.sorted() == many)
        }
    }

    @Test func `presence is asked for at most five thousand, and everyone is named once`() async throws {
        try await withGateway { social, _, _ in
            _ = try await report(online: [.bob], to: social)
            let many = (1...5_001).map { AccountID($0) }

            #expect(
                try await social.call(SocialAPI.Presence(accounts: [.bob, .ann] + many.prefix(4_998))).online == [.bob])
            #expect(await social.refusal(of: SocialAPI.Presence(accounts: many))?.code == .badRequest)
        }
    }

    @Test func `a stop does not wait for what is due later`() async throws {
        try await withGateway { social, _, _ in
            try await social.befriend(.ann, .bob)
            _ = try await report(online: [.ann, .bob], to: social)
            _ = try await report(offline: [.ann], to: social)

            await social.service.stop()

            #expect(
                await social.refusal(of: SocialAPI.Presence(accounts: [.ann]), timeout: .milliseconds(200)) != nil)
        }
    }
}

/// Which notice connection of an account stays.
@Suite(.timeLimit(.minutes(5))) struct NoticeClaimTests {
    @Test func `claims ascend over accounts and restarts, and nobody hears of one before it is enforced`()
        async throws
    {
        let bus = try TestBus()
        var claims: [Int64] = []
        for _ in 1...2 {
            try await withSocialService(on: bus) { social in
                for account in [.ann, .bob, .ann] as [AccountID] {
                    claims.append(try await social.call(SocialAPI.ClaimNotices(account: account)).claim)
                }
            }
        }

        #expect(claims == Array(1...6))
        try await withSocialService(on: bus) { social in
            #expect(try await social.events(SocialAPI.NoticesClaimed.self).isEmpty)
            for (account, claim) in [(.ann, 6), (.bob, 2), (.ann, 6)] as [(AccountID, Int64)] {
                _ = try await social.call(SocialAPI.EnforceClaim(account: account, claim: claim))
            }
            let told = try await social.events(SocialAPI.NoticesClaimed.self)
            #expect(told.map(\.claim) == [6, 2, 6])
            #expect(told.map(\.account) == [.ann, .bob, .ann])
        }
    }

    @Test func `no claim is smaller than one that was enforced, also on a database that was put back`() async throws {
        try await withSocialService { social in
            _ = try await social.call(SocialAPI.EnforceClaim(account: .ann, claim: 40))
            #expect(try await social.call(SocialAPI.ClaimNotices(account: .ann)).claim == 41)
        }
    }

    @Test func `claims made at once are distinct`() async throws {
        try await withSocialService { social in
            let claims = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 1...50 {
                    group.addTask { try await social.call(SocialAPI.ClaimNotices(account: .ann)).claim }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(claims.sorted() == Array(1...50))
        }
    }
}
