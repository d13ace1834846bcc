import GRDB
import Shared
import SharedStorage

extension SocialStore {
    /// Takes note of the end of an account: it is remembered, what it asked or was asked for lapses, whom it has blocked
    /// is blocked no more, and it leaves its groups. Its friendships stay until the friends end them.
    ///
    /// Succeeds for every account, and changes nothing when it is repeated.
    static func cancel(_ account: AccountID, now: Int64, _ transaction: WriteTransaction) throws {
        let db = transaction.db
        try db.execute(
            sql: "INSERT INTO cancelledAccount (account, cancelledAt) VALUES (?, ?) ON CONFLICT DO NOTHING",
            arguments: [account, now])
        let lapsed = try FriendRequestID.fetchAll(
            db,
            sql: """
                SELECT id FROM friendRequest WHERE applicant = :account AND state = 'pending'
                UNION ALL SELECT id FROM friendRequest WHERE target = :account AND state = 'pending' ORDER BY id
                """, arguments: ["account": account])
        try carryOut(Settlement(requests: lapsed, state: .cancelled), by: account, now: now, transaction)
        for party in ["inviter", "invited"] {
            try db.execute(
                sql: """
                    UPDATE joinRequest SET state = 'cancelled', decidedAt = ? WHERE \(party) = ? AND state = 'pending'
                    """, arguments: [now, account])
        }
        try liftBlocks(by: account, transaction)
        let memberships = try Row.fetchAll(
            db, sql: "SELECT conversation, role FROM member WHERE account = ? ORDER BY conversation",
            arguments: [account])
        for membership in memberships {
            try leaveForGood(
                membership["conversation"], account, as: membership["role"], now: now, transaction)
        }
    }

    /// Takes an account that is gone out of a group, which passes to another if it was its owner's; nobody waits for it.
    private static func leaveForGood(
        _ conversation: ConversationID, _ account: AccountID, as role: SocialAPI.Role, now: Int64,
        _ transaction: WriteTransaction
    ) throws {
        // Admins sort before members, and each by when they joined.
        let heir = try AccountID.fetchOne(
            transaction.db,
            sql: "SELECT account FROM member WHERE conversation = ? AND account <> ? ORDER BY role, id LIMIT 1",
            arguments: [conversation, account])
        guard let heir else {
            return try dissolve(conversation, leftBy: account, now: now, transaction)
        }
        _ = try remove([account], from: conversation, by: account, transaction)
        if role == .owner { try change(heir, in: conversation, to: .owner, transaction) }
    }

    /// Ends a group with its last member.
    private static func dissolve(
        _ conversation: ConversationID, leftBy account: AccountID, now: Int64, _ transaction: WriteTransaction
    ) throws {
        let db = transaction.db
        try db.execute(sql: "DELETE FROM member WHERE conversation = ?", arguments: [conversation])
        try db.execute(
            sql: """
                UPDATE joinRequest SET state = 'cancelled', decidedAt = ?
                WHERE conversation = ? AND state = 'pending'
                """, arguments: [now, conversation])
        try db.execute(
            sql: "UPDATE chatGroup SET dissolvedAt = ? WHERE conversation = ?", arguments: [now, conversation])
        _ = try transaction.owe(
            MessageAPI.CloseConversation(
                conversation: conversation,
                reason: .membersLeft(
                    SocialAPI.MembersLeft(
                        conversation: conversation, name: try name(of: conversation, db), accounts: [account],
                        operator: account))),
            to: .message)
    }
}
