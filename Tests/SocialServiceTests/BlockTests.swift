import Shared
import TestSupport
import Testing

@testable import SocialService

/// Whom an account wants to hear nothing of.
@Suite(.timeLimit(.minutes(5))) struct BlockTests {
    private func block(_ target: AccountID, by account: AccountID) -> SocialAPI.Block {
        SocialAPI.Block(account: account, target: target)
    }

    private func unblock(_ target: AccountID, by account: AccountID) -> SocialAPI.Unblock {
        SocialAPI.Unblock(account: account, target: target)
    }

    @Test func `a friend who is blocked is silent in their conversation until he is not`() async throws {
        try await withBothServices { social, messages in
            let conversation = try await social.befriend(.ann, .bob)
            let known = try await social.traces()
            func silence(_ isSilenced: Bool) -> MessageEffect {
                .silence(
                    MessageAPI.ChangeSilence(conversation: conversation, account: .bob, isSilenced: isSilenced))
            }

            for _ in 1...2 { _ = try await social.call(block(.bob, by: .ann)) }
            #expect(try await messages.effects(on: conversation).dropFirst() == [silence(true)])
            #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts == [.bob])
            #expect(try await social.call(SocialAPI.Blocks(account: .bob)).accounts.isEmpty)

            for _ in 1...2 { _ = try await social.call(unblock(.bob, by: .ann)) }
            #expect(try await messages.effects(on: conversation).dropFirst() == [silence(true), silence(false)])
            #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts.isEmpty)
            #expect(try await social.traces() == known, "nobody is told")
        }
    }

    @Test func `both may block each other, and each lifts his own`() async throws {
        try await withBothServices { social, messages in
            let conversation = try await social.befriend(.ann, .bob)

            _ = try await social.call(block(.bob, by: .ann))
            _ = try await social.call(block(.ann, by: .bob))
            #expect(try await messages.silenced == [conversation: [.ann, .bob]])

            _ = try await social.call(unblock(.bob, by: .ann))
            #expect(try await messages.silenced == [conversation: [.ann]])
        }
    }

    @Test func `a block is answered when message-svc has taken note, and survives a restart`() async throws {
        let bus = try TestBus()
        try await withSocialService(on: try TestBus(), dataPath: bus.configuration.dataPath) { social in
            try await social.apply(.ann, to: .bob)
            // There is no message-svc on this bus: what is owed is owed, and in force here.
            for request in [
                SocialAPI.Decide(account: .bob, applicant: .ann, accepts: true), block(.bob, by: .ann),
            ] as [any BusRequest] {
                #expect(
                    await social.refusal(of: request, timeout: .milliseconds(600)) == ServiceError(.outcomeUnknown))
            }
        }

        try await withFakeMessageService(on: bus) { messages in
            try await withSocialService(on: bus) { social in
                #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts == [.bob])
                // Effects arrive in order, and this one is waited for.
                try await social.befriend(.cid, .dan)
                #expect(try await messages.silenced.values.map { $0 } == [[.bob]])
            }
        }
    }

    @Test func `a block settles what is pending between the two and nothing else`() async throws {
        try await withSocialService { social in
            let theirs = try await social.apply(.bob, to: .ann)
            let mine = try await social.apply(.ann, to: .bob)
            let other = try await social.apply(.cid, to: .ann)

            _ = try await social.call(block(.bob, by: .ann))

            #expect(
                try await social.events(SocialAPI.FriendRequestClosed.self) == [
                    SocialAPI.FriendRequestClosed(
                        request: theirs, applicant: .bob, target: .ann, state: .refused, closer: .ann),
                    SocialAPI.FriendRequestClosed(
                        request: mine, applicant: .ann, target: .bob, state: .cancelled, closer: .ann),
                ])
            #expect(try await social.pending(.ann).map(\.id) == [other])
            #expect(try await social.pending(.bob).isEmpty)
        }
    }

    @Test func `one who is blocked brings the other into no group, and is told that they are no friends`()
        async throws
    {
        try await withBothServices { social, _ in
            try await social.befriend(all: [.ann, .cid, .dan], with: .bob)
            let group = try await social.makeGroup(of: .bob, with: [.cid, .dan])
            let attempts: [any BusRequest] = [
                SocialAPI.CreateGroup(creator: .bob, name: "x", friends: [.ann, .cid]),
                SocialAPI.Invite(inviter: .bob, conversation: group, accounts: [.ann]),
            ]
            _ = try await social.call(block(.bob, by: .ann))
            let known = try await social.traces()

            for attempt in attempts { #expect(await social.refusal(of: attempt) == ServiceError(.notFriends)) }
            #expect(try await social.call(SocialAPI.GroupsOf(account: .ann)).memberships.isEmpty)
            #expect(try await social.traces() == known)

            _ = try await social.call(
                SocialAPI.CreateGroup(
                    creator: .ann, name: "x", friends: [.bob], handle: nil, introduction: "", minMembers: 2))
            _ = try await social.call(unblock(.bob, by: .ann))
            for attempt in attempts { #expect(await social.refusal(of: attempt) == nil) }
        }
    }

    @Test func `a block cancels what the other proposed the account for, and nothing that others did`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .bob, with: [.cid, .dan])
            try await social.befriend(all: [.bob, .cid, .dan], with: .ann)
            try await social.befriend(.bob, .eve)
            try await social.invite([.ann, .eve], by: .bob, to: group)
            func pending() async throws -> [[AccountID]] {
                try await social.joinRequests(for: .bob, in: group).map { [$0.inviter, $0.invited] }
            }

            _ = try await social.call(block(.bob, by: .ann))
            #expect(try await pending() == [[.bob, .eve]])
            await #expect(throws: ServiceError(.noSuchApplication)) {
                try await social.decide(on: [.ann], by: .bob, in: group)
            }

            try await social.invite([.ann], by: .cid, to: group)
            _ = try await social.call(block(.dan, by: .ann))
            #expect(try await pending() == [[.bob, .eve], [.cid, .ann]])
        }
    }

    private func application(
        _ message: String = "", _ whenPending: SocialAPI.WhenPending = .refuse
    ) -> SocialAPI.Apply {
        SocialAPI.Apply(applicant: .bob, target: .ann, message: message, whenPending: whenPending)
    }

    @Test func `one who is blocked asks as a stranger does, and who blocked him hears nothing of it`() async throws {
        try await withSocialService { social in
            _ = try await social.call(block(.bob, by: .ann))
            let known = try await social.eventKinds()
            let tooLong = String(repeating: "x", count: 256)
            #expect(
                await social.refusal(of: application(tooLong)) == ServiceError(.messageTooLong, detail: "255"))
            let request = try await social.call(application("hi")).request
            #expect(await social.refusal(of: application()) == ServiceError(.alreadyApplied))
            #expect(try await social.call(application("again", .announceAgain)).request == request)

            #expect(try await social.pending(.ann, all: true).isEmpty)
            let list = SocialAPI.FriendRequests(account: .ann, state: nil, before: nil, limit: 10)
            #expect(try await social.call(list).requests.isEmpty)
            for decision in [
                SocialAPI.Decide(account: .ann, applicant: .bob, accepts: true),
                SocialAPI.DecideRequest(account: .ann, request: request, accepts: true),
                SocialAPI.DismissRequest(account: .ann, request: request),
            ] as [any BusRequest] {
                #expect(await social.refusal(of: decision) == ServiceError(.noSuchApplication))
            }
            // Nor does she hear that he takes it back, then or later.
            _ = try await social.call(SocialAPI.DismissRequest(account: .bob, request: request))
            _ = try await social.call(unblock(.bob, by: .ann))
            #expect(try await social.call(list).requests.isEmpty)
            #expect(try await social.eventKinds() == known)
        }
    }

    @Test func `what was withheld is told when the block is lifted, also by asking oneself`() async throws {
        try await withBothServices { social, messages in
            for liftsByAsking in [false, true] {
                _ = try await social.call(block(.bob, by: .ann))
                let known = try await social.events(SocialAPI.FriendshipRequested.self).count
                let request = try await social.call(application("hi")).request
                if liftsByAsking {
                    try await social.apply(.ann, to: .bob)
                } else {
                    _ = try await social.call(unblock(.bob, by: .ann))
                }

                #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts.isEmpty)
                let told = try await social.events(SocialAPI.FriendshipRequested.self)
                #expect(
                    told[known]
                        == SocialAPI.FriendshipRequested(request: request, applicant: .bob, target: .ann, message: "hi")
                )
                #expect(told.count == known + (liftsByAsking ? 2 : 1))
                #expect(try await social.pending(.ann).map(\.id) == [request], "it is as new as any")
                try await social.accept(.bob, by: .ann)
                #expect(try await messages.silenced.isEmpty)
                _ = try await social.call(SocialAPI.EndFriendship(account: .bob, friend: .ann))
            }
        }
    }

    @Test func `who waits for one that has blocked him hears of the end of that account`() async throws {
        try await withBothServices { social, _ in
            _ = try await social.call(block(.bob, by: .ann))
            let request = try await social.call(application()).request
            try await social.cancel(.ann)
            #expect(
                try await social.events(SocialAPI.FriendRequestClosed.self) == [
                    SocialAPI.FriendRequestClosed(
                        request: request, applicant: .bob, target: .ann, state: .cancelled, closer: .ann)
                ])
            #expect(await social.refusal(of: application()) == ServiceError(.accountCancelled))
        }
    }

    @Test func `a request that is refused lifts no block`() async throws {
        try await withBothServices { social, messages in
            let conversation = try await social.befriend(.ann, .bob)
            _ = try await social.call(block(.bob, by: .ann))
            _ = try await social.call(block(.cid, by: .ann))

            #expect(
                await social.refusal(of: SocialAPI.Apply(applicant: .ann, target: .bob, message: ""))
                    == ServiceError(.alreadyFriends))
            let tooLong = String(repeating: "x", count: 256)
            #expect(
                await social.refusal(of: SocialAPI.Apply(applicant: .ann, target: .cid, message: tooLong))
                    == ServiceError(.messageTooLong, detail: "255"))

            #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts == [.cid, .bob], "latest first")
            #expect(try await messages.silenced == [conversation: [.bob]])
        }
    }

    @Test func `the end of a friendship keeps the block, and lifting it then owes nothing`() async throws {
        try await withBothServices { social, messages in
            try await social.befriend(.ann, .bob)
            _ = try await social.call(block(.bob, by: .ann))
            _ = try await social.call(SocialAPI.EndFriendship(account: .bob, friend: .ann))
            let effects = try await messages.effects

            try await social.apply(.bob, to: .ann)
            #expect(try await social.pending(.ann).isEmpty)
            _ = try await social.call(unblock(.bob, by: .ann))

            #expect(try await messages.effects == effects)
            let conversation = try #require(await social.accept(.bob, by: .ann))
            #expect(try await messages.silenced.isEmpty)
            #expect(try await messages.participants[conversation] == [.ann, .bob])
        }
    }

    @Test func `nobody blocks himself, and a list has room for so many`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxBlocks = 2
        try await withSocialService(configuration) { social in
            #expect(await social.refusal(of: block(.ann, by: .ann)) == ServiceError(.cannotBefriendSelf))
            #expect(await social.refusal(of: unblock(.ann, by: .ann)) == nil)
            for target in [.cid, .bob] as [AccountID] { _ = try await social.call(block(target, by: .ann)) }

            #expect(await social.refusal(of: block(.dan, by: .ann)) == ServiceError(.limitReached, detail: "2"))
            #expect(await social.refusal(of: block(.cid, by: .ann)) == nil, "blocking again needs no room")

            #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts == [.bob, .cid])
            _ = try await social.call(unblock(.cid, by: .ann))
            _ = try await social.call(block(.dan, by: .ann))
            #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts == [.dan, .bob])
        }
    }

    @Test func `an account that is gone blocks nobody any more, and may stay blocked`() async throws {
        try await withBothServices { social, messages in
            let first = try await social.befriend(.ann, .bob)
            let second = try await social.befriend(.cid, .ann)
            for target in [.bob, .dan] as [AccountID] { _ = try await social.call(block(target, by: .ann)) }
            _ = try await social.call(block(.ann, by: .cid))
            #expect(try await messages.silenced == [first: [.bob], second: [.ann]])

            try await social.cancel(.ann)

            #expect(try await social.call(SocialAPI.Blocks(account: .ann)).accounts.isEmpty)
            #expect(try await social.call(SocialAPI.Blocks(account: .cid)).accounts == [.ann])
            #expect(try await messages.silenced == [second: [.ann]])
        }
    }

    @Test func `a block beside an application or an acceptance leaves no friendship under a block`() async throws {
        try await withBothServices { social, messages in
            for round in 1...15 {
                let stranger = AccountID(Int64(100 + round))
                if round.isMultiple(of: 3) { try await social.apply(stranger, to: .ann) }
                async let applied = social.refusal(
                    of: SocialAPI.Apply(applicant: stranger, target: .ann, message: ""))
                async let accepted = social.refusal(
                    of: SocialAPI.Decide(account: .ann, applicant: stranger, accepts: true))
                async let blocked = social.refusal(of: block(stranger, by: .ann))
                _ = await (applied, accepted)

                #expect(await blocked == nil)
                #expect(try await !social.pending(.ann, all: true).map(\.applicant).contains(stranger))
                let friend = try await social.friendList(of: .ann).flatMap(\.friends).first { $0.account == stranger }
                if let friend {
                    // They were friends before the block, or else there would be no silence.
                    #expect(try await messages.silenced[friend.conversation] == [stranger])
                }
            }
        }
    }
}
