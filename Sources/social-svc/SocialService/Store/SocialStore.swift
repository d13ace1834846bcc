import GRDB
import Shared
import SharedStorage

/// The database of social-svc: each method is one transaction.
struct SocialStore: Sendable {
    /// Requests of one page.
    static let maxListedRequests = 500

    let database: ServiceDatabase
    let rules: FriendshipRules

    init(database: ServiceDatabase, limits: FriendshipLimits) {
        self.database = database
        rules = FriendshipRules(limits: limits)
    }
}

// MARK: - Shared by the transactions

extension SocialStore {
    /// What the rules judge an action between two accounts by.
    static func relation(of applicant: AccountID, to target: AccountID, _ db: Database) throws -> Relation {
        Relation(
            areFriends: try db.cachedStatement(sql: "SELECT 1 FROM friendship WHERE owner = ? AND friend = ?")
                .fetchOne(Int64.self, [applicant, target]) != nil,
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
}

extension Statement {
    /// The first value of the first row.
    fileprivate func fetchOne<Value: DatabaseValueConvertible>(
        _: Value.Type, _ arguments: StatementArguments
    ) throws -> Value? {
        try Value.fetchOne(self, arguments: arguments)
    }
}
