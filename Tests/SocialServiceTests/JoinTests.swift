import Shared
import TestSupport
import Testing

@testable import SocialService

/// How people come into a group that exists.
@Suite(.timeLimit(.minutes(5))) struct JoinTests {
    /// Ann owns the group, Bob is an admin, Cid a member; Dan and Eve are friends of Bob and Cid and outside.
    private func withGroup(
        _ configuration: SocialConfiguration = SocialConfiguration(),
        _ body: (SocialHarness, FakeMessageService, ConversationID) async throws -> Void
    ) async throws {
        try await withBothServices(configuration) { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid], admins: [.bob])
            for inviter in [.bob, .cid] as [AccountID] { try await social.befriend(all: [.dan, .eve], with: inviter) }
            try await body(social, messages, group)
        }
    }

    /// Inviter and invited of pending requests.
    private func pairs(_ requests: [SocialAPI.JoinRequest]) -> [[AccountID]] {
        requests.map { [$0.inviter, $0.invited] }
    }

    @Test func `an invitation by anyone waits for owner or admin, who are told`() async throws {
        try await withGroup { social, messages, group in
            let changes = try await messages.changes

            try await social.invite([.dan, .eve, .dan], by: .cid, to: group)
            try await social.invite([.eve], by: .bob, to: group)

            for decider in [.ann, .bob] as [AccountID] {
                let reply = try await social.call(SocialAPI.JoinRequests(account: decider, conversation: group))
                #expect(pairs(reply.requests) == [[.cid, .dan], [.cid, .eve], [.bob, .eve]])
                #expect(reply.requests.map(\.id) == reply.requests.map(\.id).sorted())
                #expect(reply.requests.allSatisfy { $0.conversation == group })
                #expect(
                    reply.groups == [
                        SocialAPI.GroupInfo(
                            conversation: group, name: "Quick_Meet", handle: "g\(group)", introduction: "", owner: .ann,
                            memberCount: 3)
                    ])
                #expect(reply.requests.allSatisfy { abs($0.createdAt - WallClock.milliseconds) < 60_000 })
                #expect(reply.requests.allSatisfy { $0.message.isEmpty })
            }
            let listed = try await social.joinRequests(for: .ann)
            #expect(
                try await social.news(SocialAPI.JoinRequested.self) == [
                    SocialAPI.JoinRequested(
                        conversation: group, name: "Quick_Meet", requests: Array(listed.prefix(2)),
                        deciders: [.ann, .bob]),
                    SocialAPI.JoinRequested(
                        conversation: group, name: "Quick_Meet", requests: Array(listed.suffix(1)),
                        deciders: [.ann, .bob]),
                ])
            #expect(try await messages.changes == changes)
            #expect(try await social.members(of: group, for: .ann).count == 3)
        }
    }

    @Test func `inviting again adds nothing, and what is new alone is announced`() async throws {
        try await withGroup { social, _, group in
            try await social.invite([.dan], by: .cid, to: group)
            let first = try await social.joinRequests(for: .ann)

            try await social.invite([.dan, .eve], by: .cid, to: group)
            try await social.invite([], by: .cid, to: group)

            let second = try await social.joinRequests(for: .ann)
            #expect(Array(second.prefix(1)) == first)
            #expect(pairs(second) == [[.cid, .dan], [.cid, .eve]])
            #expect(
                try await social.news(SocialAPI.JoinRequested.self).map(\.requests) == [first, [second[1]]],
                "the one that is pending keeps its id")
        }
    }

    @Test func `an invitation that breaks a rule leaves nothing`() async throws {
        try await withGroup { social, _, group in
            try await social.befriend(.fay, .cid)
            try await social.cancel(.fay)
            let conversation = try await social.befriend(.ann, AccountID(7))
            let known = try await social.traces()
            func refusal(
                _ accounts: [AccountID], by inviter: AccountID, to asked: ConversationID
            ) async -> ServiceError? {
                await social.refusal(
                    of: SocialAPI.Invite(inviter: inviter, conversation: asked, accounts: accounts))
            }

            #expect(await refusal([.ann], by: .dan, to: group) == ServiceError(.notGroupMember))
            #expect(await refusal([.bob], by: .ann, to: conversation) == ServiceError(.notGroupMember))
            #expect(await refusal([.bob], by: .ann, to: ConversationID(999)) == ServiceError(.notGroupMember))
            #expect(await refusal([.dan, .bob, AccountID(7), .fay], by: .cid, to: group)?.code == .alreadyMember)
            #expect(await refusal([.cid], by: .cid, to: group)?.code == .alreadyMember)
            #expect(await refusal([.dan, AccountID(7), .fay], by: .cid, to: group)?.code == .notFriends)
            #expect(await refusal([.dan, .eve, .fay], by: .cid, to: group)?.code == .accountCancelled)
            #expect(try await social.joinRequests(for: .ann).isEmpty)
            #expect(try await social.traces() == known)
        }
    }

    @Test func `admitting settles every request for the person`() async throws {
        try await withGroup { social, messages, group in
            try await social.invite([.dan, .eve], by: .cid, to: group)
            try await social.invite([.eve, .dan], by: .bob, to: group)
            let settled = try await social.joinRequests(for: .ann).filter { $0.invited == .eve }
            let known = try await social.news().count

            try await social.decide(on: [.eve, .eve], by: .bob, in: group)

            #expect(pairs(try await social.joinRequests(for: .ann)) == [[.cid, .dan], [.bob, .dan]])
            #expect(
                try await social.members(of: group, for: .eve).last
                    == SocialAPI.Member(account: .eve, role: .member))
            #expect(
                try await messages.effects(on: group).last
                    == .change(
                        MessageAPI.ChangeParticipants(
                            conversation: group, joined: [.eve], left: [],
                            reason: .membersJoined(
                                SocialAPI.MembersJoined(
                                    conversation: group, name: "Quick_Meet", accounts: [.eve], operator: .bob,
                                    settled: settled)))))
            #expect(try await social.news().count == known + 1)
            #expect(
                await social.refusal(of: SocialAPI.Invite(inviter: .cid, conversation: group, accounts: [.eve]))
                    == ServiceError(.alreadyMember))
        }
    }

    @Test func `refusing settles every request for the person, who may be asked for again`() async throws {
        try await withGroup { social, messages, group in
            try await social.invite([.dan], by: .cid, to: group)
            try await social.invite([.dan], by: .bob, to: group)
            let settled = try await social.joinRequests(for: .ann)
            let known = try await social.news().count
            let changes = try await messages.changes

            try await social.decide(on: [.dan], by: .ann, in: group, accepts: false)

            #expect(try await social.joinRequests(for: .ann).isEmpty)
            #expect(
                try await social.news().dropFirst(known) == [
                    .joinRefused(
                        SocialAPI.JoinRefused(
                            conversation: group, name: "Quick_Meet", settled: settled, operator: .ann))
                ])
            #expect(try await messages.changes == changes)
            try await social.invite([.dan], by: .cid, to: group)
            try await social.decide(on: [.dan], by: .ann, in: group)
            #expect(try await messages.participants[group] == [.ann, .bob, .cid, .dan])
        }
    }

    @Test(arguments: [true, false])
    func `a decision is for owner and admins, about those who are pending, all or nothing`(
        accepts: Bool
    ) async throws {
        try await withGroup { social, messages, group in
            try await social.invite([.dan], by: .cid, to: group)
            let other = try await social.makeGroup(of: .ann, with: [.bob, .cid], name: "other")
            let changes = try await messages.changes
            func refusal(
                _ invited: [AccountID], by actor: AccountID, in asked: ConversationID
            ) async -> ServiceError? {
                await social.refusal(
                    of: SocialAPI.DecideJoin(actor: actor, conversation: asked, invited: invited, accepts: accepts))
            }

            for actor in [.cid, .dan, .eve] as [AccountID] {
                #expect(await refusal([.dan, .fay], by: actor, in: group) == ServiceError(.notAllowed))
            }
            #expect(await refusal([.dan], by: .ann, in: ConversationID(999)) == ServiceError(.notAllowed))
            for named in [[.dan, .eve], [.cid], [.dan, .bob]] as [[AccountID]] {
                #expect(await refusal(named, by: .bob, in: group) == ServiceError(.noSuchApplication))
            }
            #expect(await refusal([.dan], by: .ann, in: other) == ServiceError(.noSuchApplication))
            #expect(pairs(try await social.joinRequests(for: .ann)) == [[.cid, .dan]])
            #expect(try await messages.changes == changes)

            #expect(await refusal([], by: .bob, in: group) == nil)
            #expect(await refusal([.dan], by: .bob, in: group) == nil)
            #expect(await refusal([.dan], by: .ann, in: group) == ServiceError(.noSuchApplication))
        }
    }

    @Test func `a full group admits nobody and may still refuse`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxGroupMembers = 4
        try await withGroup(configuration) { social, messages, group in
            try await social.invite([.dan, .eve], by: .cid, to: group)
            func decision(_ invited: [AccountID], accepts: Bool) -> SocialAPI.DecideJoin {
                SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: invited, accepts: accepts)
            }

            #expect(
                await social.refusal(of: decision([.dan, .eve], accepts: true))
                    == ServiceError(.limitReached, detail: "4"))
            #expect(try await social.joinRequests(for: .ann).count == 2)
            #expect(await social.refusal(of: decision([.eve], accepts: true)) == nil)
            #expect(await social.refusal(of: decision([.dan], accepts: true))?.code == .limitReached)
            #expect(await social.refusal(of: decision([.dan], accepts: false)) == nil)
            #expect(try await messages.participants[group] == [.ann, .bob, .cid, .eve])
        }
    }

    @Test func `requests of every group one decides on are listed together`() async throws {
        try await withGroup { social, _, first in
            let second = try await social.makeGroup(of: .bob, with: [.ann, .cid], name: "second")
            let third = try await social.makeGroup(of: .cid, with: [.ann, .bob, .dan], admins: [.ann], name: "third")
            try await social.invite([.eve], by: .cid, to: third)
            try await social.invite([.dan], by: .cid, to: second)
            try await social.invite([.dan], by: .cid, to: first)
            try await social.invite([.eve], by: .bob, to: third)

            let annes = try await social.call(SocialAPI.JoinRequests(account: .ann, conversation: nil))
            #expect(annes.requests.map(\.conversation) == [third, first, third])
            #expect(annes.groups.map(\.name) == ["third", "Quick_Meet"])
            #expect(try await social.joinRequests(for: .bob).map(\.conversation) == [second, first])
            #expect(try await social.joinRequests(for: .dan).isEmpty)
            #expect(try await social.joinRequests(for: .eve).isEmpty)
            #expect(try await social.joinRequests(for: .ann, in: third).count == 2)
            for (account, asked) in [
                (.cid, first), (.dan, third), (.ann, second), (.eve, first), (.ann, ConversationID(999)),
            ] as [(AccountID, ConversationID)] {
                #expect(
                    await social.refusal(of: SocialAPI.JoinRequests(account: account, conversation: asked))
                        == ServiceError(.notAllowed))
            }
        }
    }

    @Test func `the oldest thousand requests are listed`() async throws {
        try await withBothServices { social, _ in
            let inviters = (2...4).map { AccountID($0) }
            let group = try await social.makeGroup(of: .ann, with: inviters)
            let invited = (101...440).map { AccountID($0) }
            for inviter in inviters {
                try await social.befriend(all: invited, with: inviter)
                try await social.invite(invited, by: inviter, to: group)
            }

            let listed = pairs(try await social.joinRequests(for: .ann))

            #expect(listed == Array(inviters.flatMap { by in invited.map { [by, $0] } }.prefix(1_000)))
            try await social.decide(on: Array(invited.prefix(300)), by: .ann, in: group, accepts: false)
            #expect(try await social.joinRequests(for: .ann).count == 120)
        }
    }

    @Test func `an invitation outlives the membership and the friendship of the inviter`() async throws {
        try await withGroup { social, _, group in
            try await social.invite([.dan], by: .cid, to: group)
            _ = try await social.call(SocialAPI.LeaveGroup(account: .cid, conversation: group))
            _ = try await social.call(SocialAPI.EndFriendship(account: .dan, friend: .cid))

            try await social.decide(on: [.dan], by: .ann, in: group)

            #expect(try await social.members(of: group, for: .dan).map(\.account) == [.ann, .bob, .dan])
        }
    }

    // MARK: - At once

    @Test(arguments: [true, false])
    func `of eight decisions at once on the same person exactly one succeeds`(mixed: Bool) async throws {
        try await withGroup { social, messages, group in
            try await social.invite([.dan], by: .cid, to: group)
            try await social.invite([.dan], by: .bob, to: group)

            let refusals = await withTaskGroup(of: ServiceError?.self) { tasks in
                for index in 0..<8 {
                    let decision = SocialAPI.DecideJoin(
                        actor: index < 4 ? .ann : .bob, conversation: group, invited: [.dan],
                        accepts: !(mixed && index.isMultiple(of: 2)))
                    tasks.addTask { await social.refusal(of: decision) }
                }
                return await tasks.reduce(into: []) { $0.append($1) }
            }

            #expect(refusals.count { $0 == nil } == 1)
            #expect(refusals.count { $0 == ServiceError(.noSuchApplication) } == 7)
            let members = Set(try await social.members(of: group, for: .ann).map(\.account))
            #expect(try await messages.participants[group] == members)
            #expect(
                try await social.news(SocialAPI.MembersJoined.self).count { $0.accounts == [.dan] }
                    == (members.contains(.dan) ? 1 : 0))
            #expect(mixed || members.contains(.dan))
        }
    }

    @Test func `joining and removal at once leave members and participants equal`() async throws {
        try await withGroup { social, messages, group in
            for _ in 1...20 {
                try await social.invite([.dan], by: .cid, to: group)
                async let admitted = social.refusal(
                    of: SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: [.dan], accepts: true))
                async let removed = social.refusal(
                    of: SocialAPI.RemoveMembers(actor: .bob, conversation: group, accounts: [.dan]))

                #expect(await admitted == nil)
                let isRemoved = await removed == nil
                let members = Set(try await social.members(of: group, for: .ann).map(\.account))
                #expect(members.contains(.dan) == !isRemoved)
                #expect(try await messages.participants[group] == members)
                if !isRemoved {
                    _ = try await social.call(SocialAPI.LeaveGroup(account: .dan, conversation: group))
                }
            }
        }
    }
}
