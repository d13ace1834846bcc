import GRDB
import Shared
import SharedCrypto
import SharedStorage

/// What an account is to become; `nil` stays as it is.
struct AccountChange: Sendable {
    enum Picture: Sendable {
        case removed
        case replaced(NewPicture)

        /// An empty picture stands for none.
        init(_ upload: PictureUpload) { self = NewPicture(upload).map(Picture.replaced) ?? .removed }
    }

    let account: AccountID
    /// The session that outlives a change of password.
    let session: SessionID
    let userName: String?
    let nickname: String?
    let uid: String?
    let password: PasswordRecord?
    let phoneNumber: String?
    let email: String?
    let picture: Picture?
}

extension AuthStore {
    /// Changes an account and tells everyone what that means for others: all of it or nothing.
    ///
    /// - Parameter record: what the password was checked against, if it was.
    /// - Returns: the profile as it is now; `nil`, and nothing has changed, when the account has another record by now.
    /// - Throws: ``ServiceError/Code/wrongPassword`` when the account is unknown or cancelled,
    ///   ``ServiceError/Code/userNameTaken``, ``ServiceError/Code/uidTaken``.
    func modify(
        _ change: AccountChange, checkedAgainst record: PasswordRecord?, now: Int64
    ) async throws(ServiceError) -> Profile? {
        try await write { transaction in
            let db = transaction.db
            // Refusals come before the first change: they leave the rest of the commit group untouched.
            let living = try Self.profiles(db, where: "account.id = ? AND cancelledAt IS NULL", [change.account])
            guard let before = living.first else { throw ServiceError(.wrongPassword) }
            if let record, try !Self.isCurrent(db, record, of: change.account) { return nil }
            if let userName = change.userName, try Self.isTaken(db, userName: userName, besides: change.account) {
                throw ServiceError(.userNameTaken, detail: userName)
            }
            if let uid = change.uid, try Self.isTaken(db, uid: uid, besides: change.account) {
                throw ServiceError(.uidTaken)
            }
            try Self.apply(change, db)
            if change.password != nil {
                try Self.revokeSessions(of: change.account, except: change.session, now: now, transaction)
            }
            let after = try Self.profile(db, of: change.account)
            if after != before { try transaction.publish(AuthAPI.ProfileChanged(account: change.account)) }
            return after
        }
    }

    /// Ends an account for good and owes social-svc the news.
    ///
    /// - Parameter record: what the password was checked against.
    /// - Returns: the number of the effect; `nil`, and nothing has changed, when the account is cancelled or has another
    ///   record by now.
    func cancel(
        _ account: AccountID, checkedAgainst record: PasswordRecord, now: Int64
    ) async throws(ServiceError) -> Int64? {
        try await write { transaction in
            let db = transaction.db
            guard try Self.isCurrent(db, record, of: account),
                let userName = try Self.profiles(db, where: "account.id = ?", [account]).first?.userName
            else { return nil }
            try db.cachedStatement(
                sql: """
                    UPDATE account SET userName = :name, nickname = :name, foldedNickname = '', phoneNumber = '',
                        ownsPhone = 0, email = '', sex = -1, sign = '', password = '', cancelledAt = :now
                    WHERE id = :id
                    """
            ).execute(arguments: ["name": AccountRules.cancelledName(of: userName), "now": now, "id": account])
            try Self.removePicture(db, of: account)
            try Self.revokeSessions(of: account, except: nil, now: now, transaction)
            try transaction.publish(AuthAPI.ProfileChanged(account: account))
            return try transaction.owe(SocialAPI.CancelAccount(account: account), to: .social)
        }
    }

    /// Owes social-svc the news of a cancelled account once more, for somebody who has not heard that it arrived.
    ///
    /// - Returns: the number of the effect; `nil` when there is no such account, or it is not cancelled.
    func repeatCancellation(of account: AccountID) async throws(ServiceError) -> Int64? {
        try await write { transaction in
            let isCancelled = try transaction.db.cachedStatement(
                sql: "SELECT 1 FROM account WHERE id = ? AND cancelledAt IS NOT NULL"
            ).isTrue(for: [account])
            guard isCancelled else { return nil }
            return try transaction.owe(SocialAPI.CancelAccount(account: account), to: .social)
        }
    }

    private static func apply(_ change: AccountChange, _ db: Database) throws {
        func set(_ assignments: String, _ value: String, folded: Bool = false) throws {
            var arguments: StatementArguments = ["value": value, "id": change.account]
            if folded { arguments += ["folded": FoldedText(value).text] }
            try db.cachedStatement(sql: "UPDATE account SET \(assignments) WHERE id = :id")
                .execute(arguments: arguments)
        }
        if let userName = change.userName {
            // Until its owner chooses another, the name shown is the user name.
            try set(
                """
                nickname = iif(nickname = userName, :value, nickname),
                foldedNickname = iif(nickname = userName, :folded, foldedNickname), userName = :value
                """, userName, folded: true)
        }
        if let nickname = change.nickname {
            try set("nickname = :value, foldedNickname = :folded", nickname, folded: true)
        }
        if let uid = change.uid { try set("uid = :value", uid) }
        if let password = change.password { try set("password = :value", password.phc) }
        if let email = change.email { try set("email = :value", email) }
        if let phoneNumber = change.phoneNumber {
            // The old number is nobody's again; the new one is his unless it is none or another's.
            try set(
                """
                phoneNumber = :value, ownsPhone = :value <> '' AND NOT EXISTS (
                    SELECT 1 FROM account WHERE phoneNumber = :value AND ownsPhone = 1 AND id <> :id)
                """, phoneNumber)
        }
        switch change.picture {
        case .replaced(let picture): try store(db, picture, of: change.account)
        case .removed: try removePicture(db, of: change.account)
        case nil: break
        }
    }
}
