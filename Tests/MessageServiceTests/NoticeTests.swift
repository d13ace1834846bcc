import Shared
import TestSupport
import Testing

@testable import MessageService

@Suite struct NoticeTests {
    @Test func `a connection is given nothing, what came after a message, or what it was not given yet`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            var ids: [MessageID] = []
            for text in ["a", "b", "c"] { ids.append(try await service.send(text, from: 20, to: 1).message) }

            func missed(_ missed: MessageAPI.Missed) async throws -> [String] {
                let attached = try await service.attach(10, missed)
                #expect(attached.last == ids[2])
                #expect(!attached.hasMore)
                return attached.missed.map(\.text)
            }
            #expect(try await missed(.none) == [])
            #expect(try await missed(.after(ids[1])) == ["c"])
            #expect(try await missed(.unnoticed) == ["a", "b", "c"])
            try await service.confirmNotices(10, upTo: ids[0])
            #expect(try await missed(.unnoticed) == ["b", "c"])
            #expect(try await missed(.after(MessageID(0))) == ["a", "b", "c"])
            // Asking is not taking, and pulling is something else.
            #expect(try await missed(.unnoticed) == ["b", "c"])
            #expect(try await service.pull(10).messages.count == 3)
            #expect(try await service.attach(20, .unnoticed).missed.count == 3)
        }
    }

    @Test func `the note goes forward only, not beyond the last message, and survives a restart`() async throws {
        let bus = try TestBus()
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            for text in ["a", "b", "c"] { try await service.send(text, from: 20, to: 1) }
            for note in [-5, 0, 2, 2, 1, .min] as [Int64] {
                try await service.confirmNotices(10, upTo: MessageID(note))
            }
        }
        try await withMessageService(inFolderOf: bus) { service in
            #expect(try await service.attach(10, .unnoticed).missed.map(\.text) == ["c"])
            try await service.confirmNotices(10, upTo: MessageID(.max))
            #expect(try await service.attach(10, .unnoticed).missed.isEmpty)
            try await service.send("d", from: 20, to: 1)
            #expect(try await service.attach(10, .unnoticed).missed.map(\.text) == ["d"])
        }
    }

    @Test func `notes that arrive together leave the greatest`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            for index in 1...30 { try await service.send("\(index)", from: 20, to: 1) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in (1...29).shuffled() {
                    group.addTask { try await service.confirmNotices(10, upTo: MessageID(Int64(id))) }
                }
                try await group.waitForAll()
            }

            #expect(try await service.attach(10, .unnoticed).missed.map(\.text) == ["30"])
        }
    }

    @Test func `who has no note has missed everything since he takes part, and no history`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            try await service.send("history", from: 20, to: 1)
            try await service.change(1, joined: [40])
            try await service.send("new", from: 20, to: 1)

            #expect(try await service.attach(40, .unnoticed).missed.map(\.text) == ["new"])
            #expect(try await service.attach(50, .unnoticed).missed.isEmpty)
            try await service.confirmNotices(50, upTo: MessageID(1))
            try await service.change(1, joined: [50])
            #expect(try await service.attach(50, .unnoticed).missed.isEmpty)
        }
    }

    @Test func `what is hidden or recalled is not missed, and the greatest id is of all conversations`() async throws {
        try await withMessageService { service in
            #expect(try await service.attach(10, .unnoticed).last == MessageID(0))
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [20, 30])
            let hidden = try await service.send("hidden", from: 20, to: 1).message
            try await service.send("seen", from: 20, to: 1)
            let recalled = try await service.send("recalled", from: 20, to: 1).message
            let elsewhere = try await service.send("elsewhere", from: 20, to: 2).message
            try await service.hide(hidden, from: 10)
            try await service.recall(recalled, by: 20)

            let attached = try await service.attach(10, .unnoticed)
            #expect(attached.missed.map(\.text) == ["seen"])
            #expect(attached.last == elsewhere)
        }
    }

    @Test func `pages of what was missed say that there is more`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            for index in 1...5 { try await store.send("\(index)", from: 20, to: 1) }
            let account = AccountID(10)
            try await store.confirm(.notice, upTo: [(account, MessageID(1))])

            let first = try await store.attach(MessageAPI.Attach(account: account, missed: .unnoticed), limit: 3)
            #expect(first.missed.map(\.text) == ["2", "3", "4"])
            #expect(first.hasMore)
            #expect(first.last == MessageID(5))
            let second = try await store.attach(
                MessageAPI.Attach(account: account, missed: .after(first.missed[2].id)), limit: 3)
            #expect(second.missed.map(\.text) == ["5"])
            #expect(!second.hasMore)
            #expect(first.conversations.isEmpty && second.conversations == [ConversationID(1)])
        }
    }

    @Test func `conversations that do not fit beside what was missed come behind it`() async throws {
        try await withMessageStore { store in
            for conversation in 1...3 { try await store.openConversation(Int64(conversation), [10, 20]) }
            let account = AccountID(10)
            let known = try await store.send("known", from: 20, to: 1).message
            try await store.confirm(.notice, upTo: [(account, known)])
            let last = try await store.send("a text", from: 20, to: 1).message

            // Three ids of eight bytes, and six of text.
            let whole = try await store.attach(
                MessageAPI.Attach(account: account, missed: .unnoticed), limit: 3, maxBytes: 30)
            #expect(whole.conversations.count == 3 && !whole.hasMore)
            let first = try await store.attach(
                MessageAPI.Attach(account: account, missed: .unnoticed), limit: 3, maxBytes: 29)
            #expect(first.missed.map(\.text) == ["a text"] && first.conversations.isEmpty && first.hasMore)
            let second = try await store.attach(
                MessageAPI.Attach(account: account, missed: .after(last)), limit: 3, maxBytes: 29)
            #expect(second.missed.isEmpty && second.conversations.count == 3 && !second.hasMore)
        }
    }

    @Test func `a page is the same in however many conversations its messages are`() async throws {
        try await withMessageStore { store in
            for conversation in 1...120 { try await store.openConversation(Int64(conversation), [10, 20]) }
            let known = try await store.send("known", from: 20, to: 1).message
            var sent: [MessageID] = []
            for conversation in (1...120).reversed() {
                sent.append(try await store.send("x", from: 20, to: Int64(conversation)).message)
            }
            var point = MessageAPI.Missed.after(known)
            var found: [MessageID] = []
            while true {
                let reply = try await store.attach(
                    MessageAPI.Attach(account: AccountID(10), missed: point), limit: 3)
                found += reply.missed.map(\.id)
                guard reply.hasMore, let last = found.last else { break }
                point = .after(last)
            }
            #expect(found == sent)
        }
    }
}
