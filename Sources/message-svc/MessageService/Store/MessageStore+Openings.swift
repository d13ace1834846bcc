import GRDB
import Shared
import SharedStorage

/// How accounts came into their conversations: kept as long as they take part, so that one who was away hears of it before
/// the first message, however long ago it was.
extension MessageStore {
    /// Lets accounts into a conversation, and keeps for each why, as far as it concerns it.
    struct Admission {
        private let conversation: ConversationID
        private let joinedAfter: MessageID
        private let reasons: OpeningReasons?
        /// The event that tells of it.
        private let number: Int64
        private let db: Database

        /// - Parameter transaction: publishes nothing before the event that tells of those who are let in.
        init(
            to conversation: ConversationID, after joinedAfter: MessageID, because reason: ConversationReason?,
            _ transaction: WriteTransaction
        ) {
            self.conversation = conversation
            self.joinedAfter = joinedAfter
            reasons = reason.flatMap(OpeningReasons.init)
            number = transaction.nextEvent
            db = transaction.db
        }

        /// - Returns: `false` for one who is in it already.
        func admit(_ account: AccountID) throws -> Bool {
            try db.cachedStatement(
                sql: """
                    INSERT INTO participant (conversationID, accountID, joinedAfter, opening) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """
            ).execute(arguments: [conversation, account, joinedAfter, number])
            guard db.changesCount == 1 else { return false }
            if let reasons {
                var bytes = WireWriter()
                reasons.reason(for: account).write(to: &bytes)
                try db.cachedStatement(sql: "INSERT INTO opening (accountID, conversationID, reason) VALUES (?, ?, ?)")
                    .execute(arguments: [account, conversation, Blob(bytes.bytes)])
            }
            return true
        }
    }

    /// Forgets how an account came into a conversation that it leaves.
    static func forgetOpening(of conversation: ConversationID, for account: AccountID, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM opening WHERE accountID = ? AND conversationID = ?")
            .execute(arguments: [account, conversation])
    }

    /// The open conversations an account came into when no message after a point had been sent yet, in their order.
    ///
    /// - Parameter last: those up to it are left out.
    static func openings(
        for account: AccountID, from point: MessageID, after last: Int64?, limit: Int, _ db: Database
    ) throws -> (openings: [MessageAPI.Opening], hasMore: Bool) {
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: openingPage),
            arguments: [account, point, last ?? .min, ConversationKind.private.rawValue, limit + 1])
        let openings = try Array(
            rows.map { row in
                MessageAPI.Opening(
                    number: row[0], conversation: row[1], peer: row[2],
                    reason: try (row[3] as Blob?).map { blob in
                        var reader = WireReader(blob.bytes)
                        return try ConversationReason(from: &reader)
                    })
            })
        return (Array(openings.prefix(limit)), openings.count > limit)
    }

    /// Account, the point, the last opening that is left out, what makes a conversation private, how many.
    static let openingPage = """
        SELECT joined.opening, joined.conversationID, CASE kind WHEN ?4 THEN (
            SELECT accountID FROM participant AS peer
            WHERE peer.conversationID = joined.conversationID AND accountID <> ?1 ORDER BY accountID LIMIT 1) END,
            reason
        FROM participant AS joined JOIN conversation ON conversation.id = joined.conversationID
        LEFT JOIN opening ON opening.accountID = joined.accountID AND opening.conversationID = joined.conversationID
        WHERE joined.accountID = ?1 AND joinedAfter >= ?2 AND joined.opening > ?3 AND closedAt IS NULL
        ORDER BY joined.opening LIMIT ?5
        """
}

/// Why accounts come into a conversation, as each of them will be told.
private struct OpeningReasons {
    private let reason: ConversationReason
    /// What was asked for each who joins a group.
    private let requests: [AccountID: [SocialAPI.JoinRequest]]
    private let invited: Set<AccountID>

    /// `nil` for what brings nobody in.
    init?(_ reason: ConversationReason) {
        self.reason = reason
        switch reason {
        case .friendshipBegan: (requests, invited) = ([:], [])
        case .membersJoined(let joined):
            requests = Dictionary(grouping: joined.settled, by: \.invited)
            invited = Set(joined.accounts)
        case .friendshipEnded, .membersLeft, .roleChanged, .announced, .joinRequested, .joinRefused: return nil
        }
    }

    func reason(for account: AccountID) -> ConversationReason {
        guard case .membersJoined(var joined) = reason else { return reason }
        joined.accounts = invited.contains(account) ? [account] : []
        // His own request, and the first of those who asked for him.
        let requests = requests[account] ?? []
        joined.settled = [requests.first { $0.inviter == account }, requests.first { $0.inviter != account }]
            .compactMap { $0 }
        return .membersJoined(joined)
    }
}
