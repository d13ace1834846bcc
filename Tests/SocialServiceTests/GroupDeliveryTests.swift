import Shared
import TestSupport
import Testing

@testable import SocialService

/// What happens to groups and friendships while message-svc, or social-svc itself, is away.
@Suite(.timeLimit(.minutes(5))) struct GroupDeliveryTests {
    /// Long enough for the commit, short enough to wait for.
    private let short = Duration.milliseconds(600)

    @Test func `a change of members is answered and announced only when message-svc has taken note`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            try await social.befriend(.dan, .ann)
            try await social.invite([.dan], by: .ann, to: group)
            let known = try await social.eventKinds()
            messages.set(.holding)

            async let outcome = social.refusal(
                of: SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: [.dan], accepts: true))
            let held = await messages.arrivals.first { if case .change = $0 { true } else { false } }

            #expect(
                held == .change(MessageAPI.ChangeParticipants(conversation: group, joined: [.dan], left: [])))
            #expect(try await social.eventKinds() == known)
            messages.release()
            #expect(await outcome == nil)
            #expect(try await social.eventKinds() == known + [SocialAPI.MembersJoined.kind])
        }
    }

    @Test func `what was committed before a restart is told after it in the order of the commits`() async throws {
        let bus = try TestBus()
        var group = ConversationID(0)
        // The first life has a bus of its own; its message-svc falls silent in between.
        let firstBus = try TestBus()
        try await withFakeMessageService(on: firstBus) { messages in
            try await withSocialService(on: firstBus, dataPath: bus.configuration.dataPath) { social in
                try await social.befriend(all: [.bob, .cid], with: .ann)
                try await social.befriend(.dan, .bob)
                messages.set(.refusing)
                let unknown = ServiceError(.outcomeUnknown)
                func outcome(_ request: some BusRequest) async -> ServiceError? {
                    await social.refusal(of: request, timeout: short)
                }

                #expect(
                    await outcome(SocialAPI.CreateGroup(creator: .ann, name: "x", friends: [.bob, .cid])) == unknown)
                group = try #require(
                    try await social.call(
                        SocialAPI.Groups(conversations: (1...9).map { ConversationID($0) })
                    ).groups.first?.conversation)
                // What needs no message-svc goes on.
                #expect(
                    await outcome(SocialAPI.Announce(author: .ann, conversation: group, body: "hello")) == nil)
                #expect(
                    await outcome(SocialAPI.AppointAdmins(owner: .ann, conversation: group, accounts: [.cid])) == nil)
                #expect(
                    await outcome(SocialAPI.Invite(inviter: .bob, conversation: group, accounts: [.dan])) == nil)
                #expect(
                    await outcome(
                        SocialAPI.DecideJoin(actor: .cid, conversation: group, invited: [.dan], accepts: true))
                        == unknown)
                #expect(await outcome(SocialAPI.LeaveGroup(account: .bob, conversation: group)) == unknown)
                #expect(await outcome(SocialAPI.EndFriendship(account: .ann, friend: .bob)) == unknown)
                #expect(try await social.events(SocialAPI.MembersJoined.self).isEmpty)
                // In force here, but not yet where it has to be as well.
                await #expect(throws: unknown) { try await social.cancel(.cid, timeout: short) }
            }
        }

        try await withSocialService(on: bus) { social in
            let events = try await bus.follow(.social)
            try await withFakeMessageService(on: bus) { messages in
                #expect(try await events.next(SocialAPI.MembersJoined.self).accounts == [.bob, .cid])
                #expect(try await events.next(SocialAPI.MembersJoined.self).accounts == [.dan])
                #expect(try await events.next(SocialAPI.MembersLeft.self).accounts == [.bob])
                #expect(try await events.next(SocialAPI.FriendshipEnded.self).friend == .bob)
                #expect(try await events.next(SocialAPI.MembersLeft.self).accounts == [.cid])

                let told = try await messages.effects(on: group)
                #expect(
                    told == [
                        .open(
                            MessageAPI.OpenConversation(
                                conversation: group, conversationKind: .group, participants: [.ann, .bob, .cid],
                                greeting: "", greeter: .ann)),
                        .change(MessageAPI.ChangeParticipants(conversation: group, joined: [.dan], left: [])),
                        .change(MessageAPI.ChangeParticipants(conversation: group, joined: [], left: [.bob])),
                        .change(MessageAPI.ChangeParticipants(conversation: group, joined: [], left: [.cid])),
                    ])
                #expect(
                    try await social.members(of: group, for: .dan) == [
                        SocialAPI.Member(account: .ann, role: .owner), SocialAPI.Member(account: .dan, role: .member),
                    ])
            }
        }
    }
}
