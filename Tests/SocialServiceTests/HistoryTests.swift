import Shared
import TestSupport
import Testing

@testable import SocialService

/// Random histories against a model that does by brute force what the contract says.
@Suite(.timeLimit(.minutes(2))) struct HistoryTests {
    @Test(arguments: SeededGenerator.seeds(4))
    func `after any history groups are what a plain model says`(seed: UInt64) async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxGroupMembers = 6
        configuration.friendRequestsPerMinute = nil
        try await withBothServices(configuration) { social, messages in
            var random = SeededGenerator(seed: seed)
            var model = GroupModel(maxMembers: 6)
            for owner in GroupModel.people {
                let others = GroupModel.people.filter { $0 < owner }
                try await social.befriend(all: others, with: owner)
                for other in others { model.friendships.insert([owner, other]) }
            }
            var successes = 0
            for step in 1...300 {
                let operation = model.randomOperation(using: &random)
                let (expected, actual) = try await operation.perform(on: social, &model)
                #expect(actual == expected, "seed \(seed), step \(step): \(operation)")
                if actual == nil { successes += 1 }
                if step.isMultiple(of: 25) { try await check(model, social) }
            }
            // The last effect is waited for, so that all before it are there.
            try await social.befriend(AccountID(901), AccountID(902))

            try await check(model, social)
            #expect(successes > 60, "a history of refusals proves nothing")
            let groups = model.groups.filter { !$0.members.isEmpty }
            let told = try await messages.participants.filter { $0.value.count != 2 || model.isGroup($0.key) }
            #expect(told == Dictionary(uniqueKeysWithValues: groups.map { ($0.id, Set($0.members.map(\.account))) }))
            try await checkEvents(model, social)
        }
    }

    /// Whether every group has the members, roles, order, and requests of the model, and exactly one owner.
    private func check(_ model: GroupModel, _ social: SocialHarness) async throws {
        for person in GroupModel.people {
            #expect(
                try await social.call(SocialAPI.GroupsOf(account: person)).memberships.map { membership in
                    [membership.group.conversation.rawValue, Int64(membership.role.rawValue)]
                }
                    == model.groups.compactMap { group in
                        group.role(of: person).map { [group.id.rawValue, Int64($0.rawValue)] }
                    })
        }
        let infos = try await social.call(SocialAPI.Groups(conversations: model.groups.map(\.id))).groups
        #expect(infos.map(\.owner) == model.groups.map { $0.members.first { $0.role == .owner }?.account })
        #expect(infos.map { Int($0.memberCount) } == model.groups.map(\.members.count))
        for group in model.groups {
            for person in GroupModel.people {
                #expect(
                    try await social.call(SocialAPI.RoleIn(account: person, conversation: group.id)).role
                        == group.role(of: person))
                let shown = SocialAPI.Group(account: person, conversation: group.id)
                guard group.role(of: person) != nil else {
                    #expect(await social.refusal(of: shown) == ServiceError(.notGroupMember))
                    continue
                }
                let members = try await social.call(shown).members
                #expect(members == group.shownMembers)
                #expect(members.count { $0.role == .owner } == 1)
            }
            guard let owner = group.members.first(where: { $0.role == .owner })?.account else { continue }
            #expect(
                try await social.joinRequests(for: owner, in: group.id).map { [$0.inviter, $0.invited] }
                    == group.requests.map { [$0.inviter, $0.invited] })
        }
    }

    /// Whether one who only listens knows who is in which group, and as what.
    private func checkEvents(_ model: GroupModel, _ social: SocialHarness) async throws {
        var heard: [ConversationID: [AccountID: SocialAPI.Role]] = [:]
        var asked: Set<JoinRequestID> = []
        for reason in try await social.news() {
            switch reason {
            case .joinRequested(let requested): asked.formUnion(requested.requests.map(\.id))
            case .joinRefused(let refused):
                let settled = refused.settled.map(\.id)
                #expect(!settled.isEmpty && asked.isSuperset(of: settled), "what is settled was asked for")
                asked.subtract(settled)
            case .membersJoined(let joined):
                #expect(asked.isSuperset(of: joined.settled.map(\.id)), "what is settled was asked for")
                asked.subtract(joined.settled.map(\.id))
                if heard[joined.conversation] == nil {
                    heard[joined.conversation] = [joined.operator: .owner]
                }
                for account in joined.accounts { heard[joined.conversation]?[account] = .member }
            case .membersLeft(let left):
                for account in left.accounts { heard[left.conversation]?[account] = nil }
            case .roleChanged(let change):
                #expect(heard[change.conversation]?[change.account] != nil, "who has a role is known to be a member")
                heard[change.conversation]?[change.account] = change.role
            case .friendshipBegan, .friendshipEnded, .announced: break
            }
        }
        for group in model.groups {
            #expect(
                heard[group.id] ?? [:]
                    == Dictionary(uniqueKeysWithValues: group.members.map { ($0.account, $0.role) }))
        }
    }
}
