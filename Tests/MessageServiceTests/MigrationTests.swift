import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct MigrationTests {
    /// A folder with a database of the first schema.
    private func folderOfFirstSchema(_ rows: String) async throws -> TestBus {
        let bus = try TestBus()
        let database = try ServiceDatabase(
            in: DataDirectory(path: bus.configuration.dataPath, service: .message), logger: bus.logger
        ) { migrator in
            migrator.registerMigration("message-1", migrate: MessageMigrations.createTimelines)
        }
        defer { database.close() }
        try await database.write { try $0.db.execute(sql: rows) }
        return bus
    }

    @Test func `a database of the first schema keeps all it has and learns what is new`() async throws {
        let bus = try await folderOfFirstSchema(
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
}
