import Shared
import TestSupport
import Testing

@testable import SocialService

@Suite(.timeLimit(.minutes(5))) struct DecisionTests {
    let ann = AccountID(1)
    let bob = AccountID(2)
    let cid = AccountID(3)

    @Test func `accepting makes friends of both and opens their conversation with a greeting`() async throws {
        try await withBothServices { social, messages in
            let request = try await social.apply(ann, to: bob)

            let conversation = try #require(await social.accept(ann, by: bob))

            #expect(
                try await messages.opened == [
                    MessageAPI.OpenConversation(
                        conversation: conversation, conversationKind: .private, participants: [ann, bob],
                        greeting: "I have accepted your friend request. Now let's start chatting.", greeter: bob,
                        reason: .friendshipBegan(
                            SocialAPI.FriendshipBegan(
                                applicant: ann, accepter: bob, conversation: conversation, request: request)))
                ])
            for (owner, friend) in [(ann, bob), (bob, ann)] {
                #expect(
                    try await social.friendList(of: owner) == [
                        SocialAPI.FriendGroup(
                            name: "MyFriends",
                            friends: [SocialAPI.Friend(account: friend, conversation: conversation, remark: "")])
                    ])
            }
            #expect(try await social.pending(bob, all: true).isEmpty)
        }
    }

    @Test func `a refusal settles the request, is announced and leaves room for another`() async throws {
        try await withBothServices { social, messages in
            let refused = try await social.apply(ann, to: bob)
            let known = try await social.events().count

            let reply = try await social.call(SocialAPI.Decide(account: bob, applicant: ann, accepts: false))

            #expect(reply.conversation == nil)
            #expect(try await social.pending(bob, all: true).isEmpty)
            #expect(
                try await social.events().dropFirst(known).map(\.payload.bytes) == [
                    SocialAPI.FriendRequestClosed(
                        request: refused, applicant: ann, target: bob, state: .refused, closer: bob
                    ).wireBytes
                ])
            #expect(try await social.friendList(of: bob).flatMap(\.friends).isEmpty)
            #expect(
                await social.refusal(of: SocialAPI.Decide(account: bob, applicant: ann, accepts: true))
                    == ServiceError(.noSuchApplication))
            let renewed = try await social.apply(ann, to: bob)
            #expect(renewed > refused)
            #expect(try await social.accept(ann, by: bob) != nil)
            #expect(try await messages.opened.count == 1)
        }
    }

    @Test(arguments: [true, false])
    func `a decision needs a request from that account to this one`(accepts: Bool) async throws {
        try await withBothServices { social, messages in
            try await social.apply(ann, to: bob)

            // Of a stranger, of the applicant himself, of another's request, of oneself.
            for (account, applicant) in [(bob, cid), (ann, bob), (cid, ann), (bob, bob)] {
                #expect(
                    await social.refusal(
                        of: SocialAPI.Decide(account: account, applicant: applicant, accepts: accepts))
                        == ServiceError(.noSuchApplication))
            }

            #expect(try await social.pending(bob).map(\.applicant) == [ann])
            #expect(try await messages.opened.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `between friends there is nothing left to decide`(accepts: Bool) async throws {
        try await withBothServices { social, messages in
            try await social.befriend(ann, bob)

            #expect(
                await social.refusal(of: SocialAPI.Decide(account: bob, applicant: ann, accepts: accepts))
                    == ServiceError(.alreadyFriends))
            // Bob has never asked.
            #expect(
                await social.refusal(of: SocialAPI.Decide(account: ann, applicant: bob, accepts: accepts))
                    == ServiceError(.noSuchApplication))
            #expect(try await messages.opened.count == 1)
        }
    }

    @Test func `accepting settles both when both had applied`() async throws {
        try await withBothServices { social, messages in
            let mine = try await social.apply(ann, to: bob)
            let mirrored = try await social.apply(bob, to: ann)
            #expect(mine != mirrored)

            try await social.accept(ann, by: bob)

            #expect(try await social.pending(ann, all: true).isEmpty)
            #expect(try await social.pending(bob, all: true).isEmpty)
            #expect(
                await social.refusal(of: SocialAPI.Decide(account: ann, applicant: bob, accepts: true))
                    == ServiceError(.alreadyFriends))
            #expect(try await messages.opened.count == 1)
        }
    }

    @Test func `refusing one of two mutual requests leaves the other`() async throws {
        try await withBothServices { social, _ in
            try await social.apply(ann, to: bob)
            try await social.apply(bob, to: ann)

            _ = try await social.call(SocialAPI.Decide(account: bob, applicant: ann, accepts: false))

            #expect(try await social.pending(bob).isEmpty)
            #expect(try await social.pending(ann).map(\.applicant) == [bob])
            #expect(try await social.accept(bob, by: ann) != nil)
        }
    }

    @Test func `of many acceptances at once exactly one succeeds`() async throws {
        try await withBothServices { social, messages in
            try await social.apply(ann, to: bob)
            try await social.apply(bob, to: ann)

            let outcomes = await withTaskGroup(of: Result<ConversationID?, ServiceError>.self) { group in
                for index in 0..<8 {
                    let (applicant, accepter) = index.isMultiple(of: 2) ? (ann, bob) : (bob, ann)
                    group.addTask {
                        do throws(ServiceError) {
                            return .success(try await social.accept(applicant, by: accepter))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            let conversations = outcomes.compactMap { outcome -> ConversationID? in
                if case .success(let conversation) = outcome { conversation } else { nil }
            }
            #expect(conversations.count == 1)
            #expect(outcomes.count { $0 == .failure(ServiceError(.alreadyFriends)) } == 7)
            #expect(try await messages.opened.map(\.conversation) == conversations)
            for owner in [ann, bob] {
                #expect(try await social.friendList(of: owner).flatMap(\.friends).map(\.conversation) == conversations)
            }
        }
    }

    @Test func `a full friend list refuses applications and acceptances on either side`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxFriends = 1
        try await withBothServices(configuration) { social, messages in
            try await social.apply(cid, to: ann)
            try await social.apply(ann, to: cid)
            try await social.befriend(ann, bob)
            let full = ServiceError(.limitReached, detail: "1")

            for (account, applicant) in [(ann, cid), (cid, ann)] {
                #expect(
                    await social.refusal(of: SocialAPI.Decide(account: account, applicant: applicant, accepts: true))
                        == full)
                #expect(
                    await social.refusal(of: SocialAPI.Apply(applicant: applicant, target: account, message: ""))
                        == full)
            }
            #expect(try await social.pending(ann).map(\.applicant) == [cid], "the request is still there to refuse")
            #expect(try await messages.opened.count == 1)
        }
    }

    @Test func `friends are listed in the order of friendship and a stranger has none`() async throws {
        try await withBothServices { social, _ in
            let friends = [30, 10, 20].map { AccountID($0) }
            var conversations: [ConversationID] = []
            for friend in friends { conversations.append(try await social.befriend(friend, ann)) }

            let groups = try await social.friendList(of: ann)

            #expect(groups.map(\.name) == ["MyFriends"])
            #expect(groups.flatMap(\.friends).map(\.account) == friends)
            #expect(groups.flatMap(\.friends).map(\.conversation) == conversations)
            #expect(conversations == conversations.sorted())
            #expect(
                try await social.friendList(of: bob) == [SocialAPI.FriendGroup(name: "MyFriends", friends: [])])
        }
    }
}
