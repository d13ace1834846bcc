import GRDB
import Shared
import SharedStorage

/// The groups of friend lists: one-sided, a friend is in exactly one of them.
extension SocialStore {
    /// Puts friends into a group of an account's list, which is created if need be.
    func group(
        _ accounts: [AccountID], into name: String, of owner: AccountID
    ) async throws(ServiceError) {
        let name = FriendGroups.named(name)
        try await database.write { [limits] transaction in
            let db = transaction.db
            let name = try Self.storedName(name, of: owner, db)
            try FriendGroups.judgeGrouping(
                of: accounts, into: name, try Self.friendGroupView(name, of: owner, db),
                friends: try Self.friends(of: owner, among: accounts, db), limits: limits)
            let group = try Self.friendGroup(name, of: owner, db)
            let statement = try db.cachedStatement(
                sql: "UPDATE friendship SET friendGroup = ? WHERE owner = ? AND friend = ?")
            for account in accounts { try statement.execute(arguments: [group, owner, account]) }
        }
    }

    /// Deletes an empty group of an account's list.
    func deleteFriendGroup(_ name: String, of owner: AccountID) async throws(ServiceError) {
        let name = FriendGroups.named(name)
        try await database.write { transaction in
            let db = transaction.db
            let name = try Self.storedName(name, of: owner, db)
            try FriendGroups.judgeDeletion(of: name, try Self.friendGroupView(name, of: owner, db))
            if name == FriendGroups.defaultName {
                _ = try Self.friendGroup(name, of: owner, isDeleted: true, db)
            } else {
                try db.execute(
                    sql: "DELETE FROM friendGroup WHERE owner = ? AND name = ?", arguments: [owner, StoredText(name)])
            }
        }
    }

    /// The id of a group of an account's list, made when there is none.
    ///
    /// - Parameter isDeleted: whether it is only remembered that the owner does not want it.
    static func friendGroup(
        _ name: String, of owner: AccountID, isDeleted: Bool = false, _ db: Database
    ) throws -> Int64? {
        try db.cachedStatement(
            sql: """
                INSERT INTO friendGroup (owner, name, isDeleted) VALUES (?, ?, ?)
                ON CONFLICT (owner, name) DO UPDATE SET isDeleted = excluded.isDeleted RETURNING id
                """
        ).fetchOne(Int64.self, [owner, StoredText(name), isDeleted])
    }

    /// The name of a group as it is stored. One of an earlier release may be no name by now: it is known as it is.
    private static func storedName(_ name: String, of owner: AccountID, _ db: Database) throws -> String {
        try friendGroupView(name, of: owner, db).exists ? name : DisplayName(name)?.text ?? name
    }

    private static func friendGroupView(
        _ name: String, of owner: AccountID, _ db: Database
    ) throws -> FriendGroupView {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT id, isDeleted FROM friendGroup WHERE owner = ? AND name = ?"),
            arguments: [owner, StoredText(name)])
        let group: Int64? = row?["id"]
        return FriendGroupView(
            exists: row.map { !$0["isDeleted"] } ?? (name == FriendGroups.defaultName),
            friendCount: try db.cachedStatement(
                sql: "SELECT count(*) FROM friendship WHERE owner = ? AND friendGroup = ?"
            ).fetchOne(Int.self, [owner, group]) ?? 0,
            groupCount: try db.cachedStatement(
                sql: "SELECT count(*) FROM friendGroup WHERE owner = ? AND isDeleted = 0"
            )
            .fetchOne(Int.self, [owner]) ?? 0)
    }
}
