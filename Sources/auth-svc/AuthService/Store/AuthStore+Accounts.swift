import GRDB
import Shared
import SharedCrypto
import SharedStorage

/// An account as it is first stored.
struct NewAccount: Sendable {
    let userName: String
    let phoneNumber: String
    let email: String
    let password: PasswordRecord
    /// `nil` for none.
    let picture: NewPicture?
    let createdAt: Int64
}

/// A picture as it is first stored.
struct NewPicture: Sendable {
    let mediaType: String
    let content: Blob

    /// `nil` for an empty one, which means none.
    init?(_ content: Blob) {
        guard !content.bytes.isEmpty else { return nil }
        mediaType = PictureType.mediaType(of: content.bytes)
        self.content = content
    }
}

/// What a password is checked against.
struct Credentials: Sendable, Hashable {
    let account: AccountID
    let password: PasswordRecord
}

extension AuthStore {
    /// Whether an account that is not cancelled has this name; one's own does not count.
    func isTaken(userName: String, besides account: AccountID? = nil) async throws(ServiceError) -> Bool {
        try await database.read { db in try Self.isTaken(db, userName: userName, besides: account) }
    }

    /// Whether an account that is not cancelled has this name; one's own does not count.
    static func isTaken(_ db: Database, userName: String, besides account: AccountID?) throws -> Bool {
        try db.cachedStatement(sql: "SELECT 1 FROM account WHERE userName = ? AND cancelledAt IS NULL AND id IS NOT ?")
            .isTrue(for: [userName, account])
    }

    /// Creates an account, with its picture and its default handle.
    ///
    /// - Throws: ``ServiceError/Code/userNameTaken``.
    func create(_ account: NewAccount) async throws(ServiceError) -> AccountID {
        try await database.write { transaction in
            let db = transaction.db
            // The number AUTOINCREMENT would choose, known beforehand because the handle is made of it.
            let last = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'account'"))
            let id = AccountID((last ?? 0) + 1)
            do {
                try Self.insert(db, account, id)
            } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
                // The index of the names has decided who was first: handles are made of the number, which is new, and
                // nobody owns a phone number twice by the statement itself.
                throw ServiceError(.userNameTaken, detail: account.userName)
            }
            if let picture = account.picture { try Self.store(db, picture, of: id) }
            return id
        }
    }

    /// The account of a name and its password record; `nil` for unknown and cancelled accounts.
    func credentials(userName: String) async throws(ServiceError) -> Credentials? {
        try await credentials("userName = ?", [userName])
    }

    /// An account's password record; `nil` for unknown and cancelled accounts.
    func credentials(of account: AccountID) async throws(ServiceError) -> Credentials? {
        try await credentials("id = ?", [account])
    }

    private func credentials(
        _ condition: String, _ arguments: StatementArguments
    ) async throws(ServiceError) -> Credentials? {
        try await database.read { db in
            let row = try Row.fetchOne(
                db.cachedStatement(
                    sql: "SELECT id, password FROM account WHERE \(condition) AND cancelledAt IS NULL"),
                arguments: arguments)
            return try row.map { row in
                Credentials(account: row["id"], password: try PasswordRecord(phc: row["password"]))
            }
        }
    }

    /// The profiles of those accounts that exist, in the order of their ids.
    func profiles(of accounts: [AccountID]) async throws(ServiceError) -> [Profile] {
        try await database.read { db in
            try Self.profiles(
                db, where: "account.id IN (SELECT value FROM json_each(?)) ORDER BY account.id",
                [Self.list(accounts)])
        }
    }

    /// The profile of the account that has this name and is not cancelled.
    func profiles(userName: String) async throws(ServiceError) -> [Profile] {
        try await database.read { db in
            try Self.profiles(db, where: "userName = ? AND cancelledAt IS NULL", [userName])
        }
    }

    /// The profiles whose names begin with a text, in the order of the names, without cancelled ones.
    func profiles(userNamePrefix prefix: String, limit: Int) async throws(ServiceError) -> [Profile] {
        try await database.read { db in
            // Names are ASCII, so this character comes after everything that can follow the prefix.
            try Self.profiles(
                db, where: "userName >= ? AND userName < ? AND cancelledAt IS NULL ORDER BY userName LIMIT ?",
                [prefix, prefix + "\u{10FFFF}", limit])
        }
    }

    /// The pictures of those accounts that have one, in the order of their ids.
    func pictures(of accounts: [AccountID]) async throws(ServiceError) -> [Picture] {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT account, version, mediaType, content FROM picture
                    WHERE account IN (SELECT value FROM json_each(?)) ORDER BY account
                    """)
            return try Row.fetchAll(statement, arguments: [Self.list(accounts)]).map { row in
                Picture(
                    account: row["account"], version: row["version"], mediaType: row["mediaType"],
                    content: row["content"])
            }
        }
    }

    /// Reads profiles; `condition` is the end of the query.
    static func profiles(
        _ db: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [Profile] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT account.id, userName, nickname, uid, phoneNumber, email, sex, sign,
                    cancelledAt IS NOT NULL AS isCancelled, coalesce(picture.version, 0) AS pictureVersion
                FROM account LEFT JOIN picture ON picture.account = account.id
                WHERE \(condition)
                """)
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            Profile(
                account: row["id"], userName: row["userName"], nickname: row["nickname"], uid: row["uid"],
                phoneNumber: row["phoneNumber"], email: row["email"], pictureVersion: row["pictureVersion"],
                sex: row["sex"], sign: row["sign"], isCancelled: row["isCancelled"])
        }
    }

    /// Gives an account a picture in place of the one it may have, under a version that was never given before.
    static func store(_ db: Database, _ picture: NewPicture, of account: AccountID) throws {
        try db.cachedStatement(sql: "UPDATE account SET lastPictureVersion = lastPictureVersion + 1 WHERE id = ?")
            .execute(arguments: [account])
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO picture (account, version, mediaType, content)
                SELECT id, lastPictureVersion, ?, ? FROM account WHERE id = ?
                """
        ).execute(arguments: [picture.mediaType, picture.content, account])
    }

    /// Leaves an account without a picture.
    static func removePicture(_ db: Database, of account: AccountID) throws {
        try db.cachedStatement(sql: "DELETE FROM picture WHERE account = ?").execute(arguments: [account])
    }

    private static func insert(_ db: Database, _ account: NewAccount, _ id: AccountID) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO account (id, userName, nickname, uid, phoneNumber, ownsPhone, email, password, createdAt)
                VALUES (
                    :id, :userName, :userName, :uid, :phoneNumber,
                    NOT EXISTS (SELECT 1 FROM account WHERE phoneNumber = :phoneNumber AND ownsPhone = 1),
                    :email, :password, :createdAt)
                """
        ).execute(arguments: [
            "id": id, "userName": account.userName, "uid": AccountRules.defaultHandle(of: id),
            "phoneNumber": account.phoneNumber, "email": account.email, "password": account.password.phc,
            "createdAt": account.createdAt,
        ])
    }

    /// Ids as one argument, so that lists of every length share a statement.
    private static func list(_ accounts: [AccountID]) -> String {
        "[" + accounts.map(\.description).joined(separator: ",") + "]"
    }
}

extension Statement {
    /// Whether the query has a row.
    func isTrue(for arguments: StatementArguments) throws -> Bool {
        try Row.fetchOne(self, arguments: arguments) != nil
    }
}
