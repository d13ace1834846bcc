import GRDB
import Shared
import SharedStorage

extension SocialStore {
    /// Bytes of remarks in one friend list, which holds them all by default. Of more those on the latest friends are left
    /// out: no friend may be missing, and ``friend(_:of:)`` tells each.
    static let maxShownRemarkBytes = 5 << 20

    /// Settles a pending request as accepted and its mirror image with it, makes the two friends, and owes message-svc
    /// their conversation with its greeting, which tells of the friendship.
    func accept(_ applicant: AccountID, by accepter: AccountID, now: Int64) async throws(ServiceError) -> Owed {
        try await database.write { [rules] transaction in
            try Self.accept(applicant, by: accepter, rules, now: now, transaction)
        }
    }

    /// Accepts or refuses a request that is named by its id.
    ///
    /// - Returns: the applicant, and after an acceptance what message-svc is owed.
    func decide(
        on request: FriendRequestID, accepting accepts: Bool, by account: AccountID, now: Int64
    ) async throws(ServiceError) -> (applicant: AccountID, owed: Owed?) {
        try await database.write { [rules] transaction in
            let filed = try rules.judgeDecision(by: account, on: try Self.filedRequest(request, transaction.db))
            guard accepts else {
                try Self.carryOut(Settlement(requests: [request], state: .refused), by: account, now: now, transaction)
                return (filed.applicant, nil)
            }
            return (filed.applicant, try Self.accept(filed.applicant, by: account, rules, now: now, transaction))
        }
    }

    private static func accept(
        _ applicant: AccountID, by accepter: AccountID, _ rules: FriendshipRules, now: Int64,
        _ transaction: WriteTransaction
    ) throws -> Owed {
        let db = transaction.db
        let settlement = try rules.judgeAcceptance(try relation(of: applicant, to: accepter, db))
        try carryOut(settlement, by: accepter, now: now, transaction)
        let conversation = try allocateConversation(.private, now: now, db)
        for (owner, friend) in [(applicant, accepter), (accepter, applicant)] {
            let group = try friendGroup(FriendGroups.defaultName, of: owner, db)
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
                greeting: FriendshipRules.greeting, greeter: accepter,
                reason: .friendshipBegan(
                    SocialAPI.FriendshipBegan(
                        applicant: applicant, accepter: accepter, conversation: conversation,
                        request: settlement.requests[0]))),
            to: .message)
        return Owed(conversation: conversation, effect: effect)
    }

    /// Ends a friendship in both directions and owes message-svc the closing of its conversation, which tells of it.
    func endFriendship(of account: AccountID, with friend: AccountID) async throws(ServiceError) -> Owed {
        try await database.write { transaction in
            let db = transaction.db
            guard let conversation = try Self.conversation(of: account, with: friend, db) else {
                throw ServiceError(.notFriends)
            }
            try db.execute(sql: "DELETE FROM friendship WHERE conversation = ?", arguments: [conversation])
            let effect = try transaction.owe(
                MessageAPI.CloseConversation(
                    conversation: conversation,
                    reason: .friendshipEnded(
                        SocialAPI.FriendshipEnded(account: account, friend: friend, conversation: conversation))),
                to: .message)
            return Owed(conversation: conversation, effect: effect)
        }
    }

    /// An account's friends by groups, as they are shown.
    func friendList(of owner: AccountID) async throws(ServiceError) -> [SocialAPI.FriendGroup] {
        try await database.read { db in
            // The key of a group is its id: two names that look alike may be equal as Swift strings.
            var friends: [Int64: [SocialAPI.Friend]] = [:]
            var room = Self.maxShownRemarkBytes
            // Conversation ids ascend with the friendships; the wall clock does not always.
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT friend, conversation, friendGroup, remark FROM friendship
                    WHERE owner = ? ORDER BY conversation
                    """, arguments: [owner])
            while let row = try rows.next() {
                var friend = Self.friend(row)
                room -= friend.remark.utf8.count
                if room < 0 { friend.remark = "" }
                friends[row["friendGroup"], default: []].append(friend)
            }
            var groups: [SocialAPI.FriendGroup] = []
            var lacksDefault = true
            let stored = try Row.fetchCursor(
                db, sql: "SELECT id, name, isDeleted FROM friendGroup WHERE owner = ?", arguments: [owner])
            while let row = try stored.next() {
                let name = (row["name"] as StoredText).text
                if name == FriendGroups.defaultName { lacksDefault = false }
                guard !row["isDeleted"] else { continue }
                groups.append(SocialAPI.FriendGroup(name: name, friends: friends[row["id"]] ?? []))
            }
            if lacksDefault { groups.append(SocialAPI.FriendGroup(name: FriendGroups.defaultName, friends: [])) }
            return FriendGroups.arranged(groups)
        }
    }

    /// One friend as the owner of the list sees him.
    func friend(_ friend: AccountID, of owner: AccountID) async throws(ServiceError) -> SocialAPI.Friend {
        try await database.read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT friend, conversation, remark FROM friendship WHERE owner = ? AND friend = ?",
                arguments: [owner, friend])
            guard let row else { throw ServiceError(.notFriends) }
            return Self.friend(row)
        }
    }

    /// Changes what an account calls a friend.
    func set(remark: String, on friend: AccountID, of owner: AccountID) async throws(ServiceError) {
        try await database.write { [rules] transaction in
            try rules.judgeRemark(
                remark, areFriends: try Self.conversation(of: owner, with: friend, transaction.db) != nil)
            try transaction.db.execute(
                sql: "UPDATE friendship SET remark = ? WHERE owner = ? AND friend = ?",
                arguments: [StoredText(remark), owner, friend])
        }
    }

    private static func friend(_ row: Row) -> SocialAPI.Friend {
        SocialAPI.Friend(
            account: row["friend"], conversation: row["conversation"], remark: (row["remark"] as StoredText).text)
    }
}
