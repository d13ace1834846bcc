import GRDB
import Shared
import SharedStorage

extension SocialStore {
    /// Settles a pending request as accepted and its mirror image with it, makes the two friends, and owes message-svc
    /// their conversation with its greeting; the friendship is announced when that is open.
    func accept(_ applicant: AccountID, by accepter: AccountID, now: Int64) async throws(ServiceError) -> Owed {
        try await database.write { [rules] transaction in
            let db = transaction.db
            let relation = try Self.relation(of: applicant, to: accepter, db)
            try Self.carryOut(try rules.judgeAcceptance(relation), now: now, db)
            let conversation = try Self.allocateConversation(.private, now: now, db)
            for (owner, friend) in [(applicant, accepter), (accepter, applicant)] {
                let group = try Self.friendGroup(FriendGroups.defaultName, of: owner, db)
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
            return Owed(conversation: conversation, effect: effect)
        }
    }

    /// Ends a friendship in both directions and owes message-svc the closing of its conversation; the end is announced
    /// when that is closed.
    func endFriendship(of account: AccountID, with friend: AccountID) async throws(ServiceError) -> Owed {
        try await database.write { transaction in
            let db = transaction.db
            let conversation = try db.cachedStatement(
                sql: "SELECT conversation FROM friendship WHERE owner = ? AND friend = ?"
            ).fetchOne(ConversationID.self, [account, friend])
            guard let conversation else { throw ServiceError(.notFriends) }
            try db.execute(sql: "DELETE FROM friendship WHERE conversation = ?", arguments: [conversation])
            let effect = try transaction.owe(
                MessageAPI.CloseConversation(conversation: conversation), to: .message,
                thenPublish: SocialAPI.FriendshipEnded(account: account, friend: friend, conversation: conversation))
            return Owed(conversation: conversation, effect: effect)
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
            ).map { row in
                SocialAPI.FriendGroup(name: (row["name"] as StoredText).text, friends: friends[row["id"]] ?? [])
            }
            return FriendGroups.arranged(groups)
        }
    }
}
