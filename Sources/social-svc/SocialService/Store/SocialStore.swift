import GRDB
import Shared
import SharedStorage

/// The database of social-svc: each method is one transaction.
struct SocialStore: Sendable {
    /// Requests of one page.
    static let maxListedRequests = 500
    /// Bytes of the requests of one page; one that is cut by it goes on where it ends.
    static let maxListedRequestBytes = 4 << 20

    let database: ServiceDatabase
    let limits: SocialLimits
    let rules: FriendshipRules
    let groupRules: GroupRules

    init(database: ServiceDatabase, limits: SocialLimits) {
        self.database = database
        self.limits = limits
        rules = FriendshipRules(limits: limits)
        groupRules = GroupRules(limits: limits)
    }
}

/// A change that is committed here and owed to message-svc.
struct Owed: Sendable {
    var conversation: ConversationID
    /// The number of the effect to wait for.
    var effect: Int64
}

extension SocialAPI.Role: DatabaseValueConvertible {}

// MARK: - Shared by the transactions

extension SocialStore {
    /// What the rules judge an action between two accounts by.
    static func relation(of applicant: AccountID, to target: AccountID, _ db: Database) throws -> Relation {
        Relation(
            areFriends: try db.cachedStatement(sql: "SELECT 1 FROM friendship WHERE owner = ? AND friend = ?")
                .fetchOne(Int64.self, [applicant, target]) != nil,
            isBlocked: try isBlocked(applicant, by: target, db),
            isCancelled: try !cancelled(among: [applicant, target], db).isEmpty,
            request: try pendingRequest(of: applicant, to: target, db),
            wasAccepted: try db.cachedStatement(
                sql: "SELECT 1 FROM friendRequest WHERE applicant = ? AND target = ? AND state = 'accepted' LIMIT 1"
            ).fetchOne(Int64.self, [applicant, target]) != nil,
            mirroredRequest: try pendingRequest(of: target, to: applicant, db),
            applicantFriendCount: try friendCount(of: applicant, db),
            targetFriendCount: try friendCount(of: target, db))
    }

    private static func pendingRequest(
        of applicant: AccountID, to target: AccountID, _ db: Database
    ) throws -> FriendRequestID? {
        try db.cachedStatement(
            sql: "SELECT id FROM friendRequest WHERE applicant = ? AND target = ? AND state = 'pending'"
        ).fetchOne(FriendRequestID.self, [applicant, target])
    }

    private static func friendCount(of owner: AccountID, _ db: Database) throws -> Int {
        try db.cachedStatement(sql: "SELECT count(*) FROM friendship WHERE owner = ?").fetchOne(Int.self, [owner]) ?? 0
    }

    /// The conversation of two friends; `nil` when they are none.
    static func conversation(of owner: AccountID, with friend: AccountID, _ db: Database) throws -> ConversationID? {
        try db.cachedStatement(sql: "SELECT conversation FROM friendship WHERE owner = ? AND friend = ?")
            .fetchOne(ConversationID.self, [owner, friend])
    }

    /// Those of some accounts who are an account's friends.
    static func friends(of owner: AccountID, among accounts: [AccountID], _ db: Database) throws -> Set<AccountID> {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM friendship WHERE owner = ? AND friend = ?")
        return Set(try accounts.filter { try statement.fetchOne(Int64.self, [owner, $0]) != nil })
    }

    /// Those of some accounts who are cancelled.
    static func cancelled(among accounts: [AccountID], _ db: Database) throws -> Set<AccountID> {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM cancelledAccount WHERE account = ?")
        return Set(try accounts.filter { try statement.fetchOne(Int64.self, [$0]) != nil })
    }

    /// What the rules judge by when an account brings others into a group.
    static func acquaintances(
        of account: AccountID, among accounts: [AccountID], _ db: Database
    ) throws -> Acquaintances {
        Acquaintances(
            friends: try friends(of: account, among: accounts, db),
            blockers: Set(try accounts.filter { try isBlocked(account, by: $0, db) }),
            cancelled: try cancelled(among: [account] + accounts, db))
    }

    /// The id of a new conversation.
    static func allocateConversation(_ kind: ConversationKind, now: Int64, _ db: Database) throws -> ConversationID {
        try db.execute(
            sql: "INSERT INTO conversation (kind, createdAt) VALUES (?, ?)", arguments: [Int64(kind.rawValue), now])
        return ConversationID(db.lastInsertedRowID)
    }
}

extension Statement {
    /// The first value of the first row.
    func fetchOne<Value: DatabaseValueConvertible>(
        _: Value.Type, _ arguments: StatementArguments
    ) throws -> Value? {
        try Value.fetchOne(self, arguments: arguments)
    }
}
