import GRDB
import Shared
import SharedStorage

/// Whom an account wants to hear nothing of. What somebody asks of one who has blocked him is withheld as long as the block
/// stands, so that no friendship begins under a block, and nobody learns of one.
extension SocialStore {
    /// Blocks an account, settles what is pending between the two, and owes message-svc its silence when they are friends.
    ///
    /// - Returns: what message-svc is owed; nothing when they are no friends, or when it is blocked already.
    func block(_ target: AccountID, by account: AccountID, now: Int64) async throws(ServiceError) -> Owed? {
        try await database.write { [rules] transaction in
            let db = transaction.db
            let count = try db.cachedStatement(sql: "SELECT count(*) FROM block WHERE account = ?")
                .fetchOne(Int.self, [account])
            let isNew = try rules.judgeBlock(
                of: target, by: account, isBlocked: try Self.isBlocked(target, by: account, db), blockCount: count ?? 0)
            guard isNew else { return nil }
            try db.execute(
                sql: "INSERT INTO block (account, target, blockedAt) VALUES (?, ?, ?)",
                arguments: [account, target, now])
            for settlement in rules.settlements(ofBlock: try Self.relation(of: account, to: target, db)) {
                try Self.carryOut(settlement, by: account, now: now, transaction)
            }
            // Nor does the other bring him into a group any more.
            try db.execute(
                sql: """
                    UPDATE joinRequest SET state = 'cancelled', decidedAt = ?
                    WHERE invited = ? AND inviter = ? AND state = 'pending'
                    """, arguments: [now, account, target])
            return try Self.change(silence: true, of: target, towards: account, transaction)
        }
    }

    /// Lifts a block, announces what was withheld because of it, and owes message-svc the end of the silence when the two are friends.
    ///
    /// - Returns: what message-svc is owed; nothing when they are no friends, or when there was no block.
    func unblock(_ target: AccountID, by account: AccountID) async throws(ServiceError) -> Owed? {
        try await database.write { transaction in
            guard try Self.isBlocked(target, by: account, transaction.db) else { return nil }
            try Self.liftBlock(of: target, by: account, transaction)
            return try Self.change(silence: false, of: target, towards: account, transaction)
        }
    }

    /// The accounts an account has blocked, the latest first.
    func blocks(of account: AccountID) async throws(ServiceError) -> [AccountID] {
        try await database.read { db in
            try AccountID.fetchAll(
                db, sql: "SELECT target FROM block WHERE account = ? ORDER BY id DESC", arguments: [account])
        }
    }
}

// MARK: - Shared by the transactions

extension SocialStore {
    /// Whether an account is blocked by another.
    static func isBlocked(_ target: AccountID, by account: AccountID, _ db: Database) throws -> Bool {
        try db.cachedStatement(sql: "SELECT 1 FROM block WHERE account = ? AND target = ?")
            .fetchOne(Int64.self, [account, target]) != nil
    }

    /// Deletes a block, if there is one, and announces the request that was withheld because of it; what is owed for the
    /// block is the caller's business.
    static func liftBlock(of target: AccountID, by account: AccountID, _ transaction: WriteTransaction) throws {
        try transaction.db.cachedStatement(sql: "DELETE FROM block WHERE account = ? AND target = ?")
            .execute(arguments: [account, target])
        let withheld = try transaction.db.cachedStatement(
            sql: """
                UPDATE friendRequest SET isShown = 1
                WHERE applicant = ? AND target = ? AND state = 'pending' AND isShown = 0 RETURNING id, message
                """)
        for row in try Row.fetchAll(withheld, arguments: [target, account]) {
            try transaction.publish(
                SocialAPI.FriendshipRequested(
                    request: row["id"], applicant: target, target: account,
                    message: (row["message"] as StoredText).text))
        }
    }

    /// Deletes every block of an account that is gone, and owes message-svc the end of each silence.
    static func liftBlocks(by account: AccountID, _ transaction: WriteTransaction) throws {
        let targets = try AccountID.fetchAll(
            transaction.db, sql: "SELECT target FROM block WHERE account = ? ORDER BY id", arguments: [account])
        for target in targets {
            try liftBlock(of: target, by: account, transaction)
            _ = try change(silence: false, of: target, towards: account, transaction)
        }
    }

    /// Owes message-svc that an account may not write to another in private, or may again.
    ///
    /// - Returns: nothing when the two have no conversation.
    private static func change(
        silence isSilenced: Bool, of target: AccountID, towards account: AccountID, _ transaction: WriteTransaction
    ) throws -> Owed? {
        guard let conversation = try conversation(of: account, with: target, transaction.db) else { return nil }
        let effect = try transaction.owe(
            MessageAPI.ChangeSilence(conversation: conversation, account: target, isSilenced: isSilenced),
            to: .message)
        return Owed(conversation: conversation, effect: effect)
    }
}
