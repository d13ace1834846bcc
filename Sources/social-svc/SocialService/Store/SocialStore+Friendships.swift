import GRDB
import Shared
import SharedStorage

extension SocialStore {
    /// A friendship that is committed here and owed to message-svc.
    struct Acceptance: Sendable {
        var conversation: ConversationID
        /// The number of the effect that opens the conversation.
        var effect: Int64
    }

    /// Settles a pending request as accepted and its mirror image with it, makes the two friends, and owes message-svc
    /// their conversation with its greeting; the friendship is announced when that is open.
    func accept(_ applicant: AccountID, by accepter: AccountID, now: Int64) async throws(ServiceError) -> Acceptance {
        try await database.write { [rules] transaction in
            let db = transaction.db
            let relation = try Self.relation(of: applicant, to: accepter, db)
            try Self.carryOut(try rules.judgeAcceptance(relation), now: now, db)
            let conversation = try Self.allocateConversation(.private, now: now, db)
            for (owner, friend) in [(applicant, accepter), (accepter, applicant)] {
                let group = try Self.defaultGroup(of: owner, db)
                try db.execute(
                    sql: """
                        INSERT INTO friendship (owner, friend, conversation, friendGroup, since)
                        VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [owner, friend, conversation, group, now])
            }
            let effect = try transaction.owe(
                MessageAPI.OpenConversation(
                    conversation: conversation, conversationKind: .private, participants: [applicant, accepter],
                    greeting: FriendshipRules.greeting, greeter: accepter),
                to: .message,
                thenPublish: SocialAPI.FriendshipBegan(
                    applicant: applicant, accepter: accepter, conversation: conversation))
            return Acceptance(conversation: conversation, effect: effect)
        }
    }

    /// An account's friends by groups, as they are shown.
    func friendList(of owner: AccountID) async throws(ServiceError) -> [SocialAPI.FriendGroup] {
        try await database.read { db in
            // The key of a group is its id: two names that look alike may be equal as Swift strings.
            var friends: [Int64: [SocialAPI.Friend]] = [:]
            // Conversation ids ascend with the friendships; the wall clock does not always.
            let rows = try Row.fetchCursor(
                db,
                sql: "SELECT friend, conversation, friendGroup FROM friendship WHERE owner = ? ORDER BY conversation",
                arguments: [owner])
            while let row = try rows.next() {
                friends[row["friendGroup"], default: []].append(
                    SocialAPI.Friend(account: row["friend"], conversation: row["conversation"]))
            }
            let groups = try Row.fetchAll(
                db, sql: "SELECT id, name FROM friendGroup WHERE owner = ?", arguments: [owner]
            ).map { row in SocialAPI.FriendGroup(name: row["name"], friends: friends[row["id"]] ?? []) }
            return FriendGroups.arranged(groups)
        }
    }

    private static func allocateConversation(
        _ kind: ConversationKind, now: Int64, _ db: Database
    ) throws -> ConversationID {
        try db.execute(
            sql: "INSERT INTO conversation (kind, createdAt) VALUES (?, ?)", arguments: [Int64(kind.rawValue), now])
        return ConversationID(db.lastInsertedRowID)
    }

    /// The default group of an account, made when there is none.
    private static func defaultGroup(of owner: AccountID, _ db: Database) throws -> Int64? {
        try db.execute(
            sql: "INSERT INTO friendGroup (owner, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
            arguments: [owner, FriendGroups.defaultName])
        return try Int64.fetchOne(
            db, sql: "SELECT id FROM friendGroup WHERE owner = ? AND name = ?",
            arguments: [owner, FriendGroups.defaultName])
    }
}
