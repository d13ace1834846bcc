import GRDB
import Shared
import SharedStorage

/// How far each account has been given its messages, by the one way and the other.
extension MessageStore {
    /// A note per account of the last message it was given; the name of its table.
    enum Cursor: String {
        /// What was pulled.
        case handOver
        /// What came over the notice connection.
        case notice
    }

    /// Messages after the account's hand-over cursor, with the cursor; it moves to `last` when they have arrived.
    func handOver(
        to account: AccountID, limit: Int, until deadline: MonotonicTime
    ) async throws(ServiceError) -> (page: Page, cursor: MessageID) {
        try await database.read(until: deadline) { db in
            let cursor = try Self.position(of: .handOver, for: account, db)
            return (try Self.messages(of: account, after: cursor, limit: limit, db), cursor)
        }
    }

    /// Messages after a point the client has confirmed.
    func messages(
        of account: AccountID, after point: MessageID, limit: Int, until deadline: MonotonicTime
    ) async throws(ServiceError) -> Page {
        try await database.read(until: deadline) { try Self.messages(of: account, after: point, limit: limit, $0) }
    }

    /// Moves cursors of accounts forward; none goes back, nor beyond the last message. Idempotent.
    func confirm(
        _ cursor: Cursor, upTo places: [(account: AccountID, message: MessageID)]
    ) async throws(ServiceError) {
        try await database.write { transaction in
            let statement = try transaction.db.cachedStatement(
                sql: """
                    INSERT INTO \(cursor.rawValue) (accountID, messageID)
                    VALUES (?1, min(?2, (SELECT coalesce(max(id), 0) FROM message)))
                    ON CONFLICT DO UPDATE SET messageID = excluded.messageID WHERE messageID < excluded.messageID
                    """)
            for place in places { try statement.execute(arguments: [place.account, place.message]) }
        }
    }

    /// The last message an account was given; 0 when it was never given any.
    static func position(of cursor: Cursor, for account: AccountID, _ db: Database) throws -> MessageID {
        let statement = try db.cachedStatement(sql: "SELECT messageID FROM \(cursor.rawValue) WHERE accountID = ?")
        return try MessageID.fetchOne(statement, arguments: [account]) ?? MessageID(0)
    }
}
