import GRDB
import Shared
import SharedStorage

/// What one member does to messages for himself, and what is known about a single one.
extension MessageStore {
    /// Moves a read index forward, to the greatest message of the conversation that is not beyond the one named.
    ///
    /// - Throws: ``ServiceError/Code/notParticipant``; `unavailable` when the deadline passed before its turn came.
    func markRead(_ request: MessageAPI.MarkRead, deadline: MonotonicTime) async throws(ServiceError) {
        try await database.write { transaction in
            if deadline.hasPassed { throw ServiceError(.unavailable) }
            let db = transaction.db
            let (account, conversation) = (request.account, request.conversation)
            guard let membership = try Self.membership(of: account, in: conversation, db) else {
                throw ServiceError(.notParticipant)
            }
            let sequence = try Self.firstSequence(of: conversation, after: request.message, db) - 1
            let reached = try MessageID.fetchOne(
                db.cachedStatement(sql: "SELECT id FROM message WHERE conversationID = ? AND sequence = ?"),
                arguments: [conversation, sequence])
            guard let reached, reached > membership.readIndex else { return }
            try db.cachedStatement(
                sql: "UPDATE participant SET readIndex = ? WHERE conversationID = ? AND accountID = ?"
            ).execute(arguments: [reached, conversation, account])
            try transaction.publish(
                MessageAPI.ReadIndexMoved(conversation: conversation, account: account, message: reached))
        }
    }

    /// Where a message is, its replies and its readers; readers in the order of their ids.
    ///
    /// - Throws: ``ServiceError/Code/invalidMessage`` for an unknown, recalled or foreign message.
    @Sendable static func details(
        _ request: MessageAPI.MessageDetails, _ db: Database
    ) throws -> MessageAPI.MessageDetails.Reply {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT conversationID, senderID, conversation.kind, \(replyCount)
                    FROM message JOIN conversation ON conversation.id = message.conversationID
                    WHERE message.id = ? AND message.recalledAt IS NULL
                    """), arguments: [request.message])
        guard let row, try membership(of: request.account, in: row[0], db) != nil else {
            throw ServiceError(.invalidMessage)
        }
        let readers = try AccountID.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT accountID FROM participant WHERE conversationID = ? AND readIndex >= ?
                    UNION SELECT ? ORDER BY accountID
                    """), arguments: [row[0] as ConversationID, request.message, row[1] as AccountID])
        return MessageAPI.MessageDetails.Reply(
            conversation: row[0], conversationKind: try kind(row[2]), replyCount: row[3], readers: readers)
    }

    /// Hides a message from one account, for good: also when he leaves and joins again. Publishes it once.
    ///
    /// - Throws: ``ServiceError/Code/invalidMessage`` for an unknown message, ``ServiceError/Code/notParticipant`` for a
    ///   foreign one; `unavailable` when the deadline passed before its turn came.
    func hide(_ request: MessageAPI.HideMessage, deadline: MonotonicTime) async throws(ServiceError) {
        try await database.write { transaction in
            if deadline.hasPassed { throw ServiceError(.unavailable) }
            let db = transaction.db
            let conversation = try ConversationID.fetchOne(
                db.cachedStatement(sql: "SELECT conversationID FROM message WHERE id = ?"),
                arguments: [request.message])
            guard let conversation else { throw ServiceError(.invalidMessage) }
            guard try Self.membership(of: request.account, in: conversation, db) != nil else {
                throw ServiceError(.notParticipant)
            }
            try db.cachedStatement(
                sql: """
                    INSERT INTO hiddenMessage (accountID, conversationID, messageID) VALUES (?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """
            ).execute(arguments: [request.account, conversation, request.message])
            guard db.changesCount == 1 else { return }
            try transaction.publish(
                MessageAPI.MessageHidden(
                    conversation: conversation, message: request.message, account: request.account))
        }
    }
}
