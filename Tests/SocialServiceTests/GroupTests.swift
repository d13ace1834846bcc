import Shared
import TestSupport
import Testing

@testable import SocialService

/// How groups begin, what they show, and their announcements.
@Suite(.timeLimit(.minutes(5))) struct GroupTests {
    @Test func `everyone named is a member at once and the conversation is open`() async throws {
        try await withBothServices { social, messages in
            try await social.befriend(all: [.bob, .cid], with: .ann)

            let group = try await social.call(
                SocialAPI.CreateGroup(creator: .ann, name: "Quick_Meet", friends: [.cid, .bob, .cid])
            ).conversation

            #expect(
                try await messages.effects(on: group) == [
                    .open(
                        MessageAPI.OpenConversation(
                            conversation: group, conversationKind: .group, participants: [.ann, .cid, .bob],
                            greeting: "", greeter: .ann,
                            reason: .membersJoined(
                                SocialAPI.MembersJoined(
                                    conversation: group, name: "Quick_Meet", accounts: [.cid, .bob], operator: .ann,
                                    settled: []))))
                ])
            for account in [.ann, .bob, .cid] as [AccountID] {
                #expect(
                    try await social.call(SocialAPI.Group(account: account, conversation: group))
                        == SocialAPI.Group.Reply(
                            name: "Quick_Meet",
                            members: [
                                SocialAPI.Member(account: .ann, role: .owner),
                                SocialAPI.Member(account: .cid, role: .member),
                                SocialAPI.Member(account: .bob, role: .member),
                            ], announcements: []))
            }
        }
    }

    @Test func `a group that breaks a rule is not created`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxGroupMembers = 3
        try await withBothServices(configuration) { social, messages in
            try await social.befriend(all: [.bob, .cid, .dan], with: .ann)
            try await social.befriend(all: [.eve], with: .bob)
            try await social.cancel(.dan)
            let known = try await social.traces()
            func refusal(_ friends: [AccountID], name: String = "x") async -> ServiceError? {
                await social.refusal(of: SocialAPI.CreateGroup(creator: .ann, name: name, friends: friends))
            }

            #expect(await refusal([]) == ServiceError(.tooFewMembers))
            #expect(await refusal([.bob, .bob]) == ServiceError(.tooFewMembers))
            #expect(await refusal([.bob, .ann]) == ServiceError(.tooFewMembers))
            #expect(await refusal([.bob, .eve]) == ServiceError(.notFriends))
            #expect(await refusal([.bob, .dan, .eve]) == ServiceError(.notFriends))
            #expect(await refusal([.bob, .cid, .dan]) == ServiceError(.accountCancelled))
            let long = String(repeating: "x", count: 256)
            #expect(await refusal([.bob, .cid], name: long) == ServiceError(.messageTooLong, detail: "255"))
            #expect(try await social.traces() == known)
            #expect(try await messages.opened.allSatisfy { $0.conversationKind == .private })

            #expect(await refusal([.bob, .cid], name: String(repeating: "群", count: 255)) == nil)
            try await social.befriend(.fay, .ann)
            #expect(await refusal([.bob, .cid, .fay]) == ServiceError(.limitReached, detail: "3"))
        }
    }

    @Test func `a group is shown to its members and to nobody else`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            let conversation = try await social.befriend(.dan, .eve)

            for (account, asked) in [
                (.dan, group), (.dan, conversation), (.ann, ConversationID(999)), (.ann, ConversationID(-1)),
            ] as [(AccountID, ConversationID)] {
                #expect(
                    await social.refusal(of: SocialAPI.Group(account: account, conversation: asked))
                        == ServiceError(.notGroupMember))
            }
        }
    }

    @Test func `groups are told of for groups alone and byte for byte`() async throws {
        try await withBothServices { social, _ in
            let first = try await social.makeGroup(of: .ann, with: [.bob, .cid], name: "a b 群")
            let conversation = try await social.befriend(.dan, .eve)
            let second = try await social.makeGroup(of: .ann, with: [.bob, .cid], name: "a")

            let groups = try await social.call(
                SocialAPI.Groups(conversations: [second, conversation, ConversationID(999), first, first])
            ).groups

            #expect(
                groups == [
                    SocialAPI.GroupInfo(
                        conversation: second, name: "a", handle: "g\(second)", introduction: "", owner: .ann,
                        memberCount: 3),
                    SocialAPI.GroupInfo(
                        conversation: first, name: "a b 群", handle: "g\(first)", introduction: "", owner: .ann,
                        memberCount: 3),
                ])
        }
    }

    @Test func `members are listed by role and then by when they joined`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(
                of: .ann, with: [.fay, .dan, .cid, .bob], admins: [.bob, .dan])

            #expect(
                try await social.members(of: group, for: .cid) == [
                    SocialAPI.Member(account: .ann, role: .owner), SocialAPI.Member(account: .dan, role: .admin),
                    SocialAPI.Member(account: .bob, role: .admin), SocialAPI.Member(account: .fay, role: .member),
                    SocialAPI.Member(account: .cid, role: .member),
                ])
        }
    }

    @Test func `announcements are published by owner and admins and shown oldest first`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid], admins: [.bob])
            let changes = try await messages.changes
            var published: [SocialAPI.Announcement] = []

            for (author, body) in [(.ann, "AAA"), (.bob, "B\0BB 好")] as [(AccountID, String)] {
                let id = try await social.call(
                    SocialAPI.Announce(author: author, conversation: group, body: body)
                ).announcement
                published.append(SocialAPI.Announcement(id: id, author: author, body: body, publishedAt: 0))
            }

            let shown = try await social.call(SocialAPI.Group(account: .cid, conversation: group)).announcements
            #expect(shown.allSatisfy { abs($0.publishedAt - WallClock.milliseconds) < 60_000 })
            #expect(
                shown.map { SocialAPI.Announcement(id: $0.id, author: $0.author, body: $0.body, publishedAt: 0) }
                    == published)
            #expect(
                try await social.news(SocialAPI.Announced.self)
                    == shown.map { SocialAPI.Announced(conversation: group, announcement: $0) })
            #expect(try await messages.changes == changes, "message-svc only tells of it")
        }
    }

    @Test func `an announcement by anyone else or too long is refused and leaves nothing`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid], admins: [.bob])
            let conversation = try await social.befriend(.dan, .eve)
            let known = try await social.traces()
            func refusal(_ author: AccountID, _ body: String, in asked: ConversationID) async -> ServiceError? {
                await social.refusal(of: SocialAPI.Announce(author: author, conversation: asked, body: body))
            }
            let tooLong = String(repeating: "é", count: 10_001)

            for author in [.cid, .dan] as [AccountID] {
                #expect(await refusal(author, tooLong, in: group) == ServiceError(.notAllowed))
            }
            #expect(await refusal(.dan, "hello", in: conversation) == ServiceError(.notAllowed))
            #expect(await refusal(.ann, "hello", in: ConversationID(999)) == ServiceError(.notAllowed))
            #expect(await refusal(.bob, tooLong, in: group) == ServiceError(.messageTooLong, detail: "10000"))
            #expect(await refusal(.bob, "", in: group) == ServiceError(.invalidText, detail: "10000"))
            #expect(try await social.traces() == known)
            #expect(await refusal(.bob, String(repeating: "é", count: 10_000), in: group) == nil)
        }
    }

    @Test func `a group with more announcements than an answer holds shows the newest`() async throws {
        try await withBothServices { social, _ in
            let group = try await social.makeGroup(of: .ann, with: [.bob, .cid])
            let body = String(repeating: "告", count: 10_000)
            let fitting = SocialStore.maxShownAnnouncementBytes / (body.utf8.count + 32)
            var published: [AnnouncementID] = []
            for _ in 0..<fitting + 3 {
                published.append(
                    try await social.call(
                        SocialAPI.Announce(author: .ann, conversation: group, body: body)
                    ).announcement)
            }

            let shown = try await social.call(SocialAPI.Group(account: .bob, conversation: group))

            #expect(shown.announcements.map(\.id) == Array(published.suffix(fitting)))
            #expect(shown.members.count == 3)
        }
    }

    @Test func `a group of five hundred is created, shown, joined and left`() async throws {
        try await withBothServices { social, messages in
            let friends = (2...500).map { AccountID($0) }
            let group = try await social.makeGroup(of: .ann, with: friends)
            let late = AccountID(501)
            try await social.befriend(late, AccountID(500))

            #expect(try await social.members(of: group, for: AccountID(500)).map(\.account) == [.ann] + friends)
            try await social.invite([late], by: AccountID(500), to: group)
            try await social.decide(on: [late], by: .ann, in: group)
            _ = try await social.call(
                SocialAPI.RemoveMembers(actor: .ann, conversation: group, accounts: Array(friends.prefix(400))))

            let left = [.ann] + friends.dropFirst(400) + [late]
            #expect(try await social.members(of: group, for: late).map(\.account) == left)
            #expect(try await messages.participants[group] == Set(left))
            #expect(try await social.news(SocialAPI.MembersLeft.self).map(\.accounts.count) == [400])
        }
    }
}
