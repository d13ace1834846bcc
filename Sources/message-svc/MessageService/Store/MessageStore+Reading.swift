import GRDB
import Shared
import SharedStorage

extension MessageStore {
    /// The newest messages before a point, oldest first, and how far everyone has read.
    func history(_ request: MessageAPI.History) async throws(ServiceError) -> MessageAPI.History.Reply {
        try await database.read { db in
            guard let membership = try Self.membership(of: request.account, in: request.conversation, db) else {
                throw ServiceError(.notParticipant)
            }
            let end =
                try request.before.map {
                    try Self.firstSequence(of: request.conversation, after: MessageID($0.rawValue - 1), db)
                } ?? .max
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(Self.messageColumns), \(Self.replyCount)
                    FROM message JOIN conversation ON conversation.id = message.conversationID
                    WHERE message.conversationID = ?1 AND sequence < ?2 AND \(Self.isVisible(to: "?3"))
                    ORDER BY sequence DESC LIMIT ?4
                    """)
            var newestFirst = try Row.fetchAll(
                statement, arguments: [request.conversation, end, request.account, request.limit + 1]
            ).map(Self.listedMessage)
            let hasMore = newestFirst.count > Int(request.limit)
            if hasMore { newestFirst.removeLast() }
            let readIndexes = try Row.fetchAll(
                db, sql: "SELECT accountID, readIndex FROM participant WHERE conversationID = ? ORDER BY accountID",
                arguments: [request.conversation]
            ).map { ReadIndex(account: $0[0], message: $0[1]) }
            return MessageAPI.History.Reply(
                messages: newestFirst.reversed(), hasMore: hasMore, readIndexes: readIndexes,
                unreadCount: try Self.unreadCount(
                    of: request.account, in: request.conversation,
                    after: max(membership.joinedAfter, membership.readIndex), db))
        }
    }

    /// The open conversations of an account with what is unread in each.
    func conversations(of account: AccountID) async throws(ServiceError) -> [MessageAPI.Conversations.Entry] {
        try await database.read { db in
            let peer = try db.cachedStatement(
                sql: "SELECT accountID FROM participant WHERE conversationID = ? AND accountID <> ?")
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT conversationID, kind, joinedAfter, readIndex
                    FROM participant JOIN conversation ON conversation.id = conversationID
                    WHERE accountID = ? AND closedAt IS NULL ORDER BY conversationID
                    """, arguments: [account])
            return try rows.map { row in
                let conversation: ConversationID = row[0]
                guard let kind = ConversationKind(rawValue: row[1]) else { throw ServiceError(.internal) }
                return MessageAPI.Conversations.Entry(
                    conversation: conversation, kind: kind,
                    peer: kind == .private ? try AccountID.fetchOne(peer, arguments: [conversation, account]) : nil,
                    unreadCount: try Self.unreadCount(
                        of: account, in: conversation, after: max(row[2] as MessageID, row[3]), db))
            }
        }
    }

    /// What a push connection needs before it goes live, all from one snapshot.
    func attach(_ request: MessageAPI.Attach, limit: Int) async throws(ServiceError) -> MessageAPI.Attach.Reply {
        try await database.read { db in
            let missed = try request.since.map {
                try Self.messages(of: request.account, after: $0, limit: limit, db)
            }
            return MessageAPI.Attach.Reply(
                position: try ServiceDatabase.head(db),
                conversations: try Self.memberships(of: request.account, db).map(\.conversation),
                missed: missed?.messages.map(\.message) ?? [], hasMore: missed?.hasMore ?? false)
        }
    }

    /// Messages of all conversations of an account after a point, in id order.
    ///
    /// `last` is the newest message looked at, visible or not: the point to go on from.
    static func messages(
        of account: AccountID, after point: MessageID, limit: Int, _ db: Database
    ) throws -> (messages: [ListedMessage], last: MessageID, hasMore: Bool) {
        // The ids alone come from the index; only those that make it into the page are loaded.
        var ids: [MessageID] = []
        let idsInOrder = try db.cachedStatement(
            sql: "SELECT id FROM message WHERE conversationID = ? AND sequence >= ? ORDER BY sequence LIMIT ?")
        for (conversation, joinedAfter) in try memberships(of: account, db) {
            let first = try firstSequence(of: conversation, after: max(point, joinedAfter), db)
            ids += try MessageID.fetchAll(idsInOrder, arguments: [conversation, first, limit + 1])
        }
        ids.sort()
        let page = ids.prefix(limit)
        let load = try db.cachedStatement(
            sql: """
                SELECT \(messageColumns), \(replyCount)
                FROM message JOIN conversation ON conversation.id = message.conversationID
                WHERE message.id = ?1 AND \(isVisible(to: "?2"))
                """)
        let messages = try page.compactMap { id in
            try Row.fetchOne(load, arguments: [id, account]).map(listedMessage)
        }
        return (messages, page.last ?? point, ids.count > page.count)
    }

    private static func memberships(
        of account: AccountID, _ db: Database
    ) throws -> [(conversation: ConversationID, joinedAfter: MessageID)] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT conversationID, joinedAfter
                FROM participant JOIN conversation ON conversation.id = conversationID
                WHERE accountID = ? AND closedAt IS NULL
                """)
        return try Row.fetchAll(statement, arguments: [account]).map { ($0[0], $0[1]) }
    }

    private static let replyCount = """
        (SELECT count(*) FROM message AS reply WHERE reply.replyTo = message.id AND reply.recalledAt IS NULL)
        """

    private static func isVisible(to account: String) -> String {
        """
        message.recalledAt IS NULL
        AND NOT EXISTS (SELECT 1 FROM hiddenMessage WHERE accountID = \(account) AND messageID = message.id)
        """
    }

    private static func listedMessage(_ row: Row) throws -> ListedMessage {
        ListedMessage(message: try message(row), replyCount: row[8])
    }
}
