import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct MigrationTests {
    /// A folder with a database of the first schema, the second or the third.
    private func folder(ofSchema version: Int = 1, _ rows: String) async throws -> TestBus {
        let bus = try TestBus()
        let database = try ServiceDatabase(
            in: DataDirectory(path: bus.configuration.dataPath, service: .message), logger: bus.logger
        ) { migrator in
            migrator.registerMigration("message-1", migrate: MessageMigrations.createTimelines)
            guard version >= 2 else { return }
            migrator.registerMigration("message-2", migrate: MessageMigrations.addPairsSilenceAndNotices)
            guard version >= 3 else { return }
            migrator.registerMigration("message-3", migrate: MessageMigrations.countWhatWasSent)
        }
        defer { database.close() }
        try await database.write { try $0.db.execute(sql: rows) }
        return bus
    }

    @Test func `a database of the first schema keeps all it has and learns what is new`() async throws {
        let bus = try await folder(
            """
            INSERT INTO conversation VALUES
                (1, 1, 5, NULL), (2, 2, 5, NULL), (3, 1, 5, 6), (4, 1, 5, NULL), (5, 1, 5, NULL);
            INSERT INTO participant VALUES
                (1, 20, 0, 0), (1, 10, 0, 1), (2, 10, 0, 0), (2, 30, 1, 0), (4, 40, 0, 0), (5, 10, 2, 0), (5, 30, 2, 0);
            INSERT INTO message VALUES
                (1, 1, 1, 20, CAST('hello' AS BLOB), NULL, 1000, NULL, NULL),
                (2, 1, 2, 10, CAST('hi' AS BLOB), 1, 1001, 'k', NULL),
                (3, 2, 1, 30, CAST('group' AS BLOB), NULL, 1002, NULL, NULL),
                (4, 1, 3, 20, x'', NULL, 1003, NULL, 1004);
            INSERT INTO hiddenMessage VALUES (10, 3);
            INSERT INTO handOver VALUES (10, 2);
            """)
        try await withMessageService(inFolderOf: bus) { service in
            let history = try await service.history(of: 1, for: 20)
            #expect(history.messages.map(\.message.text) == ["hello", "hi"])
            #expect(history.readIndexes.map(\.message.rawValue) == [1, 0])
            #expect(
                try await service.conversations(of: 10, includesLast: true).map(\.last?.text) == ["hi", nil, nil])
            #expect(try await service.pull(20).messages.map(\.message.text) == ["hello", "hi"])
            #expect(try await service.pull(10).messages.isEmpty)
            let attached = try await service.attach(10, .unnoticed)
            #expect(attached.missed.map(\.text) == ["hello", "hi"])
            #expect(attached.last == MessageID(4))

            // Friends are found, those whose conversation is closed or half empty are not.
            let again = try await service.send("hi", from: 10, to: .friend(20), replyTo: MessageID(1), clientID: "k")
            #expect(again.message == MessageID(2))
            #expect(try await service.send("new", from: 10, to: .friend(30)).conversation == ConversationID(5))
            #expect(try await service.send("new", from: 20, to: .friend(10)).sequence == 4)
            for (sender, friend) in [(40, 40), (20, 30), (40, 10)] as [(Int64, Int64)] {
                #expect(await service.code(ofSendFrom: sender, to: .friend(friend)) == .notFriends)
            }
            // Nobody is silenced, and everyone can be.
            try await service.silence(20, in: 1)
            #expect(await service.code(ofSendFrom: 20, to: .friend(10)) == .notFriends)
            // Of long ago.
            let recall = MessageAPI.Recall(account: AccountID(20), message: MessageID(1), isModerator: false)
            #expect(await service.code(of: recall) == .tooLate)
            try await service.recall(MessageID(3), by: 10, isModerator: true)
        }
    }

    @Test func `a database of the second schema counts what is unread, however long its conversations are`()
        async throws
    {
        let lengths: [Int64] = [1, 63, 64, 65, 128, 300]
        let conversations = lengths.indices.map { Int64($0) + 1 }
        let rows = zip(conversations, lengths).map { conversation, length in
            """
            INSERT INTO conversation (id, kind, openedAt) VALUES (\(conversation), 2, 5);
            INSERT INTO participant (conversationID, accountID, joinedAfter)
                VALUES (\(conversation), 10, 0), (\(conversation), 20, 0), (\(conversation), 30, 0);
            WITH RECURSIVE place (sequence) AS (
                SELECT 1 UNION ALL SELECT sequence + 1 FROM place WHERE sequence < \(length))
            INSERT INTO message (conversationID, sequence, senderID, text, sentAt, recalledAt)
                SELECT \(conversation), sequence, iif(sequence % 7 < 3, 10, 20), x'61', sequence,
                    iif(sequence % 10 = 0, 9, NULL) FROM place;
            INSERT INTO hiddenMessage
                SELECT 30, id FROM message WHERE conversationID = \(conversation) AND sequence % 4 = 0;
            """
        }
        let bus = try await folder(ofSchema: 2, rows.joined(separator: "\n"))
        // Those of the first two, as they were inserted and as they are sent below.
        func unread(by account: Int64, of length: Int64) -> Int64 {
            Int64(
                (1...length).count { sequence in
                    let sender: Int64 = sequence % 7 < 3 ? 10 : 20
                    let isHidden = account == 30 && sequence % 4 == 0
                    return sender != account && sequence % 10 != 0 && !isHidden
                })
        }
        try await withMessageService(inFolderOf: bus) { service in
            for account in [10, 20, 30] as [Int64] {
                #expect(
                    try await service.conversations(of: account).map(\.unreadCount)
                        == lengths.map { unread(by: account, of: $0) })
            }
            #expect(try await service.history(of: 2, for: 30).messages.count == 63 - 6 - 15 + 3)

            // The blocks that were not full go on.
            for conversation in conversations {
                for _ in 0..<70 { try await service.send("new", from: 10, to: conversation) }
            }

            for (account, added) in [(10, 0), (20, 70), (30, 70)] as [(Int64, Int64)] {
                #expect(
                    try await service.conversations(of: account).map(\.unreadCount)
                        == lengths.map { unread(by: account, of: $0) + added })
            }
        }
    }

    @Test func `a database of the third schema knows in which order accounts came in, and events by their new name`()
        async throws
    {
        let bus = try await folder(
            ofSchema: 3,
            """
            INSERT INTO conversation (id, kind, openedAt) VALUES (1, 1, 5), (2, 2, 5), (3, 2, 5), (4, 2, 5);
            INSERT INTO participant (conversationID, accountID, joinedAfter)
                VALUES (1, 10, 2), (1, 20, 2), (2, 10, 0), (3, 10, 1), (4, 10, 2), (4, 20, 0);
            INSERT INTO message (conversationID, sequence, senderID, text, sentAt)
                VALUES (2, 1, 10, x'61', 1), (2, 2, 10, x'61', 1), (1, 1, 20, x'61', 1);
            INSERT INTO event VALUES (2, 'message.participantsChanged', x'01000000000000000000000000000000');
            """)
        try await withMessageService(inFolderOf: bus) { service in
            let openings = try await service.attach(10, .after(MessageID(1))).openings
            #expect(openings.map(\.conversation.rawValue) == [3, 1, 4])
            #expect(openings.map(\.peer) == [nil, AccountID(20), nil])
            #expect(openings.allSatisfy { $0.reason == nil })
            #expect(openings.map(\.number) == openings.map(\.number).sorted())
            let event = try #require(try await service.gateway.announced().first)
            #expect(event.kind == MessageAPI.ConversationChanged.kind)
            #expect(try MessageAPI.ConversationChanged(wireBytes: event.payload.bytes).reason == nil)

            // Who comes in now is the last.
            try await service.openConversation(5, [10, 30])
            let last = try await service.attach(10, .after(MessageID(1))).openings.last
            #expect(last?.conversation == ConversationID(5))
        }
    }
}
