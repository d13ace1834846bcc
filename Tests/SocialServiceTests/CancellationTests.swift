import Shared
import TestSupport
import Testing

@testable import SocialService

/// What remains of an account when auth-svc says that it is gone.
@Suite(.timeLimit(.minutes(5))) struct CancellationTests {
    /// Waits until message-svc has taken note of everything owed so far: effects arrive in order, and this one is waited
    /// for.
    private func settle(_ social: SocialHarness) async throws {
        try await social.befriend(AccountID(901), AccountID(902))
        _ = try await social.call(SocialAPI.EndFriendship(account: AccountID(901), friend: AccountID(902)))
    }

    @Test func `a member who is gone is gone from his groups`() async throws {
        try await withBothServices { social, messages in
            let first = try await social.makeGroup(of: .ann, with: [.bob, .cid], name: "first")
            let second = try await social.makeGroup(of: .ann, with: [.bob, .cid], admins: [.bob], name: "second")
            let known = try await social.news().count

            try await social.cancel(.bob)
            try await settle(social)

            for (group, name) in [(first, "first"), (second, "second")] {
                #expect(
                    try await social.members(of: group, for: .ann) == [
                        SocialAPI.Member(account: .ann, role: .owner), SocialAPI.Member(account: .cid, role: .member),
                    ])
                #expect(
                    try await messages.effects(on: group).last
                        == .change(
                            MessageAPI.ChangeParticipants(
                                conversation: group, joined: [], left: [.bob],
                                reason: .membersLeft(
                                    SocialAPI.MembersLeft(
                                        conversation: group, name: name, accounts: [.bob], operator: .bob)))))
            }
            #expect(try await social.news().dropFirst(known).allSatisfy { !($0.content is SocialAPI.RoleChanged) })
        }
    }

    @Test func `an owner's group passes to the admin who has been in it longest`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(
                of: .ann, with: [.fay, .dan, .cid, .bob], admins: [.bob, .cid])
            let known = try await social.news().count

            try await social.cancel(.ann)
            try await settle(social)

            #expect(
                try await social.members(of: group, for: .fay) == [
                    SocialAPI.Member(account: .cid, role: .owner), SocialAPI.Member(account: .bob, role: .admin),
                    SocialAPI.Member(account: .fay, role: .member), SocialAPI.Member(account: .dan, role: .member),
                ])
            #expect(
                try await social.news().dropFirst(known).prefix(2) == [
                    .membersLeft(
                        SocialAPI.MembersLeft(
                            conversation: group, name: "Quick_Meet", accounts: [.ann], operator: .ann)),
                    .roleChanged(
                        SocialAPI.RoleChanged(
                            conversation: group, name: "Quick_Meet", account: .cid, role: .owner)),
                ])
            #expect(try await messages.participants[group] == [.bob, .cid, .dan, .fay])
        }
    }

    @Test func `without admins it passes to the member who has been in it longest`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.dan, .bob, .cid])
            // Dan comes back and is the last now.
            _ = try await social.call(SocialAPI.LeaveGroup(account: .dan, conversation: group))
            try await social.invite([.dan], by: .ann, to: group)
            try await social.decide(on: [.dan], by: .ann, in: group)

            try await social.cancel(.ann)

            #expect(
                try await social.members(of: group, for: .dan) == [
                    SocialAPI.Member(account: .bob, role: .owner), SocialAPI.Member(account: .cid, role: .member),
                    SocialAPI.Member(account: .dan, role: .member),
                ])
            #expect(
                await social.refusal(
                    of: SocialAPI.AppointAdmins(owner: .bob, conversation: group, accounts: [.dan])) == nil)
        }
    }

    private func left(_ account: AccountID, _ group: ConversationID) -> ConversationReason {
        .membersLeft(
            SocialAPI.MembersLeft(conversation: group, name: "Quick_Meet", accounts: [account], operator: account))
    }

    @Test func `a group ends with its last member`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            try await social.befriend(.dan, .ann)
            try await social.invite([.dan], by: .ann, to: group)

            for (number, account) in [.bob, .ann, .cid].enumerated() as EnumeratedSequence<[AccountID]> {
                try await social.cancel(account, number: Int64(number) + 1)
            }
            try await settle(social)

            #expect(
                try await messages.effects(on: group).suffix(3) == [
                    .change(
                        MessageAPI.ChangeParticipants(
                            conversation: group, joined: [], left: [.ann], reason: left(.ann, group))),
                    .tell(
                        MessageAPI.TellConversation(
                            conversation: group,
                            reason: .roleChanged(
                                SocialAPI.RoleChanged(
                                    conversation: group, name: "Quick_Meet", account: .cid, role: .owner)))),
                    .close(MessageAPI.CloseConversation(conversation: group, reason: left(.cid, group))),
                ])
            #expect(
                try await social.news(SocialAPI.MembersLeft.self).map(\.accounts) == [[.bob], [.ann], [.cid]])
            #expect(
                try await social.news(SocialAPI.RoleChanged.self).map(\.account) == [.cid])
            for account in [.ann, .bob, .cid, .dan] as [AccountID] {
                #expect(
                    await social.refusal(of: SocialAPI.Group(account: account, conversation: group))
                        == ServiceError(.notGroupMember))
            }
            #expect(
                await social.refusal(
                    of: SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: [.dan], accepts: true))
                    == ServiceError(.notAllowed))
        }
    }

    @Test func `what he asked and was asked for is settled, and what others asked each other is not`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            for inviter in [.bob, .cid] as [AccountID] {
                try await social.befriend(all: [.dan, .eve], with: inviter)
                try await social.invite([.dan, .eve], by: inviter, to: group)
            }
            let asked = try await social.apply(.bob, to: .fay)
            let wasAsked = try await social.apply(.fay, to: .bob)
            try await social.apply(.cid, to: .fay)

            try await social.cancel(.bob, number: 1)
            try await social.cancel(.dan, number: 2)

            #expect(try await social.joinRequests(for: .ann).map { [$0.inviter, $0.invited] } == [[.cid, .eve]])
            #expect(try await social.pending(.fay, all: true).map(\.applicant) == [.cid])
            #expect(try await social.pending(.bob, all: true).isEmpty)
            #expect(
                try await social.events(SocialAPI.FriendRequestClosed.self) == [
                    SocialAPI.FriendRequestClosed(
                        request: asked, applicant: .bob, target: .fay, state: .cancelled, closer: .bob),
                    SocialAPI.FriendRequestClosed(
                        request: wasAsked, applicant: .fay, target: .bob, state: .cancelled, closer: .bob),
                ])
            #expect(
                await social.refusal(of: SocialAPI.Decide(account: .fay, applicant: .bob, accepts: true))
                    == ServiceError(.noSuchApplication))
            #expect(
                await social.refusal(
                    of: SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: [.dan], accepts: true))
                    == ServiceError(.noSuchApplication))
        }
    }

    @Test func `nobody brings one who is gone anywhere, and he starts nothing`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            try await social.befriend(all: [.dan, .eve], with: .ann)
            try await social.befriend(.eve, .dan)
            let gone = ServiceError(.accountCancelled)

            try await social.cancel(.dan)

            #expect(
                await social.refusal(of: SocialAPI.Invite(inviter: .ann, conversation: group, accounts: [.dan]))
                    == gone)
            #expect(
                await social.refusal(
                    of: SocialAPI.CreateGroup(creator: .ann, name: "x", friends: [.bob, .dan])) == gone)
            #expect(
                await social.refusal(of: SocialAPI.CreateGroup(creator: .dan, name: "x", friends: [.ann, .eve]))
                    == gone)
            for (applicant, target) in [(.bob, .dan), (.dan, .bob)] as [(AccountID, AccountID)] {
                #expect(
                    await social.refusal(of: SocialAPI.Apply(applicant: applicant, target: target, message: ""))
                        == gone)
            }
        }
    }

    @Test func `his friends keep the entry until they delete it`() async throws {
        try await withBothServices { social, messages in
            let conversation = try await social.befriend(.ann, .bob)
            let other = try await social.befriend(.cid, .bob)

            try await social.cancel(.bob)

            #expect(try await social.friendList(of: .ann).flatMap(\.friends).map(\.account) == [.bob])
            #expect(
                await social.refusal(of: SocialAPI.Apply(applicant: .ann, target: .bob, message: ""))
                    == ServiceError(.alreadyFriends))
            _ = try await social.call(SocialAPI.GroupFriends(owner: .ann, friends: [.bob], group: "Gone"))
            _ = try await social.call(SocialAPI.EndFriendship(account: .ann, friend: .bob))
            #expect(try await social.friendList(of: .ann).flatMap(\.friends).isEmpty)
            #expect(try await messages.participants == [other: [.bob, .cid]])
            #expect(try await social.news(SocialAPI.FriendshipEnded.self).map(\.conversation) == [conversation])
        }
    }

    @Test func `a cancellation is applied once however often it arrives, for any account`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])

            for number in [1, 1, 2] as [Int64] { try await social.cancel(.bob, number: number) }
            try await social.cancel(AccountID(999), number: 3)
            try await social.cancel(AccountID(-1), number: 4)
            try await settle(social)

            #expect(try await social.news(SocialAPI.MembersLeft.self).count == 1)
            #expect(try await messages.participants[group] == [.ann, .cid])
        }
    }

    @Test(arguments: [ServiceName.gateway, .message])
    func `only auth-svc ends accounts`(caller: ServiceName) async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])

            await #expect(throws: ServiceError.self) { try await social.cancel(.bob, as: caller) }

            #expect(try await social.members(of: group, for: .bob).count == 3)
        }
    }
}
