import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct UnreadTests {
    private static let accounts: ClosedRange<Int64> = 10...14

    /// What is unread, counted message by message.
    private static let naiveCount = """
        SELECT conversationID, (
            SELECT count(*) FROM message
            WHERE conversationID = participant.conversationID AND id > max(joinedAfter, readIndex)
            AND senderID <> participant.accountID AND recalledAt IS NULL
            AND NOT EXISTS (
                SELECT 1 FROM hiddenMessage WHERE accountID = participant.accountID AND messageID = message.id))
        FROM participant WHERE accountID = ? ORDER BY conversationID
        """

    private func expectNaiveCounts(_ store: MessageStore) async throws {
        for account in Self.accounts {
            let naive = try await store.database.read { db in
                try Row.fetchAll(db, sql: Self.naiveCount, arguments: [account]).map { [$0[0], $0[1]] as [Int64] }
            }
            let counted = try await store.conversations(of: AccountID(account)).map {
                [$0.conversation.rawValue, $0.unreadCount]
            }
            #expect(counted == naive, "account \(account)")
            for conversation in naive {
                let page = try await store.history(
                    MessageAPI.History(
                        account: AccountID(account), conversation: ConversationID(conversation[0]), before: nil,
                        limit: 1, includesUnread: true))
                #expect(page.unreadCount == conversation[1])
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds(6))
    func `it is what counting one by one finds, across blocks, whoever sends, reads, hides and recalls`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        func some<Values: Collection>(_ values: Values) throws -> Values.Element {
            try #require(values.randomElement(using: &random))
        }
        // Half of the runs forget nearly everything nearly always.
        try await withMessageStore(maxCachedParticipants: seed.isMultiple(of: 2) ? 5 : 1_000) { store in
            // The last of the accounts joins later, and another one has nothing to say in the first group.
            try await store.openGroup(1, Self.accounts.dropLast())
            try await store.openGroup(2, Self.accounts.dropLast())
            var messages: [MessageAPI.Send.Reply] = []
            for round in 0..<25 {
                let sends = try (0..<Int.random(in: 1...50, using: &random)).map { _ in
                    (sender: try some(Array(Self.accounts.dropLast(2)) + [10, 10]), conversation: try some([1, 1, 2]))
                }
                let append: @Sendable (WriteTransaction) throws -> [MessageAPI.Send.Reply] = { transaction in
                    try sends.map { sender, conversation in
                        let send = MessageAPI.Send(
                            sender: AccountID(sender), to: .conversation(Int64(conversation)), text: "x", replyTo: nil,
                            clientID: nil)
                        return try store.append(send, transaction) {}
                    }
                }
                if round.isMultiple(of: 5) {
                    // Nothing of what is rolled back counts.
                    await #expect(throws: ServiceError(.limitReached)) {
                        try await store.database.write { transaction in
                            _ = try append(transaction)
                            throw ServiceError(.limitReached)
                        }
                    }
                }
                messages += try await store.database.write(append)
                if round == 12 {
                    let change = MessageAPI.ChangeParticipants(
                        conversation: ConversationID(1), joined: [AccountID(14)], left: [])
                    _ = try await store.database.write { try store.changeParticipants(change, $0) }
                }
                for _ in 0..<3 {
                    let id = try some(messages).message
                    try await store.execute(
                        "UPDATE message SET text = x'', recalledAt = 1 WHERE id = \(id) AND recalledAt IS NULL")
                    let hidden = try some(messages)
                    let account = AccountID(try some(Self.accounts.dropLast()))
                    try await store.hide(
                        MessageAPI.HideMessage(account: account, message: hidden.message),
                        deadline: .after(.seconds(20)))
                }
                let read = try some(messages.suffix(200))
                try await store.markRead(
                    MessageAPI.MarkRead(
                        account: AccountID(try some(Self.accounts.dropLast())), conversation: read.conversation,
                        message: read.message), deadline: .after(.seconds(20)))
                try await expectNaiveCounts(store)
            }
            #expect(
                messages.last { $0.conversation == ConversationID(1) }?.sequence ?? 0 > 3 * MessageStore.blockLength)
        }
    }

    @Test func `it is right at every place around the borders of blocks`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, Self.accounts)
            let length = 3 * MessageStore.blockLength + 1
            for sequence in 1...length {
                try await store.send("x", from: 10 + sequence % 3, to: 1)
                guard sequence % MessageStore.blockLength < 2 else { continue }
                for read in 0..<sequence where read % MessageStore.blockLength < 3 {
                    try await store.execute("UPDATE participant SET readIndex = \(read)")
                    try await expectNaiveCounts(store)
                }
            }
        }
    }

    @Test func `who leaves and joins again counts from there, however many blocks later`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, Self.accounts)
            for number in 0..<150 as Range<Int64> { try await store.send("x", from: 10 + number % 3, to: 1) }
            for (joined, left) in [([], [10]), ([10], [])] as [([Int64], [Int64])] {
                let change = MessageAPI.ChangeParticipants(
                    conversation: ConversationID(1), joined: joined.map { AccountID($0) },
                    left: left.map { AccountID($0) })
                _ = try await store.database.write { try store.changeParticipants(change, $0) }
                for number in 0..<150 as Range<Int64> { try await store.send("x", from: 11 + number % 2, to: 1) }
            }
            for number in 0..<150 as Range<Int64> { try await store.send("x", from: 10 + number % 2, to: 1) }
            try await expectNaiveCounts(store)
        }
    }

    @Test func `what was rolled back with a neighbour and written after all is counted once`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, Self.accounts)
            for _ in 0..<60 { try await store.send("x", from: 10, to: 1) }
            // The last of the group spoils it behind the end of a block; the others go again, each on its own.
            try await withThrowingTaskGroup(of: Void.self) { sends in
                for number in 0..<10 as Range<Int64> {
                    sends.addTask { try await store.send("x", from: 10 + number % 2, to: 1) }
                }
                sends.addTask {
                    await #expect(throws: ServiceError(.limitReached)) {
                        try await store.database.write { transaction in
                            try transaction.db.execute(sql: "UPDATE conversation SET openedAt = 0")
                            throw ServiceError(.limitReached)
                        }
                    }
                }
                try await sends.waitForAll()
            }
            for _ in 0..<60 { try await store.send("x", from: 11, to: 1) }
            try await expectNaiveCounts(store)
        }
    }

    /// What the clock could not say reliably.
    @Test func `no plan looks at the messages that are unread`() async throws {
        try await withMessageStore { store in
            func plan(_ sql: String, _ arguments: StatementArguments) async throws -> [String] {
                try await store.database.read { db in
                    try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: arguments).map { $0["detail"] }
                }
            }

            let range = "(conversationID=? AND sequence>? AND sequence<?)"
            let invisible = try await plan(MessageStore.invisibleCount, [1, 2, 3, 4])
            #expect(
                invisible.contains("SEARCH message USING INDEX messageByRecall (conversationID=? AND sequence>?)"))
            #expect(
                invisible.contains(
                    "SEARCH hidden USING PRIMARY KEY (accountID=? AND conversationID=? AND messageID>?)"))
            #expect(
                try await plan(MessageStore.sentInRange, [1, 2, 3, 4])
                    == ["SEARCH message USING INDEX messageBySequence \(range)"])
            #expect(
                try await plan(MessageStore.sentUpToBlock, [1, 2, 3])
                    == ["SEARCH sentCount USING PRIMARY KEY (conversationID=? AND senderID=? AND block<?)"])
            #expect(
                try await plan(MessageStore.recordSent, [1, 2, 3, 4])
                    .contains("SEARCH sentCount USING PRIMARY KEY (conversationID=? AND senderID=?)"))
            let list = try await plan(MessageStore.conversationList, [1, 2, 3])
            #expect(list.contains("SEARCH message USING COVERING INDEX messageBySequence (conversationID=?)"))
            #expect(list.filter { $0.hasPrefix("SCAN") } == ["SCAN listed"])
        }
    }
}
