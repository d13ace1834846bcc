import GRDB
import Shared
import SharedStorage

extension MessageStore {
    /// Messages after the account's hand-over cursor, with the cursor; it moves to `last` when they have arrived.
    func handOver(
        to account: AccountID, limit: Int
    ) async throws(ServiceError) -> (page: Page, cursor: MessageID) {
        try await database.read { db in
            let stored = try MessageID.fetchOne(
                db, sql: "SELECT messageID FROM handOver WHERE accountID = ?", arguments: [account])
            let cursor = stored ?? MessageID(0)
            return (try Self.messages(of: account, after: cursor, limit: limit, db), cursor)
        }
    }

    /// Messages after a point the client has confirmed.
    func messages(
        of account: AccountID, after point: MessageID, limit: Int
    ) async throws(ServiceError) -> Page {
        try await database.read { try Self.messages(of: account, after: point, limit: limit, $0) }
    }

    /// Moves the account's hand-over cursor forward; it never goes back, nor beyond the last message. Idempotent.
    func confirmHandOver(to account: AccountID, upTo message: MessageID) async throws(ServiceError) {
        try await database.write { transaction in
            try transaction.db.execute(
                sql: """
                    INSERT INTO handOver (accountID, messageID)
                    VALUES (?1, min(?2, (SELECT coalesce(max(id), 0) FROM message)))
                    ON CONFLICT DO UPDATE SET messageID = max(messageID, excluded.messageID)
                    """, arguments: [account, message])
        }
    }
}
