import GRDB
import Shared
import SharedStorage

extension MessageStore {
    /// Takes a message back for everyone: erases its text and publishes that.
    ///
    /// - Parameter now: the wall clock, in milliseconds since 1970.
    /// - Throws: ``ServiceError/Code/invalidMessage`` for an unknown or foreign message, then what ``RecallRules`` say;
    ///   `unavailable` when the deadline passed before its turn came.
    func recall(
        _ request: MessageAPI.Recall, rules: RecallRules, now: Int64, deadline: MonotonicTime
    ) async throws(ServiceError) {
        try await database.write { transaction in
            if deadline.hasPassed { throw ServiceError(.unavailable) }
            let db = transaction.db
            let found = try db.cachedStatement(
                sql: """
                    SELECT conversationID, conversation.kind, senderID, sentAt, recalledAt IS NOT NULL
                    FROM message JOIN conversation ON conversation.id = message.conversationID WHERE message.id = ?
                    """)
            guard let row = try Row.fetchOne(found, arguments: [request.message]),
                try Self.membership(of: request.account, in: row[0], db) != nil
            else { throw ServiceError(.invalidMessage) }
            let conversation: ConversationID = row[0]
            let subject = RecallRules.Subject(
                conversationKind: try Self.kind(row[1]), sender: row[2], sentAt: row[3], isRecalled: row[4])
            let recalledAt = try timelines.withState { try time(&$0, wall: now, db) }
            try rules.check(request, of: subject, now: recalledAt)
            try db.cachedStatement(sql: "UPDATE message SET text = x'', recalledAt = ? WHERE id = ?")
                .execute(arguments: [recalledAt, request.message])
            try transaction.publish(
                MessageAPI.MessageRecalled(
                    conversation: conversation, message: request.message, operator: request.account,
                    recalledAt: recalledAt))
        }
    }
}
