import GRDB
import Shared
import SharedStorage

/// What is unread. A few messages are looked at one by one; of more, their number is known without looking.
///
/// Sequences have no holes, so that two of them tell how many messages lie between. Those of them that do not count are
/// recalled or hidden, which are few, or the account's own, which were counted block by block when they were stored.
extension MessageStore {
    /// Messages of a conversation that are counted together; what `message-3` has filled `sentCount` with.
    static let blockLength: Int64 = 64

    /// Messages of others after a point, less recalled ones and those hidden from the account.
    ///
    /// - Parameters:
    ///   - message: what the account has read or found.
    ///   - newest: the conversation's last message, if there is one.
    static func unreadCount(
        of account: AccountID, in conversation: ConversationID, after message: MessageID, newest: Place?, _ db: Database
    ) throws -> Int64 {
        guard let newest, message < newest.message else { return 0 }
        let first = try firstSequence(of: conversation, after: message, newest: newest, db)
        let end = newest.sequence + 1
        guard end - first >= blockLength else {
            let statement = try db.cachedStatement(sql: visibleCount)
            return try Int64.fetchOne(statement, arguments: [conversation, account, first]) ?? 0
        }
        let invisible = try Int64.fetchOne(
            db.cachedStatement(sql: invisibleCount), arguments: [conversation, account, first, message])
        return end - first - (try sentCount(by: account, in: conversation, first..<end, db)) - (invisible ?? 0)
    }

    /// How many of a conversation's messages are an account's, recalled or not, in a range as long as a block at least.
    ///
    /// Whole blocks are a difference of two sums; what is left at either end is looked at one by one.
    private static func sentCount(
        by account: AccountID, in conversation: ConversationID, _ range: Range<Int64>, _ db: Database
    ) throws -> Int64 {
        let inRange = try db.cachedStatement(sql: sentInRange)
        func count(_ range: Range<Int64>) throws -> Int64 {
            let arguments: StatementArguments = [conversation, account, range.lowerBound, range.upperBound]
            return try Int64.fetchOne(inRange, arguments: arguments) ?? 0
        }
        let upToBlock = try db.cachedStatement(sql: sentUpToBlock)
        func sum(_ block: Int64) throws -> Int64 {
            try Int64.fetchOne(upToBlock, arguments: [conversation, account, block]) ?? 0
        }
        // The borders of blocks that come first and last in the range.
        let first = (range.lowerBound + blockLength - 2) / blockLength
        let last = (range.upperBound - 1) / blockLength
        return try count(range.lowerBound..<first * blockLength + 1) + sum(last) - sum(first)
            + count(last * blockLength + 1..<range.upperBound)
    }

    /// Counts a message that was just stored as its sender's; the last one of a block writes down who sent how many.
    func countSent(_ message: Message, _ state: inout Timelines.State, _ db: Database) throws {
        let conversation = message.conversation
        let fullBlocks = (message.sequence - 1) / Self.blockLength
        let placeInBlock = message.sequence - fullBlocks * Self.blockLength
        var sent: [AccountID: Int64]
        if placeInBlock == 1 {
            sent = [message.sender: 1]
        } else if let counted = state.byConversation[conversation]?.sentInBlock.take() {
            sent = counted
            sent[message.sender, default: 0] += 1
        } else {
            let stored = try Row.fetchCursor(
                db.cachedStatement(sql: Self.sentSince), arguments: [conversation, fullBlocks * Self.blockLength])
            sent = try Dictionary(uniqueKeysWithValues: stored.map { ($0[0], $0[1]) })
        }
        if placeInBlock == Self.blockLength {
            let record = try db.cachedStatement(sql: Self.recordSent)
            for (sender, count) in sent {
                try record.run(.init(conversation), .init(sender), .init(fullBlocks + 1), .init(count))
            }
            sent = [:]
        }
        state.byConversation[conversation]?.sentInBlock = sent
    }

    /// Conversation, account, first sequence: how many of the others' messages from there on are neither recalled nor
    /// hidden.
    static let visibleCount = """
        SELECT count(*) FROM message
        WHERE conversationID = ?1 AND sequence >= ?3 AND senderID <> ?2 AND \(isVisible(to: "?2"))
        """

    /// Conversation, account, first sequence, the point before it: how many of the others' messages from there on are
    /// recalled or hidden.
    static let invisibleCount = """
        SELECT (
            SELECT count(*) FROM message
            WHERE conversationID = ?1 AND sequence >= ?3 AND senderID <> ?2 AND recalledAt IS NOT NULL
        ) + (
            SELECT count(*) FROM hiddenMessage AS hidden JOIN message ON message.id = messageID
            WHERE accountID = ?2 AND hidden.conversationID = ?1 AND messageID > ?4
            AND senderID <> ?2 AND recalledAt IS NULL
        )
        """

    /// Conversation, account, first sequence, end of the sequences.
    static let sentInRange = """
        SELECT count(*) FROM message WHERE conversationID = ?1 AND sequence >= ?3 AND sequence < ?4 AND senderID = ?2
        """

    /// Conversation, account, block.
    static let sentUpToBlock = """
        SELECT count FROM sentCount WHERE conversationID = ? AND senderID = ? AND block <= ? ORDER BY block DESC LIMIT 1
        """

    /// Conversation, sequence; who has sent how many after it.
    static let sentSince = """
        SELECT senderID, count(*) FROM message WHERE conversationID = ? AND sequence > ? GROUP BY senderID
        """

    /// Conversation, sender, block, what he has sent in it.
    static let recordSent = """
        INSERT INTO sentCount (conversationID, senderID, block, count)
        SELECT ?1, ?2, ?3, ?4 + ifnull((
            SELECT count FROM sentCount WHERE conversationID = ?1 AND senderID = ?2 ORDER BY block DESC LIMIT 1), 0)
        """
}
