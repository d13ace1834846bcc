import Shared
import TestSupport
import Testing

@testable import SocialService

/// Grouping friends, and the end of a friendship.
@Suite(.timeLimit(.minutes(5))) struct FriendListTests {
    private func names(_ groups: [SocialAPI.FriendGroup]) -> [String] { groups.map(\.name) }

    @Test func `a friend is in exactly one of my groups and the other side keeps its own`() async throws {
        try await withBothServices { social, _ in
            try await social.befriend(all: [.bob, .cid], with: .ann)
            let known = try await social.eventKinds()

            for group in ["Class", "Work"] {
                _ = try await social.call(
                    SocialAPI.GroupFriends(owner: .ann, friends: [.bob, .bob, .bob], group: group))
            }

            let groups = try await social.friendList(of: .ann)
            #expect(names(groups) == ["MyFriends", "Work", "Class"])
            #expect(groups.map { $0.friends.map(\.account) } == [[.cid], [.bob], []])
            #expect(names(try await social.friendList(of: .bob)) == ["MyFriends"])
            #expect(try await social.eventKinds() == known, "grouping concerns nobody else")
        }
    }

    @Test func `a group with nobody in it is created and creating it again changes nothing`() async throws {
        try await withSocialService { social in
            for _ in 1...2 {
                _ = try await social.call(SocialAPI.GroupFriends(owner: .ann, friends: [], group: "Class"))
            }

            #expect(
                try await social.friendList(of: .ann) == [
                    SocialAPI.FriendGroup(name: "MyFriends", friends: []),
                    SocialAPI.FriendGroup(name: "Class", friends: []),
                ])
            #expect(names(try await social.friendList(of: .bob)) == ["MyFriends"])
        }
    }

    @Test func `grouping a stranger moves nobody and creates nothing`() async throws {
        try await withBothServices { social, _ in
            try await social.befriend(.bob, .ann)

            for named in [[.bob, .cid], [.ann], [.bob, AccountID(-1)]] as [[AccountID]] {
                #expect(
                    await social.refusal(
                        of: SocialAPI.GroupFriends(owner: .ann, friends: named, group: "Class"))
                        == ServiceError(.notFriends))
            }

            let groups = try await social.friendList(of: .ann)
            #expect(names(groups) == ["MyFriends"])
            #expect(groups.flatMap(\.friends).map(\.account) == [.bob])
        }
    }

    @Test func `names are kept byte for byte and are not mixed up`() async throws {
        try await withSocialService { social in
            let wild = ["a", "Caf\u{E9}", "'; DROP TABLE friendGroup; --", "好友 🕊"]

            for name in wild {
                _ = try await social.call(SocialAPI.GroupFriends(owner: .ann, friends: [], group: name))
            }

            let stored = names(try await social.friendList(of: .ann)).map { Array($0.utf8) }
            #expect(Set(stored) == Set((wild + ["MyFriends"]).map { Array($0.utf8) }))
            #expect(stored.count == wild.count + 1)
        }
    }

    @Test func `a group is known by its name however it is written, and has none that is no name`() async throws {
        try await withSocialService { social in
            for name in ["Caf\u{E9}", " Cafe\u{301}\u{3000}"] {
                _ = try await social.call(SocialAPI.GroupFriends(owner: .ann, friends: [], group: name))
            }
            for name in [" ", "\u{200B}", "a\nb", "a\0b"] {
                #expect(
                    await social.refusal(of: SocialAPI.GroupFriends(owner: .ann, friends: [], group: name))
                        == ServiceError(.malformedName, detail: "group"))
                #expect(
                    await social.refusal(of: SocialAPI.DeleteFriendGroup(owner: .ann, group: name))
                        == ServiceError(.noSuchFriendGroup))
            }

            #expect(Set(names(try await social.friendList(of: .ann))) == ["Caf\u{E9}", "MyFriends"])
            _ = try await social.call(SocialAPI.DeleteFriendGroup(owner: .ann, group: "Cafe\u{301} "))
            #expect(names(try await social.friendList(of: .ann)) == ["MyFriends"])
        }
    }

    @Test func `a friend list has room for so many groups and so long names`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxFriendGroups = 2
        try await withSocialService(configuration) { social in
            func grouping(_ name: String) -> SocialAPI.GroupFriends {
                SocialAPI.GroupFriends(owner: .ann, friends: [], group: name)
            }
            #expect(
                await social.refusal(of: grouping(String(repeating: "名", count: 256)))
                    == ServiceError(.messageTooLong, detail: "255"))
            _ = try await social.call(grouping(String(repeating: "名", count: 255)))
            _ = try await social.call(grouping("Class"))

            #expect(await social.refusal(of: grouping("Work")) == ServiceError(.limitReached, detail: "2"))
            #expect(await social.refusal(of: grouping("Class")) == nil)
        }
    }

    @Test func `a list of more ids than any page is refused`() async throws {
        try await withSocialService { social in
            let many = (1...501).map { AccountID($0) }
            let group = ConversationID(1)

            #expect(
                await social.refusal(of: SocialAPI.GroupFriends(owner: .ann, friends: many, group: "x"))?.code
                    == .badRequest)
            #expect(
                await social.refusal(of: SocialAPI.CreateGroup(creator: .ann, name: "x", friends: many))?.code
                    == .badRequest)
            #expect(
                await social.refusal(of: SocialAPI.Invite(inviter: .ann, conversation: group, accounts: many))?.code
                    == .badRequest)
            #expect(
                await social.refusal(
                    of: SocialAPI.DecideJoin(actor: .ann, conversation: group, invited: many, accepts: true))?.code
                    == .badRequest)
        }
    }

    @Test func `only an empty group of one's own can be deleted`() async throws {
        try await withBothServices { social, _ in
            try await social.befriend(.bob, .ann)
            _ = try await social.call(SocialAPI.GroupFriends(owner: .cid, friends: [], group: "Class"))
            func deletion(_ name: String) -> SocialAPI.DeleteFriendGroup {
                SocialAPI.DeleteFriendGroup(owner: .ann, group: name)
            }

            #expect(
                await social.refusal(of: deletion("MyFriends"))
                    == ServiceError(.friendGroupNotEmpty, detail: "MyFriends"))
            #expect(await social.refusal(of: deletion("Class")) == ServiceError(.noSuchFriendGroup))
            #expect(
                await social.refusal(of: deletion("")) == ServiceError(.friendGroupNotEmpty, detail: "MyFriends"),
                "no name stands for the default group")

            _ = try await social.call(SocialAPI.GroupFriends(owner: .ann, friends: [.bob], group: "Work"))
            #expect(await social.refusal(of: deletion("MyFriends")) == nil)
            #expect(await social.refusal(of: deletion("MyFriends")) == ServiceError(.noSuchFriendGroup))
            #expect(names(try await social.friendList(of: .ann)) == ["Work"])
            try await social.befriend(.cid, .ann)
            #expect(names(try await social.friendList(of: .ann)) == ["MyFriends", "Work"], "it comes back when needed")
        }
    }

    @Test func `the end of a friendship closes its conversation, which tells of it`() async throws {
        try await withBothServices { social, messages in
            let conversation = try await social.befriend(.ann, .bob)
            let other = try await social.befriend(.cid, .bob)

            _ = try await social.call(SocialAPI.EndFriendship(account: .bob, friend: .ann))

            #expect(try await social.friendList(of: .ann).flatMap(\.friends).isEmpty)
            #expect(try await social.friendList(of: .bob).flatMap(\.friends).map(\.account) == [.cid])
            #expect(
                try await messages.effects(on: conversation).last
                    == .close(
                        MessageAPI.CloseConversation(
                            conversation: conversation,
                            reason: .friendshipEnded(
                                SocialAPI.FriendshipEnded(account: .bob, friend: .ann, conversation: conversation)))))
            #expect(try await messages.participants == [other: [.bob, .cid]])
        }
    }

    @Test func `only a friendship can be ended, and only once`() async throws {
        try await withBothServices { social, messages in
            try await social.apply(.cid, to: .ann)
            try await social.befriend(.ann, .bob)
            _ = try await social.call(SocialAPI.EndFriendship(account: .ann, friend: .bob))
            let known = try await messages.effects

            for (account, friend) in [(.ann, .bob), (.bob, .ann), (.ann, .ann), (.ann, .cid)]
                as [(AccountID, AccountID)]
            {
                #expect(
                    await social.refusal(of: SocialAPI.EndFriendship(account: account, friend: friend))
                        == ServiceError(.notFriends))
            }
            #expect(try await messages.effects == known)
        }
    }

    @Test func `a new friendship opens a new conversation and needs a new request`() async throws {
        try await withBothServices { social, messages in
            let first = try await social.befriend(.ann, .bob)
            _ = try await social.call(SocialAPI.EndFriendship(account: .ann, friend: .bob))
            #expect(
                await social.refusal(of: SocialAPI.Decide(account: .bob, applicant: .ann, accepts: true))
                    == ServiceError(.noSuchApplication))

            let second = try await social.befriend(.ann, .bob)

            #expect(second > first)
            #expect(try await messages.participants == [second: [.ann, .bob]])
        }
    }

    @Test func `of many ends at once exactly one succeeds`() async throws {
        try await withBothServices { social, messages in
            try await social.befriend(.ann, .bob)

            let refusals = await withTaskGroup(of: ServiceError?.self) { group in
                for index in 0..<8 {
                    let end = SocialAPI.EndFriendship(
                        account: index.isMultiple(of: 2) ? .ann : .bob, friend: index.isMultiple(of: 2) ? .bob : .ann)
                    group.addTask { await social.refusal(of: end) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(refusals.count { $0 == nil } == 1)
            #expect(refusals.count { $0 == ServiceError(.notFriends) } == 7)
            #expect(try await messages.participants.isEmpty)
            #expect(try await social.news(SocialAPI.FriendshipEnded.self).count == 1)
        }
    }
}
