import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

/// Everything about a conversation is in one log, and who was away is told how it came in before its first message.
@Suite struct OpeningTests {
    private let friendship = ConversationReason.friendshipBegan(
        SocialAPI.FriendshipBegan(
            applicant: AccountID(20), accepter: AccountID(10), conversation: ConversationID(1),
            request: FriendRequestID(7)))

    private func request(_ id: Int64, by inviter: Int64, for invited: Int64) -> SocialAPI.JoinRequest {
        SocialAPI.JoinRequest(
            id: JoinRequestID(id), conversation: ConversationID(2), inviter: AccountID(inviter),
            invited: AccountID(invited), message: "", createdAt: 1)
    }

    private func joined(
        _ accounts: [Int64], by actor: Int64, _ settled: [SocialAPI.JoinRequest] = []
    ) -> ConversationReason {
        .membersJoined(
            SocialAPI.MembersJoined(
                conversation: ConversationID(2), name: "G", accounts: accounts.map { AccountID($0) },
                operator: AccountID(actor), settled: settled))
    }

    private func news(_ body: String) -> ConversationReason {
        .announced(
            SocialAPI.Announced(
                conversation: ConversationID(1),
                announcement: SocialAPI.Announcement(
                    id: AnnouncementID(1), author: AccountID(10), body: body, publishedAt: 1)))
    }

    @Test func `what happens to a conversation and what is said in it are told in one order, each with its reason`()
        async throws
    {
        try await withMessageService { service in
            let ended = ConversationReason.friendshipEnded(
                SocialAPI.FriendshipEnded(
                    account: AccountID(10), friend: AccountID(20), conversation: ConversationID(1)))
            try await service.openConversation(1, [10, 20], greeting: "hello", because: friendship)
            try await service.apply(
                MessageAPI.TellConversation(conversation: ConversationID(1), reason: news("before")))
            try await service.send("hi", from: 20, to: 1)
            try await service.close(1, because: ended)
            // Of what is closed, or never was, there is nothing to tell.
            for id in [1, 9] {
                try await service.apply(
                    MessageAPI.TellConversation(conversation: ConversationID(Int64(id)), reason: news("after")))
            }

            let log = try await service.gateway.announced()
            let (changed, sent) = (MessageAPI.ConversationChanged.kind, MessageAPI.MessageSent.kind)
            #expect(log.map(\.kind) == [changed, sent, changed, sent, changed])
            let changes = try log.filter { $0.kind == changed }
                .map { try MessageAPI.ConversationChanged(wireBytes: $0.payload.bytes) }
            #expect(changes.map(\.reason) == [friendship, news("before"), ended])
            #expect(changes.map(\.joined) == [[AccountID(10), AccountID(20)], [], []])
            #expect(changes.map(\.left) == [[], [], [AccountID(10), AccountID(20)]])
        }
    }

    @Test func `who was away is told how it came in, as far as that concerns it`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20], greeting: "hello", because: friendship)
            let reason = joined(
                [30, 40], by: 10,
                [
                    request(1, by: 20, for: 30), request(2, by: 30, for: 30), request(3, by: 10, for: 30),
                    request(4, by: 20, for: 40),
                ])
            try await service.openConversation(2, [10, 20], kind: .group, because: joined([20], by: 10))
            try await service.change(2, joined: [30, 40], because: reason)
            try await service.openConversation(3, [10, 30])

            let openings = try await service.attach(20, .after(MessageID(0))).openings
            #expect(openings.map(\.conversation) == [ConversationID(1), ConversationID(2)])
            #expect(openings.map(\.peer) == [AccountID(10), nil])
            #expect(openings.map(\.reason) == [friendship, joined([20], by: 10)])
            #expect(
                try await service.attach(10, .after(MessageID(0))).openings.map(\.reason)
                    == [friendship, joined([], by: 10), nil])
            let newcomer = try await service.attach(30, .unnoticed).openings
            #expect(
                newcomer.map(\.reason) == [
                    joined([30], by: 10, [request(2, by: 30, for: 30), request(1, by: 20, for: 30)]), nil,
                ])
            #expect(newcomer.map(\.peer) == [nil, AccountID(10)])
            // The one message there is came before the group.
            #expect(try await service.attach(20, .after(MessageID(1))).openings.map(\.conversation.rawValue) == [2])
            try await service.send("hi", from: 20, to: 1)
            #expect(try await service.attach(20, .after(MessageID(2))).openings.isEmpty)
            #expect(try await service.attach(20).openings.isEmpty)

            try await service.change(2, left: [30])
            try await service.close(3)
            #expect(try await service.attach(30, .after(MessageID(0))).openings.isEmpty)
            try await service.change(2, joined: [30], because: joined([30], by: 20))
            let again = try await service.attach(30, .after(MessageID(0))).openings
            #expect(again.map(\.reason) == [joined([30], by: 20)])
        }
    }

    @Test func `many openings come page by page, and no message before all of them`() async throws {
        try await withMessageStore { store in
            for id in 1...25 as ClosedRange<Int64> {
                let opening = MessageAPI.OpenConversation(
                    conversation: ConversationID(id), conversationKind: .group,
                    participants: [AccountID(10), AccountID(20)], greeting: id % 2 == 0 ? "hello" : "",
                    greeter: AccountID(20))
                _ = try await store.database.write { try store.open(opening, $0) }
            }
            var told: [ConversationID] = []
            var messages: [MessageID] = []
            var request = MessageAPI.Attach(account: AccountID(10), missed: .unnoticed)
            var reply: MessageAPI.Attach.Reply
            repeat {
                reply = try await store.attach(request, limit: 10)
                #expect(reply.openings.count <= 10)
                #expect(reply.missed.isEmpty || told.count + reply.openings.count == 25)
                told += reply.openings.map(\.conversation)
                messages += reply.missed.map(\.id)
                request.lastOpening = reply.openings.last?.number ?? request.lastOpening
                if let last = reply.missed.last { request.missed = .after(last.id) }
            } while reply.hasMore
            #expect(told == (1...25).map { ConversationID($0) })
            #expect(messages == (1...12).map { MessageID($0) })
        }
    }

    @Test func `a page of openings is found without looking at all of them`() async throws {
        try await withMessageStore { store in
            let plan = try await store.database.read { db in
                try Row.fetchAll(
                    db, sql: "EXPLAIN QUERY PLAN " + MessageStore.openingPage, arguments: [10, 0, 5, 1, 10]
                ).map { $0["detail"] as String }
            }
            #expect(plan.contains { $0.contains("participantByAccount (accountID=? AND opening>?)") }, "\(plan)")
            #expect(!plan.contains { $0.contains("TEMP B-TREE FOR ORDER BY") }, "\(plan)")
        }
    }
}
