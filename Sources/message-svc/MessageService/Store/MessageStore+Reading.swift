import GRDB
import Shared
import SharedStorage

extension MessageStore {
    /// Bytes of text in one page; a page that is cut by it says that there is more.
    static let maxPageBytes = 4 << 20
    /// Bytes of what was missed and the conversations in one answer to a push connection.
    static let maxAttachedBytes = 8 << 20
    /// Conversations of one list, so that their entries fit into an answer beside a page of text.
    static let maxConversations = 20_000
    /// Characters that are left at most of a last message in a list of conversations beyond that many bytes.
    static let maxShortened = 255

    /// The newest messages before a point that pass the filters, oldest first, and how far everyone has read.
    ///
    /// `before` and the times are turned into sequences by halves, so that a page costs the same in a long history.
    /// Senders are looked for from the newest message of that range on, until the page is full.
    ///
    /// - Throws: ``ServiceError/Code/notParticipant``.
    static func history(_ request: MessageAPI.History, _ db: Database) throws -> MessageAPI.History.Reply {
        guard let membership = try membership(of: request.account, in: request.conversation, db) else {
            throw ServiceError(.notParticipant)
        }
        let range = try range(of: request, db)
        let senders = request.senders.map { "[" + $0.map(\.description).joined(separator: ",") + "]" }
        let page = try Row.fetchCursor(
            db.cachedStatement(sql: historyPage),
            arguments: [
                request.conversation, range.lowerBound, range.upperBound, senders, request.account,
                request.limit + 1,
            ])
        // Row by row: an array of rows would copy every value once more.
        var newestFirst = try Array(page.map(listedMessage))
        let found = newestFirst.count
        newestFirst = Array(newestFirst.prefix(Int(request.limit)).prefix(textBytes: maxPageBytes))
        let participants = try db.cachedStatement(
            sql: "SELECT accountID, readIndex FROM participant WHERE conversationID = ? ORDER BY accountID")
        let readIndexes = try Array(
            Row.fetchCursor(participants, arguments: [request.conversation])
                .map { ReadIndex(account: $0[0], message: $0[1]) })
        let unreadCount =
            request.includesUnread
            ? try Self.unreadCount(
                of: request.account, in: request.conversation,
                after: max(membership.joinedAfter, membership.readIndex),
                newest: try newest(in: request.conversation, db), db) : nil
        return MessageAPI.History.Reply(
            messages: newestFirst.reversed(), hasMore: newestFirst.count < found, readIndexes: readIndexes,
            unreadCount: unreadCount)
    }

    /// The open conversations of an account with what is unread in each and, if that is wanted, said last.
    ///
    /// - Parameter limit: how many there may be; of more, those are left out of which nothing was heard for longest.
    static func conversations(
        of account: AccountID, includesLast: Bool, limit: Int = maxConversations, _ db: Database
    ) throws -> [MessageAPI.Conversations.Entry] {
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: conversationList), arguments: [account, limit, ConversationKind.private.rawValue])
        var entries = try Array(
            rows.map { row in
                let conversation: ConversationID = row[0]
                let newest = Place(sequence: row[3], message: row[4])
                return MessageAPI.Conversations.Entry(
                    conversation: conversation, kind: try kind(row[1]), peer: row[5],
                    unreadCount: try unreadCount(of: account, in: conversation, after: row[2], newest: newest, db),
                    last: nil)
            })
        if includesLast {
            let last = try lastMessages(visibleTo: account, in: entries.map(\.conversation), db)
            for index in entries.indices { entries[index].last = last[entries[index].conversation] }
        }
        return entries
    }

    /// The last message of each conversation that an account can see; shortened, those quiet longest first, as soon as
    /// all would be more than ``maxPageBytes`` of text.
    private static func lastMessages(
        visibleTo account: AccountID, in conversations: [ConversationID], _ db: Database
    ) throws -> [ConversationID: Message] {
        let find = try db.cachedStatement(sql: lastMessage)
        let newestFirst = try conversations.compactMap { conversation in
            try Row.fetchOne(find, arguments: [conversation, account]).map { row in
                (id: row[0] as MessageID, bytes: row[1] as Int)
            }
        }.sorted { $0.id > $1.id }
        // What the longest shortened text needs is kept free for everyone; the newest share the rest.
        let maxShortened = min(Self.maxShortened, maxPageBytes / 4 / max(1, newestFirst.count))
        let maxShortenedBytes = 4 * maxShortened
        var room = newestFirst.reduce(maxPageBytes) { $0 - min($1.bytes, maxShortenedBytes) }
        let load = try db.cachedStatement(
            sql: """
                SELECT \(messageColumns) FROM message JOIN conversation ON conversation.id = message.conversationID
                WHERE message.id = ?
                """)
        var messages: [ConversationID: Message] = [:]
        for (id, bytes) in newestFirst {
            guard let row = try Row.fetchOne(load, arguments: [id]) else { continue }
            var last = try message(row)
            room -= max(0, bytes - maxShortenedBytes)
            if room < 0 { last.text = String(String.UnicodeScalarView(last.text.unicodeScalars.prefix(maxShortened))) }
            messages[last.conversation] = last
        }
        return messages
    }

    /// What a push connection needs before it goes live, all from one snapshot.
    ///
    /// - Parameter maxBytes: what all of it may take together; when it takes more, the conversations come with the next
    ///   page, alone.
    static func attach(
        _ request: MessageAPI.Attach, limit: Int, maxBytes: Int = maxAttachedBytes, _ db: Database
    ) throws -> MessageAPI.Attach.Reply {
        let point: MessageID? =
            switch request.missed {
            case .none: nil
            case .after(let message): message
            case .unnoticed: try position(of: .notice, for: request.account, db)
            }
        var reply = MessageAPI.Attach.Reply(
            position: try ServiceDatabase.head(db), conversations: [], missed: [], hasMore: false,
            last: try MessageID.fetchOne(db, sql: "SELECT max(id) FROM message") ?? MessageID(0), openings: [])
        if let point {
            (reply.openings, reply.hasMore) = try openings(
                for: request.account, from: point, after: request.lastOpening, limit: limit, db)
            guard !reply.hasMore else { return reply }
            let missed = try messages(of: request.account, after: point, limit: limit, db)
            reply.missed = missed.messages.map(\.message)
            reply.hasMore = missed.hasMore
            guard !reply.hasMore else { return reply }
        }
        let conversations = try memberships(of: request.account, db).map(\.conversation)
        let bytes =
            reply.openings.reduce(0) { $0 + $1.wireBytes.count } + reply.missed.reduce(0) { $0 + $1.text.utf8.count }
        if bytes > 0, bytes + conversations.count * MemoryLayout<Int64>.size > maxBytes {
            reply.hasMore = true
        } else {
            reply.conversations = conversations
        }
        return reply
    }

    /// Messages of all conversations of an account after a point, in id order; none only when there are no more.
    static func messages(
        of account: AccountID, after point: MessageID, limit: Int, _ db: Database
    ) throws -> Page {
        var page = try nextMessages(of: account, after: point, limit: limit, db)
        while page.messages.isEmpty, page.hasMore {
            // All of them hidden or recalled: whoever goes on from the last message he got would never get on.
            page = try nextMessages(of: account, after: page.last, limit: limit, db)
        }
        return page
    }

    /// What is visible of the next `limit` messages.
    private static func nextMessages(
        of account: AccountID, after point: MessageID, limit: Int, _ db: Database
    ) throws -> Page {
        // The ids alone come from the index; only those that make it into the page are loaded.
        var ids: [MessageID] = []
        let idsInOrder = try db.cachedStatement(
            sql: "SELECT id FROM message WHERE conversationID = ? AND sequence >= ? ORDER BY sequence LIMIT ?")
        for (conversation, joinedAfter) in try memberships(of: account, db) {
            let first = try firstSequence(of: conversation, after: max(point, joinedAfter), db)
            ids += try MessageID.fetchAll(idsInOrder, arguments: [conversation, first, limit + 1])
            // However many conversations there are, a few pages of ids are kept at most.
            if ids.count > 16 * (limit + 1) {
                ids.sort()
                ids.removeLast(ids.count - limit - 1)
            }
        }
        ids.sort()
        let load = try db.cachedStatement(
            sql: """
                SELECT \(messageColumns), \(replyCount)
                FROM message JOIN conversation ON conversation.id = message.conversationID
                WHERE message.id = ?1 AND \(isVisible(to: "?2"))
                """)
        // Beyond the limit a conversation may have more than was asked for, so no id after it counts.
        var page = Page(messages: [], last: point, hasMore: ids.count > limit)
        var room = maxPageBytes
        for id in ids.prefix(limit) {
            guard room > 0 else {
                page.hasMore = true
                break
            }
            page.last = id
            guard let listed = try Row.fetchOne(load, arguments: [id, account]).map(listedMessage) else { continue }
            room -= listed.message.text.utf8.count
            page.messages.append(listed)
        }
        return page
    }

    /// The sequences that `before` and the times of a request leave.
    private static func range(of request: MessageAPI.History, _ db: Database) throws -> Range<Int64> {
        let conversation = request.conversation
        var first: Int64 = 1
        var end = Int64.max
        if let from = request.sentFrom {
            first = try firstSequence(of: conversation, .sentAt, where: { $0 >= from }, db)
        }
        if let until = request.sentUntil {
            end = try firstSequence(of: conversation, .sentAt, where: { $0 > until }, db)
        }
        if let before = request.before {
            end = min(end, try firstSequence(of: conversation, .id, where: { $0 >= before.rawValue }, db))
        }
        return first..<max(first, end)
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
        return try Array(Row.fetchCursor(statement, arguments: [account]).map { ($0[0], $0[1]) })
    }

    /// Conversation, first sequence, end of the sequences, senders or null, account, limit; newest first.
    static let historyPage = """
        SELECT \(messageColumns), \(replyCount)
        FROM message JOIN conversation ON conversation.id = message.conversationID
        WHERE message.conversationID = ?1 AND sequence >= ?2 AND sequence < ?3
        AND (?4 IS NULL OR senderID IN (SELECT value FROM json_each(?4)))
        AND \(isVisible(to: "?5"))
        ORDER BY sequence DESC LIMIT ?6
        """

    /// Conversation, account; the last message and the bytes of its text.
    static let lastMessage = """
        SELECT id, length(text) FROM message WHERE conversationID = ?1 AND \(isVisible(to: "?2"))
        ORDER BY sequence DESC LIMIT 1
        """

    /// Account, how many, what makes a conversation private. Of more than so many, those are left out of which nothing
    /// was heard for longest: no message, nor that the account was brought in.
    ///
    /// For each: what the account has read or found, the last message (0 and 0 when there is none), and the other person
    /// of a private conversation.
    static let conversationList = """
        SELECT conversationID, kind, point, lastSequence, lastMessage, CASE kind WHEN ?3 THEN (
            SELECT accountID FROM participant AS peer
            WHERE peer.conversationID = listed.conversationID AND accountID <> ?1 ORDER BY accountID LIMIT 1) END
        FROM (
            SELECT participant.conversationID, kind, max(joinedAfter, readIndex) AS point,
                ifnull(last.sequence, 0) AS lastSequence, ifnull(last.id, 0) AS lastMessage
            FROM participant JOIN conversation ON conversation.id = participant.conversationID
            LEFT JOIN message AS last ON last.conversationID = participant.conversationID AND last.sequence = (
                SELECT max(sequence) FROM message WHERE conversationID = participant.conversationID)
            WHERE accountID = ?1 AND closedAt IS NULL
            ORDER BY max(joinedAfter, ifnull(last.id, 0)) DESC, participant.conversationID DESC LIMIT ?2
        ) AS listed
        ORDER BY conversationID
        """

    /// How many replies to a row of `message` are not recalled.
    static let replyCount = """
        (SELECT count(*) FROM message AS reply WHERE reply.replyTo = message.id AND reply.recalledAt IS NULL)
        """

    /// Whether a row of `message` is neither recalled nor hidden from an account.
    static func isVisible(to account: String) -> String {
        """
        message.recalledAt IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM hiddenMessage
            WHERE accountID = \(account) AND conversationID = message.conversationID AND messageID = message.id)
        """
    }

    private static func listedMessage(_ row: Row) throws -> ListedMessage {
        ListedMessage(message: try message(row), replyCount: row[8])
    }
}

extension Collection<ListedMessage> {
    /// As many messages from the front as have at most this many bytes of text together; at least one.
    fileprivate func prefix(textBytes: Int) -> SubSequence {
        var room = textBytes
        return prefix { listed in
            defer { room -= listed.message.text.utf8.count }
            return room > 0
        }
    }
}
