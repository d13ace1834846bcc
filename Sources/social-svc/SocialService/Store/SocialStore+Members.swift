import GRDB
import Shared
import SharedStorage

/// What owner, admins and members do in a group.
extension SocialStore {
    /// Stores an announcement and has it told.
    func announce(
        _ body: String, by author: AccountID, in conversation: ConversationID, now: Int64
    ) async throws(ServiceError) -> AnnouncementID {
        try await database.write { [groupRules] transaction in
            let db = transaction.db
            try groupRules.judgeAnnouncement(body, by: try Self.role(of: author, in: conversation, db))
            try db.execute(
                sql: "INSERT INTO announcement (conversation, author, body, publishedAt) VALUES (?, ?, ?, ?)",
                arguments: [conversation, author, StoredText(body), now])
            let announcement = AnnouncementID(db.lastInsertedRowID)
            let announced = SocialAPI.Announced(
                conversation: conversation,
                announcement: SocialAPI.Announcement(id: announcement, author: author, body: body, publishedAt: now))
            try Self.tell(conversation, .announced(announced), transaction)
            return announcement
        }
    }

    /// Makes members admins and has each told who was none.
    func appoint(
        _ accounts: [AccountID], by owner: AccountID, in conversation: ConversationID
    ) async throws(ServiceError) {
        try await database.write { [groupRules] transaction in
            let view = try Self.view(of: conversation, for: owner, naming: accounts, transaction.db)
            for account in try groupRules.judgeAppointment(of: accounts, view) {
                try Self.change(account, in: conversation, to: .admin, transaction)
            }
        }
    }

    /// Gives a group another owner and has both new roles told.
    func transfer(
        _ conversation: ConversationID, from owner: AccountID, to heir: AccountID
    ) async throws(ServiceError) {
        try await database.write { [groupRules] transaction in
            let view = try Self.view(of: conversation, for: owner, naming: [heir], transaction.db)
            guard try groupRules.judgeTransfer(to: heir, view) else { return }
            // In this order there are never two owners, which the schema refuses.
            try Self.change(owner, in: conversation, to: .admin, transaction)
            try Self.change(heir, in: conversation, to: .owner, transaction)
        }
    }

    /// Ends an account's own membership.
    func leave(_ conversation: ConversationID, _ account: AccountID) async throws(ServiceError) -> Owed {
        try await database.write { [groupRules] transaction in
            try groupRules.judgeLeaving(try Self.role(of: account, in: conversation, transaction.db))
            return try Self.remove([account], from: conversation, by: account, transaction)
        }
    }

    /// Ends the memberships of others.
    ///
    /// - Returns: what message-svc is owed; nothing when nobody was named.
    func removeMembers(
        _ accounts: [AccountID], from conversation: ConversationID, by actor: AccountID
    ) async throws(ServiceError) -> Owed? {
        try await database.write { [groupRules] transaction in
            let view = try Self.view(of: conversation, for: actor, naming: accounts, transaction.db)
            try groupRules.judgeRemoval(of: accounts, view)
            guard !accounts.isEmpty else { return nil }
            return try Self.remove(accounts, from: conversation, by: actor, transaction)
        }
    }
}
