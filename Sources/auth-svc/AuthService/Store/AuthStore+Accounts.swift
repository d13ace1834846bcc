import GRDB
import Shared
import SharedCrypto
import SharedStorage

/// An account as it is first stored.
struct NewAccount: Sendable {
    /// `nil` for one made of the account's number.
    let userName: String?
    /// `nil` for the user name.
    let nickname: String?
    let phoneNumber: String
    /// Whether there is to be no account when the phone number is another's.
    let requiresOwnPhoneNumber: Bool
    let email: String
    let sex: Int32
    let sign: String
    let password: PasswordRecord
    /// `nil` for none.
    let picture: NewPicture?
    let createdAt: Int64
}

/// A picture as it is first stored.
struct NewPicture: Sendable {
    let mediaType: String
    let isDataURL: Bool
    let content: Blob

    /// `nil` for an empty one, which means none.
    init?(_ upload: PictureUpload) {
        guard !upload.content.bytes.isEmpty else { return nil }
        mediaType = PictureType.mediaType(of: upload.content.bytes)
        isDataURL = upload.isDataURL
        content = upload.content
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

    /// Whether somebody has this handle; oneself does not count, who cancelled his account does.
    func isTaken(uid: String, besides account: AccountID) async throws(ServiceError) -> Bool {
        try await database.read { db in try Self.isTaken(db, uid: uid, besides: account) }
    }

    /// Whether somebody has this handle, or could be taken for somebody who does.
    static func isTaken(_ db: Database, uid: String, besides account: AccountID) throws -> Bool {
        try AccountRules.isReserved(uid: uid, for: account)
            || db.cachedStatement(sql: "SELECT 1 FROM account WHERE uid = ? AND id <> ?").isTrue(for: [uid, account])
    }

    /// Whether an account can be logged in to with this phone number.
    func isOwned(phoneNumber: String) async throws(ServiceError) -> Bool {
        try await database.read { db in try Self.isOwned(db, phoneNumber: phoneNumber) }
    }

    private static func isOwned(_ db: Database, phoneNumber: String) throws -> Bool {
        try db.cachedStatement(sql: "SELECT 1 FROM account WHERE phoneNumber = ? AND ownsPhone = 1")
            .isTrue(for: [phoneNumber])
    }

    /// Creates an account, with its picture and its default handle.
    ///
    /// - Throws: ``ServiceError/Code/userNameTaken``, ``ServiceError/Code/phoneNumberTaken``.
    func create(_ account: NewAccount) async throws(ServiceError) -> Profile {
        try await write { transaction in
            let db = transaction.db
            // Refusals come before the first change: they leave the rest of the commit group untouched.
            if let userName = account.userName, try Self.isTaken(db, userName: userName, besides: nil) {
                throw ServiceError(.userNameTaken, detail: userName)
            }
            if account.requiresOwnPhoneNumber, try Self.isOwned(db, phoneNumber: account.phoneNumber) {
                throw ServiceError(.phoneNumberTaken)
            }
            // The number AUTOINCREMENT would choose, known beforehand because the handle is made of it.
            let last = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'account'"))
            let id = AccountID((last ?? 0) + 1)
            try Self.insert(db, account, id, userName: account.userName ?? Self.freeDefaultName(db, id))
            if let picture = account.picture { try Self.store(db, picture, of: id) }
            return try Self.profile(db, of: id)
        }
    }

    /// The living account that a name, possible as its kind, belongs to.
    func account(named name: String, as kind: AuthAPI.LogInName) async throws(ServiceError) -> AccountID? {
        let condition =
            switch kind {
            case .userName: "userName = ?"
            case .uid: "uid = ?"
            case .phoneNumber: "phoneNumber = ? AND ownsPhone = 1"
            }
        return try await database.read { db in
            try AccountID.fetchOne(
                db.cachedStatement(sql: "SELECT id FROM account WHERE \(condition) AND cancelledAt IS NULL"),
                arguments: [name])
        }
    }

    /// An account's password record; `nil` for unknown and cancelled accounts.
    func credentials(of account: AccountID) async throws(ServiceError) -> Credentials? {
        try await database.read { db in
            let record = try String.fetchOne(
                db.cachedStatement(sql: "SELECT password FROM account WHERE id = ? AND cancelledAt IS NULL"),
                arguments: [account])
            return try record.map { Credentials(account: account, password: try PasswordRecord(phc: $0)) }
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

    /// The profiles of living accounts whose names match a text that is possible, in the order of those names.
    func profiles(
        matching text: String, as match: AuthAPI.AccountMatch, limit: Int
    ) async throws(ServiceError) -> [Profile] {
        let condition =
            switch match {
            case .userName: "userName = :text"
            // Names are ASCII, so this character comes after everything that can follow the prefix.
            case .userNamePrefix: "userName >= :text AND userName < :text || '\u{10FFFF}'"
            case .uid: "uid = :text"
            // Unlike LIKE, instr() has no wildcards.
            case .partOfNickname: "instr(foldedNickname, :text) > 0"
            }
        let text = match == .partOfNickname ? FoldedText(text).text : text
        let order = match == .partOfNickname ? "nickname, account.id" : "userName"
        return try await database.read { db in
            try Self.profiles(
                db, where: "\(condition) AND cancelledAt IS NULL ORDER BY \(order) LIMIT :limit",
                ["text": text, "limit": limit])
        }
    }

    /// The pictures of those accounts that have one, in the order of their ids.
    func pictures(of accounts: [AccountID]) async throws(ServiceError) -> [Picture] {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT account, version, mediaType, isDataURL, content FROM picture
                    WHERE account IN (SELECT value FROM json_each(?)) ORDER BY account
                    """)
            return try Row.fetchAll(statement, arguments: [Self.list(accounts)]).map { row in
                Picture(
                    account: row["account"], version: row["version"], mediaType: row["mediaType"],
                    isDataURL: row["isDataURL"], content: row["content"])
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

    /// The profile of an account that exists.
    static func profile(_ db: Database, of account: AccountID) throws -> Profile {
        guard let profile = try profiles(db, where: "account.id = ?", [account]).first else {
            throw ServiceError(.internal, detail: "account is gone")
        }
        return profile
    }

    /// Gives an account a picture in place of the one it may have, under a version that was never given before.
    static func store(_ db: Database, _ picture: NewPicture, of account: AccountID) throws {
        try db.cachedStatement(sql: "UPDATE account SET lastPictureVersion = lastPictureVersion + 1 WHERE id = ?")
            .execute(arguments: [account])
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO picture (account, version, mediaType, isDataURL, content)
                SELECT id, lastPictureVersion, ?, ?, ? FROM account WHERE id = ?
                """
        ).execute(arguments: [picture.mediaType, picture.isDataURL, picture.content, account])
    }

    /// Leaves an account without a picture.
    static func removePicture(_ db: Database, of account: AccountID) throws {
        try db.cachedStatement(sql: "DELETE FROM picture WHERE account = ?").execute(arguments: [account])
    }

    private static func insert(_ db: Database, _ account: NewAccount, _ id: AccountID, userName: String) throws {
        let nickname = account.nickname ?? userName
        try db.cachedStatement(
            sql: """
                INSERT INTO account (
                    id, userName, nickname, foldedNickname, uid, phoneNumber, ownsPhone, email, sex, sign, password,
                    createdAt)
                VALUES (
                    :id, :userName, :nickname, :foldedNickname, :uid, :phoneNumber, :ownsPhone, :email, :sex, :sign,
                    :password, :createdAt)
                """
        ).execute(arguments: [
            "id": id, "userName": userName, "nickname": nickname, "foldedNickname": FoldedText(nickname).text,
            "uid": AccountRules.defaultHandle(of: id), "phoneNumber": account.phoneNumber,
            "ownsPhone": try mayOwn(db, phoneNumber: account.phoneNumber), "email": account.email,
            "sex": account.sex, "sign": account.sign, "password": account.password.phc,
            "createdAt": account.createdAt,
        ])
    }

    /// Whether a phone number can become an account's for log-ins; an empty one is nobody's.
    private static func mayOwn(_ db: Database, phoneNumber: String) throws -> Bool {
        try !phoneNumber.isEmpty && !isOwned(db, phoneNumber: phoneNumber)
    }

    /// The first default user name that is nobody's.
    private static func freeDefaultName(_ db: Database, _ id: AccountID) throws -> String {
        var attempt = 1
        while try isTaken(db, userName: AccountRules.defaultUserName(of: id, attempt: attempt), besides: nil) {
            attempt += 1
        }
        return AccountRules.defaultUserName(of: id, attempt: attempt)
    }

    /// Ids as one argument, so that lists of every length share a statement.
    static func list<Kind>(_ ids: [Identifier<Kind>]) -> String {
        "[" + ids.map(\.description).joined(separator: ",") + "]"
    }
}

extension Statement {
    /// Whether the query has a row.
    func isTrue(for arguments: StatementArguments) throws -> Bool {
        try Row.fetchOne(self, arguments: arguments) != nil
    }
}
