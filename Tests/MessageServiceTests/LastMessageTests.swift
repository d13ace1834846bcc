import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct LastMessageTests {
    @Test func `the list tells the last message of each conversation when it is asked to`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20, 30], kind: .group)
            try await service.openConversation(3, [10, 40])
            let first = try await service.send("a", from: 20, to: 2)
            let reply = try await service.send("b", from: 30, to: 2, replyTo: first.message)
            try await service.send("é\u{0}😀", from: 10, to: 1)

            let entries = try await service.conversations(of: 10, includesLast: true)
            #expect(entries.map(\.conversation.rawValue) == [1, 2, 3])
            #expect(entries.map(\.last?.text) == ["é\u{0}😀", "b", nil])
            #expect(
                entries[1].last
                    == Message(
                        id: reply.message, conversation: ConversationID(2), conversationKind: .group, sequence: 2,
                        sender: AccountID(30), text: "b", replyTo: first.message, sentAt: reply.sentAt))
            #expect(try await service.conversations(of: 10).allSatisfy { $0.last == nil })
        }
    }

    @Test func `it is the last one the account can see, history included`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            var ids: [MessageID] = []
            for text in ["a", "b", "c", "d"] { ids.append(try await service.send(text, from: 20, to: 1).message) }
            try await service.recall(ids[3], by: 20)
            try await service.hide(ids[2], from: 10)
            try await service.change(1, joined: [40])

            func last(_ account: Int64) async throws -> String? {
                try await service.conversations(of: account, includesLast: true).first?.last?.text
            }
            #expect(try await last(10) == "b")
            #expect(try await last(20) == "c")
            #expect(try await last(40) == "c")
            try await service.hide(ids[0], from: 10)
            try await service.hide(ids[1], from: 10)
            #expect(try await last(10) == nil)
            try await service.send("e", from: 20, to: 1)
            #expect(try await last(10) == "e")
        }
    }

    @Test func `beyond four megabytes the texts of those quiet longest are shortened, in the order of ids`()
        async throws
    {
        try await withMessageStore { store in
            let text = String(repeating: "😀", count: 10_000)
            let ids = Array(1...120 as ClosedRange<Int64>)
            for id in ids { try await store.openConversation(id, [10, 1_000 + id]) }
            let (short, shorter) = (String(repeating: "s", count: 256), String(repeating: "é", count: 255))
            let quietest = [ids[0]: shorter, ids[119]: short]
            for (id, text) in quietest.sorted(by: { $0.key < $1.key }) { try await store.send(text, from: 10, to: id) }
            // Written to in an order that is not that of their ids.
            let others = ids.filter { quietest[$0] == nil }.sorted { ($0 * 37 % 121) < ($1 * 37 % 121) }
            for id in others { try await store.send(text, from: 10, to: id) }

            let entries = try await store.conversations(of: AccountID(10), includesLast: true)
            #expect(entries.map(\.conversation.rawValue) == ids)
            let last = Dictionary(
                uniqueKeysWithValues: entries.compactMap { entry in
                    entry.last.map { (entry.conversation.rawValue, $0.text) }
                })
            #expect(last.count == ids.count)
            #expect(last[ids[0]] == shorter)
            #expect(last[ids[119]] == String(short.dropLast()))
            let whole = others.filter { last[$0] == text }
            #expect(whole == others.suffix(whole.count))
            #expect((95...104).contains(whole.count))
            let shortened = String(repeating: "😀", count: 255)
            #expect(others.dropLast(whole.count).allSatisfy { last[$0] == shortened })
            #expect(last.values.reduce(0) { $0 + $1.utf8.count } <= MessageStore.maxPageBytes)
        }
    }

    @Test func `a list within four megabytes is whole`() async throws {
        try await withMessageStore { store in
            let text = String(repeating: "😀", count: 10_000)
            for id in 1...100 as ClosedRange<Int64> {
                try await store.openConversation(id, [10, 1_000 + id])
                try await store.send(text, from: 10, to: id)
            }

            let entries = try await store.conversations(of: AccountID(10), includesLast: true)
            #expect(entries.count == 100)
            #expect(entries.allSatisfy { $0.last?.text == text })
        }
    }

    @Test func `the texts of very many conversations are shortened further, so that the list fits on the bus`()
        async throws
    {
        try await withMessageStore { store in
            let count = 9_000
            let text = String(repeating: "😀", count: 255)
            try await store.database.write { transaction in
                for id in 1...Int64(count) {
                    let opening = MessageAPI.OpenConversation(
                        conversation: ConversationID(id), conversationKind: .private,
                        participants: [AccountID(10), AccountID(10_000 + id)], greeting: text, greeter: AccountID(10))
                    _ = try store.open(opening, transaction)
                }
            }

            let entries = try await store.conversations(of: AccountID(10), includesLast: true)

            let texts = entries.compactMap(\.last?.text)
            #expect(texts.count == count)
            let shortened = String(repeating: "😀", count: MessageStore.maxPageBytes / 4 / count)
            let whole = texts.drop { $0 == shortened }
            #expect(!whole.isEmpty && whole.allSatisfy { $0 == text }, "the newest are whole")
            let textBytes = texts.reduce(0) { $0 + $1.utf8.count }
            #expect(textBytes <= MessageStore.maxPageBytes)
            let bytes = MessageAPI.Conversations.Reply(conversations: entries).wireBytes.count
            let entryBytes = (bytes - textBytes) / count + 1
            #expect(MessageStore.maxConversations * entryBytes + MessageStore.maxPageBytes < 9 << 20)
        }
    }

    @Test(arguments: [true, false])
    func `a list that is full leaves out the conversations that were quiet longest`(includesLast: Bool) async throws {
        try await withMessageStore { store in
            for id in 1...3 as ClosedRange<Int64> { try await store.openConversation(id, [10, 20 + id]) }
            for id in [3, 1] as [Int64] { try await store.send("x", from: 10, to: id) }
            // Nothing was said in it, but it is news.
            try await store.openConversation(4, [10, 20, 30], kind: .group)

            for (limit, expected) in [(4, [1, 2, 3, 4]), (3, [1, 3, 4]), (2, [1, 4]), (1, [4])] as [(Int, [Int64])] {
                let entries = try await store.conversations(
                    of: AccountID(10), includesLast: includesLast, limit: limit)
                #expect(entries.map(\.conversation.rawValue) == expected)
            }
        }
    }

    @Test func `it is found from the end of the index, without looking at the rest`() async throws {
        try await withMessageStore { store in
            let plan = try await store.database.read { db in
                try Row.fetchAll(
                    db, sql: "EXPLAIN QUERY PLAN \(MessageStore.lastMessage)", arguments: [1, 2]
                ).map { $0["detail"] as String }
            }

            #expect(plan.contains("SEARCH message USING INDEX messageBySequence (conversationID=?)"))
            #expect(!plan.contains { $0.contains("SCAN message") || $0.contains("TEMP B-TREE") })
        }
    }
}
