import Shared
import TestSupport
import Testing

@testable import SocialService

/// What owner, admins and members do to each other in a group.
@Suite(.timeLimit(.minutes(5))) struct MemberTests {
    /// Ann owns the group, Bob and Fay are admins, Cid and Dan members; Eve is Ann's friend and outside.
    private func withGroup(
        _ body: (SocialHarness, FakeMessageService, ConversationID) async throws -> Void
    ) async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(
                of: .ann, with: [.fay, .bob, .cid, .dan], admins: [.bob, .fay])
            try await social.befriend(.eve, .ann)
            try await body(social, messages, group)
        }
    }

    private func roles(
        _ social: SocialHarness, _ group: ConversationID, for account: AccountID = .ann
    ) async throws -> [AccountID: SocialAPI.Role] {
        Dictionary(
            uniqueKeysWithValues: try await social.members(of: group, for: account).map { ($0.account, $0.role) })
    }

    /// What was told after the first so many, all of roles.
    private func roleChanges(_ social: SocialHarness, after count: Int) async throws -> [SocialAPI.RoleChanged] {
        try await social.news().dropFirst(count).map { try #require($0.content as? SocialAPI.RoleChanged) }
    }

    // MARK: - Roles

    @Test func `the owner appoints admins and those who are none yet are announced`() async throws {
        try await withGroup { social, messages, group in
            let known = try await social.news().count
            let changes = try await messages.changes

            for _ in 1...2 {
                _ = try await social.call(
                    SocialAPI.AppointAdmins(
                        owner: .ann, conversation: group, accounts: [.dan, .ann, .bob, .dan, .cid]))
            }

            #expect(
                try await roles(social, group)
                    == [.ann: .owner, .bob: .admin, .fay: .admin, .cid: .admin, .dan: .admin])
            #expect(
                try await roleChanges(social, after: known)
                    == [.dan, .cid].map {
                        SocialAPI.RoleChanged(conversation: group, name: "Quick_Meet", account: $0, role: .admin)
                    })
            #expect(try await messages.changes == changes, "message-svc only tells of roles")
        }
    }

    @Test func `appointing is all or nothing and for the owner alone`() async throws {
        try await withGroup { social, _, group in
            let before = try await roles(social, group)
            let known = try await social.traces()
            func refusal(_ actor: AccountID, _ accounts: [AccountID]) async -> ServiceError? {
                await social.refusal(
                    of: SocialAPI.AppointAdmins(owner: actor, conversation: group, accounts: accounts))
            }

            for actor in [.bob, .cid, .eve] as [AccountID] {
                #expect(await refusal(actor, [.dan, .eve]) == ServiceError(.notAllowed))
            }
            #expect(await refusal(.ann, [.cid, .dan, .eve]) == ServiceError(.targetNotMember))
            #expect(try await roles(social, group) == before)
            #expect(try await social.traces() == known)
            #expect(await refusal(.ann, []) == nil)
        }
    }

    @Test func `a group is handed over and its old owner becomes an admin`() async throws {
        try await withGroup { social, _, group in
            let known = try await social.news().count

            _ = try await social.call(SocialAPI.TransferOwnership(owner: .ann, conversation: group, heir: .cid))

            #expect(
                try await roles(social, group)
                    == [.ann: .admin, .bob: .admin, .fay: .admin, .cid: .owner, .dan: .member])
            #expect(
                try await roleChanges(social, after: known) == [
                    SocialAPI.RoleChanged(conversation: group, name: "Quick_Meet", account: .ann, role: .admin),
                    SocialAPI.RoleChanged(conversation: group, name: "Quick_Meet", account: .cid, role: .owner),
                ])
            #expect(
                await social.refusal(
                    of: SocialAPI.TransferOwnership(owner: .ann, conversation: group, heir: .ann))
                    == ServiceError(.notAllowed))
            #expect(await social.refusal(of: SocialAPI.LeaveGroup(account: .ann, conversation: group)) == nil)
        }
    }

    @Test func `handing over is refused to others and to strangers, and to himself changes nothing`() async throws {
        try await withGroup { social, _, group in
            let before = try await roles(social, group)
            let known = try await social.traces()
            func refusal(_ actor: AccountID, to heir: AccountID) async -> ServiceError? {
                await social.refusal(
                    of: SocialAPI.TransferOwnership(owner: actor, conversation: group, heir: heir))
            }

            for actor in [.bob, .cid, .eve] as [AccountID] {
                for heir in [.dan, .eve, actor] {
                    #expect(await refusal(actor, to: heir) == ServiceError(.notAllowed))
                }
            }
            #expect(await refusal(.ann, to: .eve) == ServiceError(.targetNotMember))
            #expect(await refusal(.ann, to: .ann) == nil)
            #expect(try await roles(social, group) == before)
            #expect(try await social.traces() == known)
        }
    }

    // MARK: - Leaving

    @Test func `one who leaves is no participant any more when he is answered`() async throws {
        try await withGroup { social, messages, group in
            let known = try await social.news().count

            for account in [.cid, .bob] as [AccountID] {
                _ = try await social.call(SocialAPI.LeaveGroup(account: account, conversation: group))
                #expect(
                    try await messages.effects(on: group).last
                        == .change(
                            MessageAPI.ChangeParticipants(
                                conversation: group, joined: [], left: [account],
                                reason: .membersLeft(
                                    SocialAPI.MembersLeft(
                                        conversation: group, name: "Quick_Meet", accounts: [account],
                                        operator: account)))))
            }

            #expect(try await roles(social, group) == [.ann: .owner, .fay: .admin, .dan: .member])
            #expect(try await social.news().count == known + 2)
            #expect(
                await social.refusal(of: SocialAPI.Group(account: .cid, conversation: group))
                    == ServiceError(.notGroupMember))
        }
    }

    @Test func `the owner cannot leave, and nobody what is no group of his`() async throws {
        try await withGroup { social, messages, group in
            let conversation = try await social.befriend(.bob, .cid)
            let effects = try await messages.effects
            func refusal(_ account: AccountID, _ asked: ConversationID) async -> ServiceError? {
                await social.refusal(of: SocialAPI.LeaveGroup(account: account, conversation: asked))
            }

            #expect(await refusal(.ann, group) == ServiceError(.ownerCannotLeave))
            for (account, asked) in [
                (.eve, group), (.bob, conversation), (.ann, ConversationID(999)),
            ] as [(AccountID, ConversationID)] {
                #expect(await refusal(account, asked) == ServiceError(.notGroupMember))
            }
            #expect(try await messages.effects == effects)
        }
    }

    @Test func `removals take effect for all named or for none`() async throws {
        try await withGroup { social, messages, group in
            let before = try await roles(social, group)
            let known = try await social.news().count
            func refusal(_ actor: AccountID, _ accounts: [AccountID]) async -> ServiceError? {
                await social.refusal(
                    of: SocialAPI.RemoveMembers(actor: actor, conversation: group, accounts: accounts))
            }

            for (actor, named) in [
                (.ann, [.cid, .ann]), (.ann, [.cid, .eve]), (.bob, [.cid, .fay]), (.bob, [.cid, .ann]),
                (.bob, [.bob]), (.cid, [.dan]), (.cid, [.cid]), (.cid, []),
            ] as [(AccountID, [AccountID])] {
                #expect(await refusal(actor, named) == ServiceError(.notAllowed), "\(actor) \(named)")
            }
            #expect(await refusal(.eve, [.cid]) == ServiceError(.notGroupMember))
            #expect(try await roles(social, group) == before)
            #expect(await refusal(.ann, []) == nil)
            #expect(try await social.news().count == known)

            #expect(await refusal(.bob, [.cid, .cid]) == nil)
            #expect(await refusal(.ann, [.dan, .bob]) == nil)

            #expect(try await roles(social, group) == [.ann: .owner, .fay: .admin])
            #expect(try await messages.participants[group] == [.ann, .fay])
            #expect(
                try await social.news().dropFirst(known) == [
                    .membersLeft(
                        SocialAPI.MembersLeft(
                            conversation: group, name: "Quick_Meet", accounts: [.cid], operator: .bob)),
                    .membersLeft(
                        SocialAPI.MembersLeft(
                            conversation: group, name: "Quick_Meet", accounts: [.dan, .bob], operator: .ann)),
                ])
        }
    }

    // MARK: - At once

    @Test func `of two handings over at once one succeeds and there is one owner`() async throws {
        try await withBothServices { social, _ in
            for _ in 1...20 {
                let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])

                async let first = social.refusal(
                    of: SocialAPI.TransferOwnership(owner: .ann, conversation: group, heir: .bob))
                async let second = social.refusal(
                    of: SocialAPI.TransferOwnership(owner: .ann, conversation: group, heir: .cid))

                let refusals = [await first, await second]
                #expect(refusals.count { $0 == nil } == 1)
                #expect(refusals.count { $0 == ServiceError(.notAllowed) } == 1)
                let roles = try await roles(social, group)
                #expect(roles[refusals[0] == nil ? .bob : .cid] == .owner)
                #expect(roles.values.count { $0 == .owner } == 1)
            }
        }
    }

    @Test func `a member who leaves while he is removed and inherits leaves once`() async throws {
        try await withBothServices { social, messages in
            for _ in 1...20 {
                let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])

                async let left = social.refusal(of: SocialAPI.LeaveGroup(account: .bob, conversation: group))
                async let removed = social.refusal(
                    of: SocialAPI.RemoveMembers(actor: .ann, conversation: group, accounts: [.bob]))
                async let inherited = social.refusal(
                    of: SocialAPI.TransferOwnership(owner: .ann, conversation: group, heir: .bob))
                _ = (await left, await removed, await inherited)

                let roles = try await roles(social, group)
                #expect(roles.values.count { $0 == .owner } == 1)
                #expect(try await messages.participants[group] == Set(roles.keys))
                let departures = try await social.news(SocialAPI.MembersLeft.self).filter {
                    $0.conversation == group
                }
                #expect(departures.count == (roles[.bob] == nil ? 1 : 0))
            }
        }
    }
}
