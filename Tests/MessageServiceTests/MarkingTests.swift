import Shared
import TestSupport
import Testing

@testable import MessageService

@Suite struct MarkReadTests {
    @Test func `a read index goes forward only, and others are told when it moved`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            var ids: [MessageID] = []
            for index in 1...5 { ids.append(try await service.send("\(index)", from: 20, to: 1).message) }
            let events = try await service.bus.follow(.message)

            for index in [2, 2, 0, 4] { try await service.markRead(1, by: 10, upTo: ids[index]) }

            for index in [2, 4] {
                #expect(
                    try await events.next(MessageAPI.ReadIndexMoved.self)
                        == MessageAPI.ReadIndexMoved(
                            conversation: ConversationID(1), account: AccountID(10), message: ids[index]))
            }
            // Opening, five sends and the two moves: nothing was published for the rest.
            #expect(try await service.attach(10).position == 8)
            #expect(try await service.history(of: 1, for: 10).unreadCount == 0)
        }
    }

    @Test func `an index beyond the last message, or between two, counts as the message before it`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20])
            let first = try await service.send("a", from: 20, to: 1).message
            let elsewhere = try await service.send("b", from: 20, to: 2).message
            let last = try await service.send("c", from: 20, to: 1).message

            func index() async throws -> MessageID? {
                try await service.history(of: 1, for: 10).readIndexes.first { $0.account == AccountID(10) }?.message
            }
            for (marked, reached) in [
                (MessageID(.min), MessageID(0)), (MessageID(0), MessageID(0)), (elsewhere, first),
                (MessageID(.max), last),
            ] {
                try await service.markRead(1, by: 10, upTo: marked)
                #expect(try await index() == reached)
            }
            try await service.send("d", from: 20, to: 1)
            #expect(try await service.history(of: 1, for: 10).unreadCount == 1)
        }
    }

    @Test func `an empty conversation has nothing to read`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            try await service.markRead(1, by: 10, upTo: MessageID(7))

            #expect(try await service.history(of: 1, for: 10).readIndexes.map(\.message.rawValue) == [0, 0])
            #expect(try await service.attach(10).position == 1)
        }
    }

    @Test func `outsiders, unknown and closed conversations are refused alike`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20], greeting: "hello")
            try await service.openConversation(2, [10, 20], greeting: "hello")
            try await service.close(2)

            for (account, conversation) in [(30, 1), (10, 2), (10, 3), (10, -1)] as [(Int64, Int64)] {
                let request = MessageAPI.MarkRead(
                    account: AccountID(account), conversation: ConversationID(conversation), message: MessageID(1))
                #expect(await service.code(of: request) == .notParticipant)
            }
        }
    }

    @Test func `marks that arrive together leave the greatest`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            for index in 1...50 { try await service.send("\(index)", from: 20, to: 1) }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in (1...50).shuffled() {
                    group.addTask { try await service.markRead(1, by: 10, upTo: MessageID(Int64(id))) }
                }
                try await group.waitForAll()
            }

            #expect(
                try await service.history(of: 1, for: 10).readIndexes.map(\.message) == [MessageID(50), MessageID(0)])
        }
    }

    @Test func `a mark or a hiding that nobody waits for any more does nothing`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, [10, 20, 30])
            let id = try await store.send("a", from: 20, to: 1).message

            let mark = MessageAPI.MarkRead(account: AccountID(10), conversation: ConversationID(1), message: id)
            let hiding = MessageAPI.HideMessage(account: AccountID(10), message: id)
            await #expect(throws: ServiceError(.unavailable)) { try await store.markRead(mark, deadline: .now) }
            await #expect(throws: ServiceError(.unavailable)) { try await store.hide(hiding, deadline: .now) }

            #expect(try await store.conversations(of: AccountID(10)).map(\.unreadCount) == [1])
        }
    }
}

@Suite struct DetailsTests {
    @Test func `readers are the sender and every member whose index has reached the message`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30, 40], kind: .group)
            let first = try await service.send("a", from: 20, to: 1).message
            let second = try await service.send("b", from: 30, to: 1).message
            try await service.markRead(1, by: 10, upTo: second)
            try await service.markRead(1, by: 40, upTo: first)

            #expect(try await service.readers(of: first, for: 10) == [10, 20, 40])
            #expect(try await service.readers(of: second, for: 40) == [10, 30])
        }
    }

    @Test func `details say where a message is`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20, 30], kind: .group)
            for (id, kind) in [(1, .private), (2, .group)] as [(Int64, ConversationKind)] {
                let details = try await service.details(
                    of: try await service.send("a", from: 10, to: id).message, for: 20)
                #expect(details.conversation == ConversationID(id))
                #expect(details.conversationKind == kind)
            }
        }
    }

    @Test func `who has left is no reader, except of what he wrote himself`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let mine = try await service.send("a", from: 20, to: 1).message
            let other = try await service.send("b", from: 30, to: 1).message
            try await service.markRead(1, by: 20, upTo: other)

            try await service.change(1, left: [20])

            #expect(try await service.readers(of: mine, for: 10) == [20])
            #expect(try await service.readers(of: other, for: 10) == [30])
        }
    }

    @Test func `who joined later is a reader only by his own index`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20], kind: .group)
            let old = try await service.send("a", from: 20, to: 1).message
            try await service.change(1, joined: [30])

            #expect(try await service.readers(of: old, for: 30) == [20])
            try await service.markRead(1, by: 30, upTo: old)
            #expect(try await service.readers(of: old, for: 30) == [20, 30])
            // A fresh join begins anew.
            try await service.change(1, left: [30])
            try await service.change(1, joined: [30])
            #expect(try await service.readers(of: old, for: 30) == [20])
        }
    }

    @Test func `recalled replies do not count, and a recalled message has no details`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, [10, 20, 30])
            let id = try await store.send("a", from: 20, to: 1).message
            for index in 1...3 { try await store.send("\(index)", from: 10, to: 1, replyTo: id) }
            let request = MessageAPI.MessageDetails(account: AccountID(30), message: id)
            #expect(try await store.details(request).replyCount == 3)

            try await store.execute("UPDATE message SET recalledAt = 1, text = x'' WHERE sequence = 3")
            #expect(try await store.details(request).replyCount == 2)
            #expect(try await store.conversations(of: AccountID(30)).map(\.unreadCount) == [3])

            try await store.execute("UPDATE message SET recalledAt = 1, text = x'' WHERE sequence = 1")
            await #expect(throws: ServiceError(.invalidMessage)) { _ = try await store.details(request) }
        }
    }

    @Test func `unknown and foreign messages and those of closed conversations are refused alike`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20])
            let here = try await service.send("a", from: 20, to: 1).message
            let closed = try await service.send("b", from: 20, to: 2).message
            try await service.close(2)

            for (account, message) in [(30, here), (10, closed), (10, MessageID(99)), (10, MessageID(-1))] {
                let request = MessageAPI.MessageDetails(account: AccountID(Int64(account)), message: message)
                #expect(await service.code(of: request) == .invalidMessage)
            }
        }
    }
}

@Suite struct HidingTests {
    @Test func `a hidden message leaves the lists, counts, hand-over and push of one account`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            var ids: [MessageID] = []
            for text in ["a", "b", "c"] { ids.append(try await service.send(text, from: 20, to: 1).message) }

            for _ in 0..<2 { try await service.hide(ids[1], from: 10) }

            let history = try await service.history(of: 1, for: 10)
            #expect(history.messages.map(\.message.text) == ["a", "c"])
            #expect(history.unreadCount == 2)
            #expect(try await service.conversations(of: 10).map(\.unreadCount) == [2])
            #expect(try await service.pull(10).messages.map(\.message.text) == ["a", "c"])
            #expect(try await service.attach(10, .after(MessageID(0))).missed.map(\.text) == ["a", "c"])
            #expect(try await service.history(of: 1, for: 20).messages.count == 3)
            #expect(try await service.details(of: ids[1], for: 10).readers == [AccountID(20)])
        }
    }

    @Test func `hiding is published when it hides, and not when it is repeated or refused`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let first = try await service.send("a", from: 20, to: 1).message
            let second = try await service.send("b", from: 20, to: 1).message
            let events = try await service.bus.follow(.message)

            for _ in 0..<3 { try await service.hide(first, from: 10) }
            for account in [30, 40] as [Int64] {
                _ = await service.code(of: MessageAPI.HideMessage(account: AccountID(account), message: first))
            }
            try await service.hide(first, from: 20)
            try await service.hide(second, from: 10)

            for (account, message) in [(10, first), (20, first), (10, second)] as [(Int64, MessageID)] {
                #expect(
                    try await events.next(MessageAPI.MessageHidden.self)
                        == MessageAPI.MessageHidden(
                            conversation: ConversationID(1), message: message, account: AccountID(account)))
            }
            #expect(try await service.attach(10).position == 6)
        }
    }

    @Test func `it stays hidden from who leaves and joins again`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let id = try await service.send("a", from: 20, to: 1).message
            try await service.hide(id, from: 10)

            try await service.change(1, left: [10])
            try await service.change(1, joined: [10])

            #expect(try await service.history(of: 1, for: 10).messages.isEmpty)
        }
    }

    @Test func `an unknown message is refused otherwise than a foreign one`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20])
            let here = try await service.send("a", from: 20, to: 1).message
            let closed = try await service.send("b", from: 20, to: 2).message
            try await service.close(2)

            func code(_ account: Int64, _ message: MessageID) async -> ServiceError.Code? {
                await service.code(of: MessageAPI.HideMessage(account: AccountID(account), message: message))
            }
            #expect(await code(10, MessageID(99)) == .invalidMessage)
            #expect(await code(10, MessageID(0)) == .invalidMessage)
            #expect(await code(30, here) == .notParticipant)
            #expect(await code(10, closed) == .notParticipant)
        }
    }

    @Test func `pages of nothing but hidden messages do not end a hand-over or a catch-up`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, [10, 20, 30])
            for index in 1...10 { try await store.send("\(index)", from: 20, to: 1) }
            try await store.execute(
                "INSERT INTO hiddenMessage SELECT 10, conversationID, id FROM message WHERE sequence BETWEEN 2 AND 8")
            let account = AccountID(10)

            let page = try await store.messages(of: account, after: MessageID(1), limit: 3, until: .after(.seconds(5)))
            #expect(page.messages.map(\.message.text) == ["9", "10"])
            #expect(!page.hasMore)
            let missed = try await store.attach(
                MessageAPI.Attach(account: account, missed: .after(MessageID(1))), limit: 2)
            #expect(missed.missed.map(\.text) == ["9"])
            #expect(missed.hasMore)
        }
    }

    @Test func `a hand-over that finds only hidden messages passes them for good`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let id = try await service.send("a", from: 20, to: 1).message
            try await service.hide(id, from: 10)

            let pulled = try await service.pull(10)
            #expect(pulled.messages.isEmpty && pulled.receipt == nil && !pulled.hasMore)
            try await service.send("b", from: 20, to: 1)
            #expect(try await service.pull(10).messages.map(\.message.text) == ["b"])
        }
    }
}
