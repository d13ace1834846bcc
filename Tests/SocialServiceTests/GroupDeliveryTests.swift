import Shared
import TestSupport
import Testing

@testable import SocialService

/// What happens to groups and friendships while message-svc, or social-svc itself, is away.
@Suite(.timeLimit(.minutes(5))) struct GroupDeliveryTests {
    /// Long enough for the commit, short enough to wait for.
    private let short = Duration.milliseconds(600)

    @Test func `a change of members is answered only when message-svc has taken note`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            try await social.befriend(.dan, .ann)
            try await social.invite([.dan], by: .ann, to: group)
            let known = try await social.news()
            messages.set(.holding)

            async let outcome = social.refusal(
                of: SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: [.dan], accepts: true))
            let held = await messages.arrivals.first { if case .change = $0 { true } else { false } }

            let reason = try #require(held?.reason)
            #expect((reason.content as? SocialAPI.MembersJoined)?.accounts == [.dan])
            #expect(
                held
                    == .change(
                        MessageAPI.ChangeParticipants(
                            conversation: group, joined: [.dan], left: [], reason: reason)))
            messages.release()
            #expect(await outcome == nil)
            #expect(try await social.news() == known + [reason])
        }
    }

    private func left(_ account: AccountID, _ group: ConversationID) -> SocialAPI.MembersLeft {
        SocialAPI.MembersLeft(conversation: group, name: "x", accounts: [account], operator: account)
    }

    @Test func `what was committed before a restart is told after it in the order of the commits`() async throws {
        let bus = try TestBus()
        var group = ConversationID(0)
        // The first life has a bus of its own; its message-svc falls silent in between.
        let firstBus = try TestBus()
        try await withFakeMessageService(on: firstBus, dataPath: bus.configuration.dataPath) { messages in
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
                // In force here, but not yet where it has to be as well.
                await #expect(throws: unknown) { try await social.cancel(.cid, timeout: short) }
            }
        }

        try await withSocialService(on: bus) { social in
            try await withFakeMessageService(on: bus) { messages in
                try await eventually("all is told") {
                    try await messages.effects.last?.reason == .membersLeft(left(.cid, group))
                }
                let told = try await messages.effects(on: group)
                #expect(
                    told.compactMap(\.reason).map { "\(type(of: $0.content))" } == [
                        "MembersJoined", "Announced", "RoleChanged", "JoinRequested", "MembersJoined", "MembersLeft",
                        "MembersLeft",
                    ])
                let moved: [[AccountID]] = told.compactMap { effect in
                    if case .change(let change) = effect { change.joined + change.left } else { nil }
                }
                #expect(moved == [[.dan], [.bob], [.cid]])
                #expect(
                    try await social.members(of: group, for: .dan) == [
                        SocialAPI.Member(account: .ann, role: .owner), SocialAPI.Member(account: .dan, role: .member),
                    ])
            }
        }
    }
}
