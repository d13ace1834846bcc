import GRDB
import Shared
import SharedStorage

/// Groups as such: how they begin, and what they show.
extension SocialStore {
    /// Bytes of announcements in one answer; what does not fit is left out, the oldest first, so that nobody can write so
    /// much that the group cannot be shown any more.
    static let maxShownAnnouncementBytes = 2 << 20

    /// Creates a group of an account and friends of its, and owes message-svc the conversation, which tells its members.
    ///
    /// - Parameter creation: names nobody twice.
    /// - Returns: the group, and what message-svc is owed.
    func createGroup(
        _ creation: SocialAPI.CreateGroup, now: Int64
    ) async throws(ServiceError) -> (group: SocialAPI.GroupInfo, owed: Owed) {
        try await database.write { [groupRules] transaction in
            let db = transaction.db
            let (creator, friends) = (creation.creator, creation.friends)
            try groupRules.judgeCreation(
                creation, try Self.acquaintances(of: creator, among: friends, db),
                isHandleTaken: try creation.handle.map { try Self.isTaken($0, db) } ?? false)
            let conversation = try Self.allocateConversation(.group, now: now, db)
            let handle = creation.handle ?? GroupRules.defaultHandle(of: conversation)
            try db.execute(
                sql: """
                    INSERT INTO chatGroup (conversation, name, foldedName, handle, introduction, createdAt)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    conversation, StoredText(creation.name), StoredText(FoldedText(creation.name).text),
                    StoredText(handle), StoredText(creation.introduction), now,
                ])
            try Self.add([creator], as: .owner, to: conversation, now: now, db)
            try Self.add(friends, as: .member, to: conversation, now: now, db)
            let effect = try transaction.owe(
                MessageAPI.OpenConversation(
                    conversation: conversation, conversationKind: .group, participants: [creator] + friends,
                    greeting: "", greeter: creator,
                    reason: .membersJoined(
                        SocialAPI.MembersJoined(
                            conversation: conversation, name: creation.name, accounts: friends, operator: creator,
                            settled: []))),
                to: .message)
            let group = SocialAPI.GroupInfo(
                conversation: conversation, name: creation.name, handle: handle, introduction: creation.introduction,
                owner: creator, memberCount: Int32(friends.count + 1))
            return (group, Owed(conversation: conversation, effect: effect))
        }
    }

    /// Whether a group has or had that handle.
    private static func isTaken(_ handle: String, _ db: Database) throws -> Bool {
        try Int64.fetchOne(
            db, sql: "SELECT 1 FROM chatGroup WHERE handle = ?", arguments: [StoredText(handle)]) != nil
    }

    /// A group as a member sees it, or a private conversation, if one will do.
    func group(
        _ conversation: ConversationID, for account: AccountID, orPrivate isPrivateFine: Bool = false
    ) async throws(ServiceError) -> SocialAPI.Group.Reply {
        try await database.read { db in
            guard try Self.role(of: account, in: conversation, db) != nil else {
                let friends = isPrivateFine ? try Self.friends(in: conversation, db) : []
                guard friends.contains(account) else { throw ServiceError(.notGroupMember) }
                let members = friends.map { SocialAPI.Member(account: $0, role: .member) }
                return SocialAPI.Group.Reply(name: "", members: members, announcements: [])
            }
            let members = try Row.fetchAll(
                db, sql: "SELECT account, role FROM member WHERE conversation = ? ORDER BY role, id",
                arguments: [conversation]
            ).map { SocialAPI.Member(account: $0["account"], role: $0["role"]) }
            return SocialAPI.Group.Reply(
                name: try Self.name(of: conversation, db), members: members,
                announcements: try Self.announcements(of: conversation, db))
        }
    }

    /// The two people of a private conversation.
    private static func friends(in conversation: ConversationID, _ db: Database) throws -> [AccountID] {
        try AccountID.fetchAll(
            db, sql: "SELECT owner FROM friendship WHERE conversation = ? ORDER BY owner", arguments: [conversation])
    }

    /// The newest announcements that fit into an answer, oldest first.
    private static func announcements(
        of conversation: ConversationID, _ db: Database
    ) throws -> [SocialAPI.Announcement] {
        var announcements: [SocialAPI.Announcement] = []
        var bytes = 0
        let rows = try Row.fetchCursor(
            db,
            sql: "SELECT id, author, body, publishedAt FROM announcement WHERE conversation = ? ORDER BY id DESC",
            arguments: [conversation])
        while let row = try rows.next() {
            let body = (row["body"] as StoredText).text
            // Beside its text an announcement takes its id, author and time.
            bytes += body.utf8.count + 32
            guard bytes <= maxShownAnnouncementBytes else { break }
            announcements.append(
                SocialAPI.Announcement(
                    id: row["id"], author: row["author"], body: body, publishedAt: row["publishedAt"]))
        }
        return announcements.reversed()
    }
}

// MARK: - Shared by the transactions

extension SocialStore {
    /// The name of a group, which it keeps after its end.
    static func name(of conversation: ConversationID, _ db: Database) throws -> String {
        try db.cachedStatement(sql: "SELECT name FROM chatGroup WHERE conversation = ?")
            .fetchOne(StoredText.self, [conversation])?.text ?? ""
    }

    /// Whether there is a group that is not dissolved.
    static func isGroup(_ conversation: ConversationID, _ db: Database) throws -> Bool {
        try db.cachedStatement(sql: "SELECT 1 FROM chatGroup WHERE conversation = ? AND dissolvedAt IS NULL")
            .fetchOne(Int64.self, [conversation]) != nil
    }

    /// The owner of a group and its admins.
    static func deciders(of conversation: ConversationID, _ db: Database) throws -> [AccountID] {
        try AccountID.fetchAll(
            db, sql: "SELECT account FROM member WHERE conversation = ? AND role <= ? ORDER BY role, id",
            arguments: [conversation, SocialAPI.Role.admin])
    }

    /// The role of an account in a group; `nil` for a stranger, and in what is no group.
    static func role(
        of account: AccountID, in conversation: ConversationID, _ db: Database
    ) throws -> SocialAPI.Role? {
        try db.cachedStatement(sql: "SELECT role FROM member WHERE conversation = ? AND account = ?")
            .fetchOne(SocialAPI.Role.self, [conversation, account])
    }

    /// A group as one account acts on others in it.
    static func view(
        of conversation: ConversationID, for actor: AccountID, naming accounts: [AccountID], _ db: Database
    ) throws -> GroupView {
        var view = GroupView(actorRole: try role(of: actor, in: conversation, db))
        for account in accounts { view.namedRoles[account] = try role(of: account, in: conversation, db) }
        return view
    }

    /// Makes accounts members, who have joined in the order given.
    static func add(
        _ accounts: [AccountID], as role: SocialAPI.Role, to conversation: ConversationID, now: Int64, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO member (conversation, account, role, joinedAt) VALUES (?, ?, ?, ?)")
        for account in accounts { try statement.execute(arguments: [conversation, account, role, now]) }
    }

    /// Gives a member another role and has it told.
    static func change(
        _ account: AccountID, in conversation: ConversationID, to role: SocialAPI.Role,
        _ transaction: WriteTransaction
    ) throws {
        try transaction.db.cachedStatement(sql: "UPDATE member SET role = ? WHERE conversation = ? AND account = ?")
            .execute(arguments: [role, conversation, account])
        let change = SocialAPI.RoleChanged(
            conversation: conversation, name: try name(of: conversation, transaction.db), account: account, role: role)
        try tell(conversation, .roleChanged(change), transaction)
    }

    /// Owes message-svc the news of what happened in a group, in order with what changes its conversation. Nobody waits
    /// for it.
    static func tell(
        _ conversation: ConversationID, _ reason: ConversationReason, _ transaction: WriteTransaction
    ) throws {
        _ = try transaction.owe(MessageAPI.TellConversation(conversation: conversation, reason: reason), to: .message)
    }

    /// Ends memberships and owes message-svc the change, which tells of it.
    static func remove(
        _ accounts: [AccountID], from conversation: ConversationID, by actor: AccountID,
        _ transaction: WriteTransaction
    ) throws -> Owed {
        let statement = try transaction.db.cachedStatement(
            sql: "DELETE FROM member WHERE conversation = ? AND account = ?")
        for account in accounts { try statement.execute(arguments: [conversation, account]) }
        let effect = try transaction.owe(
            MessageAPI.ChangeParticipants(
                conversation: conversation, joined: [], left: accounts,
                reason: .membersLeft(
                    SocialAPI.MembersLeft(
                        conversation: conversation, name: try name(of: conversation, transaction.db),
                        accounts: accounts, operator: actor))),
            to: .message)
        return Owed(conversation: conversation, effect: effect)
    }
}
