import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct HistoryFilterTests {
    private struct Page: Equatable {
        let sequences: [Int]
        let hasMore: Bool

        init(_ sequences: [Int], _ hasMore: Bool) {
            self.sequences = sequences
            self.hasMore = hasMore
        }
    }

    /// Twenty messages of three senders in turn, two in each second: 1000, 1000, 2000, 2000 …
    private func withTwentyMessages(
        _ body: (_ read: (MessageAPI.History) async throws -> Page) async throws -> Void
    ) async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, [10, 20, 30])
            for index in 0..<20 { try await store.send("\(index)", from: [10, 20, 30][index % 3], to: 1) }
            try await store.execute("UPDATE message SET sentAt = (sequence + 1) / 2 * 1000")
            try await body { request in
                let reply = try await store.history(request)
                return Page(reply.messages.map { Int($0.message.sequence) }, reply.hasMore)
            }
        }
    }

    private func request(
        before: Int64? = nil, limit: Int32 = 1_000, from: Int64? = nil, until: Int64? = nil, senders: [Int64]? = nil
    ) -> MessageAPI.History {
        MessageAPI.History(
            account: AccountID(10), conversation: ConversationID(1), before: before.map { MessageID($0) },
            limit: limit, sentFrom: from, sentUntil: until, senders: senders?.map { AccountID($0) })
    }

    @Test(
        arguments: [
            (2_000, 3_000, 3...6), (2_001, 3_999, 5...6), (nil, 1_000, 1...2), (9_001, nil, 19...20),
            (nil, nil, 1...20), (Int64.min, Int64.max, 1...20), (3_000, 3_000, 5...6),
        ] as [(Int64?, Int64?, ClosedRange<Int>)])
    func `both ends of the time range are in it`(from: Int64?, until: Int64?, expected: ClosedRange<Int>) async throws {
        try await withTwentyMessages { (read) async throws in
            #expect(try await read(request(from: from, until: until)).sequences == Array(expected))
        }
    }

    @Test(
        arguments: [(11_000, nil), (nil, 999), (3_000, 2_000), (Int64.max, Int64.min), (2_001, 2_999)]
            as [(Int64?, Int64?)])
    func `a range without messages is empty`(from: Int64?, until: Int64?) async throws {
        try await withTwentyMessages { (read) async throws in
            #expect(try await read(request(from: from, until: until)) == Page([], false))
        }
    }

    @Test(
        arguments: [
            ([10], [1, 4, 7, 10, 13, 16, 19]), ([10, 30, 99], [1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19]),
            ([99], []), ([], []), ([30, 30], [3, 6, 9, 12, 15, 18]),
        ] as [([Int64], [Int])])
    func `only messages of the senders asked for are listed`(senders: [Int64], expected: [Int]) async throws {
        try await withTwentyMessages { (read) async throws in
            #expect(try await read(request(senders: senders)).sequences == expected)
        }
    }

    @Test func `filters, point and limit work together and tell exactly whether there is more`() async throws {
        try await withTwentyMessages { (read) async throws in
            // Of sender 20 in seconds 2 to 8: 5, 8, 11, 14.
            let filters = (from: Int64(2_000), until: Int64(8_000), senders: [Int64(20)])
            func page(before: Int64? = nil, limit: Int32) async throws -> Page {
                try await read(
                    request(
                        before: before, limit: limit, from: filters.from, until: filters.until,
                        senders: filters.senders))
            }
            #expect(try await page(limit: 4) == Page([5, 8, 11, 14], false))
            #expect(try await page(limit: 3) == Page([8, 11, 14], true))
            #expect(try await page(before: 8, limit: 3) == Page([5], false))
            #expect(try await page(before: 11, limit: 1) == Page([8], true))
            #expect(try await page(before: 5, limit: 1) == Page([], false))
            #expect(try await page(before: .min, limit: 1) == Page([], false))
            #expect(try await page(before: .max, limit: 1) == Page([14], true))
        }
    }

    @Test func `more than 500 senders are refused, and an outsider whatever he filters by`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            func code(_ account: Int64, _ senders: [Int64]) async -> ServiceError.Code? {
                await service.code(
                    of: MessageAPI.History(
                        account: AccountID(account), conversation: ConversationID(1), before: nil, limit: 1,
                        senders: senders.map { AccountID($0) }))
            }
            #expect(await code(10, Array(1...501)) == .badRequest)
            #expect(await code(10, Array(1...500)) == nil)
            #expect(await code(30, [10]) == .notParticipant)
        }
    }

    /// What the clock could not say reliably: the plan visits the messages of the range from its end, until the page is
    /// full, whatever comes before or after.
    @Test func `a page is read from the index, within the range and in its order`() async throws {
        try await withMessageStore { store in
            let plan = try await store.database.read { db in
                try Row.fetchAll(
                    db, sql: "EXPLAIN QUERY PLAN \(MessageStore.historyPage)", arguments: [1, 2, 3, "[1]", 5, 6]
                ).map { $0["detail"] as String }
            }

            #expect(
                plan.contains(
                    "SEARCH message USING INDEX messageBySequence (conversationID=? AND sequence>? AND sequence<?)"))
            #expect(!plan.contains { $0.contains("SCAN message") || $0.contains("TEMP B-TREE") })
        }
    }
}
