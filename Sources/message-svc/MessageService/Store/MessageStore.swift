import GRDB
import Shared
import SharedStorage

/// The database of message-svc. Writes go through the one writer, reads see a consistent snapshot beside it.
struct MessageStore: Sendable {
    /// Messages of several conversations in id order, as they are handed out or missed.
    struct Page {
        var messages: [ListedMessage]
        /// The newest message looked at, visible or not: the point to go on from.
        var last: MessageID
        var hasMore: Bool
    }

    let database: ServiceDatabase
    let timelines: Timelines

    /// The columns of ``message(_:)``.
    static let messageColumns = """
        message.id, message.conversationID, conversation.kind, message.sequence, message.senderID, message.text,
        message.replyTo, message.sentAt
        """

    /// A row of ``messageColumns`` as the contract's message.
    static func message(_ row: Row) throws -> Message {
        Message(
            id: row[0], conversation: row[1], conversationKind: try kind(row[2]), sequence: row[3], sender: row[4],
            text: (row[5] as StoredText).text,
            replyTo: row[6], sentAt: row[7])
    }

    /// What the column `conversation.kind` says.
    static func kind(_ column: UInt8) throws -> ConversationKind {
        guard let kind = ConversationKind(rawValue: column) else { throw ServiceError(.internal, detail: "kind") }
        return kind
    }

    /// The log keeps only the id of a sent message, so that the text of a recalled one is not kept alive by it.
    static func expandEvent(_ db: Database, kind: String, stored: Blob) throws -> Blob? {
        guard kind == MessageAPI.MessageSent.kind else { return stored }
        var reader = WireReader(stored.bytes)
        let id = try MessageID(from: &reader)
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT \(messageColumns) FROM message JOIN conversation ON conversation.id = message.conversationID
                WHERE message.id = ? AND message.recalledAt IS NULL
                """, arguments: [id])
        return try row.map { Blob(MessageAPI.MessageSent(message: try message($0)).wireBytes) }
    }

    /// The columns whose values never descend while the sequence ascends.
    enum AscendingColumn: String {
        case id
        case sentAt
    }

    /// A message's place in its conversation.
    struct Place {
        var sequence: Int64
        var message: MessageID
    }

    /// The last message of a conversation, whatever has become of it; `nil` when there is none.
    static func newest(in conversation: ConversationID, _ db: Database) throws -> Place? {
        let statement = try db.cachedStatement(
            sql: "SELECT sequence, id FROM message WHERE conversationID = ? ORDER BY sequence DESC LIMIT 1")
        return try Row.fetchOne(statement, arguments: [conversation]).map { Place(sequence: $0[0], message: $0[1]) }
    }

    /// The smallest sequence of a conversation whose message is newer than `message`; one past the last if none is.
    static func firstSequence(of conversation: ConversationID, after message: MessageID, _ db: Database) throws -> Int64
    {
        guard let newest = try newest(in: conversation, db) else { return 1 }
        return try firstSequence(of: conversation, after: message, newest: newest, db)
    }

    /// Like ``firstSequence(of:after:_:)``, for a conversation whose last message is known.
    static func firstSequence(
        of conversation: ConversationID, after message: MessageID, newest: Place, _ db: Database
    ) throws -> Int64 {
        // Most callers are nearly up to date, have read up to a message of this very conversation, or nothing of it.
        guard message < newest.message else { return newest.sequence + 1 }
        let known = try db.cachedStatement(
            sql: """
                SELECT coalesce(
                    (SELECT sequence + 1 FROM message WHERE id = ?2 AND conversationID = ?1),
                    (SELECT 1 FROM message WHERE conversationID = ?1 AND sequence = 1 AND id > ?2))
                """)
        return try Int64.fetchOne(known, arguments: [conversation, message])
            ?? firstSequence(of: conversation, .id, where: { $0 > message.rawValue }, db)
    }

    /// The smallest sequence of a conversation from which on a column is where it should be; one past the last if it
    /// never is.
    ///
    /// The column ascends with the sequence and sequences have no holes, so that a search by halves in the index finds it.
    static func firstSequence(
        of conversation: ConversationID, _ column: AscendingColumn, where isReached: (Int64) -> Bool, _ db: Database
    ) throws -> Int64 {
        let last = try db.cachedStatement(sql: "SELECT max(sequence) FROM message WHERE conversationID = ?")
        var upper = (try Int64.fetchOne(last, arguments: [conversation]) ?? 0) + 1
        var lower: Int64 = 1
        let probe = try db.cachedStatement(
            sql: "SELECT \(column.rawValue) FROM message WHERE conversationID = ? AND sequence = ?")
        // Most callers are nearly up to date: look at the newest message before searching.
        if upper > 1, let newest = try Int64.fetchOne(probe, arguments: [conversation, upper - 1]),
            !isReached(newest)
        {
            return upper
        }
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            guard let value = try Int64.fetchOne(probe, arguments: [conversation, middle]) else {
                throw ServiceError(.internal, detail: "conversation \(conversation) has no message \(middle)")
            }
            if isReached(value) { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }

    /// How a member stands in an open conversation; `nil` when he is not in it or it is closed.
    static func membership(
        of account: AccountID, in conversation: ConversationID, _ db: Database
    ) throws -> (joinedAfter: MessageID, readIndex: MessageID)? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT joinedAfter, readIndex FROM participant JOIN conversation ON conversation.id = conversationID
                WHERE conversationID = ? AND accountID = ? AND closedAt IS NULL
                """)
        return try Row.fetchOne(statement, arguments: [conversation, account]).map { ($0[0], $0[1]) }
    }
}
