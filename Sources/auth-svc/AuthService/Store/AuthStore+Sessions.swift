import GRDB
import Shared
import SharedCrypto
import SharedStorage

/// A session that was opened.
struct OpenedSession: Sendable {
    let session: SessionID
    let profile: Profile
}

extension AuthStore {
    /// Opens a session, forgets some that ended long ago, and stores the upgraded password record if there is one.
    ///
    /// - Parameters:
    ///   - record: what the password was checked against.
    ///   - upgrade: takes its place.
    /// - Returns: `nil`, and nothing has changed, when the account has another record by now.
    /// - Throws: ``ServiceError/Code/alreadyLoggedIn``, ``ServiceError/Code/wrongCredentials`` when the account was
    ///   cancelled since.
    func open(
        _ opening: SessionOpening, checkedAgainst record: PasswordRecord, upgrade: PasswordRecord?,
        until deadline: MonotonicTime
    ) async throws(ServiceError) -> OpenedSession? {
        try await database.write { transaction in
            let db = transaction.db
            // Refusals come before the first change: they leave the rest of the commit group untouched.
            // A session nobody learns of would stand in the way of the next log-in.
            guard !deadline.hasPassed else { throw ServiceError(.unavailable) }
            let profile = try Self.profiles(db, where: "account.id = ? AND cancelledAt IS NULL", [opening.account])
            guard let profile = profile.first else { throw ServiceError(.wrongCredentials) }
            guard try Self.isCurrent(db, record, of: opening.account) else { return nil }
            if try opening.secondLogin == .refuse && Self.hasLiveSession(db, like: opening) {
                throw ServiceError(.alreadyLoggedIn)
            }
            try Self.forgetOldSessions(db, now: opening.openedAt)
            if let upgrade {
                try db.cachedStatement(sql: "UPDATE account SET password = ? WHERE id = ?")
                    .execute(arguments: [upgrade.phc, opening.account])
            }
            try db.cachedStatement(
                sql: "INSERT INTO session (account, dialect, device, createdAt, expiresAt) VALUES (?, ?, ?, ?, ?)"
            ).execute(arguments: [
                opening.account, Int64(opening.dialect.rawValue), opening.device, opening.openedAt, opening.expiresAt,
            ])
            return OpenedSession(session: SessionID(db.lastInsertedRowID), profile: profile)
        }
    }

    /// Ends a live session and tells everyone.
    ///
    /// - Throws: ``ServiceError/Code/sessionOver`` when there is no such session or it has ended already.
    func revoke(_ session: SessionID, now: Int64) async throws(ServiceError) {
        try await database.write { transaction in
            let db = transaction.db
            let row = try Row.fetchOne(
                db.cachedStatement(
                    sql: "SELECT account, expiresAt FROM session WHERE id = ? AND revokedAt IS NULL AND expiresAt > ?"),
                arguments: [session, now])
            guard let row else { throw ServiceError(.sessionOver) }
            try Self.revoke(session, of: row["account"], expiresAt: row["expiresAt"], now: now, transaction)
        }
    }

    /// Ends all live sessions of an account, but one if one is named, and tells everyone.
    static func revokeSessions(
        of account: AccountID, except spared: SessionID?, now: Int64, _ transaction: WriteTransaction
    ) throws {
        let rows = try Row.fetchAll(
            transaction.db.cachedStatement(
                sql: """
                    SELECT id, expiresAt FROM session
                    WHERE account = ? AND id IS NOT ? AND revokedAt IS NULL AND expiresAt > ? ORDER BY id
                    """), arguments: [account, spared, now])
        for row in rows {
            try revoke(row["id"], of: account, expiresAt: row["expiresAt"], now: now, transaction)
        }
    }

    private static func revoke(
        _ session: SessionID, of account: AccountID, expiresAt: Int64, now: Int64, _ transaction: WriteTransaction
    ) throws {
        try transaction.db.cachedStatement(sql: "UPDATE session SET revokedAt = ? WHERE id = ?")
            .execute(arguments: [now, session])
        try transaction.publish(
            AuthAPI.SessionRevoked(session: session, account: account, expiresAt: expiresAt / 1_000))
    }

    /// Whether an account that is not cancelled still has this password record.
    static func isCurrent(_ db: Database, _ record: PasswordRecord, of account: AccountID) throws -> Bool {
        try db.cachedStatement(sql: "SELECT 1 FROM account WHERE id = ? AND password = ? AND cancelledAt IS NULL")
            .isTrue(for: [account, record.phc])
    }

    /// Ends all live sessions: nobody can use them any more, because the key that signed their tokens is gone.
    func revokeAll(now: Int64) async throws(ServiceError) {
        try await database.write { transaction in
            let accounts = try AccountID.fetchAll(
                transaction.db,
                sql: "SELECT DISTINCT account FROM session WHERE revokedAt IS NULL AND expiresAt > ?", arguments: [now])
            for account in accounts { try Self.revokeSessions(of: account, except: nil, now: now, transaction) }
        }
    }

    /// The sessions revoked whose tokens have not expired, and the last event that speaks of them: one snapshot.
    func revokedSessions(now: Int64) async throws(ServiceError) -> AuthAPI.RevokedSessions.Reply {
        try await database.read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: "SELECT id, expiresAt FROM session WHERE expiresAt > ? AND revokedAt IS NOT NULL ORDER BY id"),
                arguments: [now])
            let revocations = rows.map { row in
                let expiresAt: Int64 = row["expiresAt"]
                return AuthAPI.RevokedSessions.Revocation(session: row["id"], expiresAt: expiresAt / 1_000)
            }
            let position = try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(number) FROM event"))
            return AuthAPI.RevokedSessions.Reply(revocations: revocations, position: position ?? 0)
        }
    }

    private static func hasLiveSession(_ db: Database, like opening: SessionOpening) throws -> Bool {
        try db.cachedStatement(
            sql: """
                SELECT 1 FROM session
                WHERE account = ? AND dialect = ? AND revokedAt IS NULL AND expiresAt > ? LIMIT 1
                """
        ).isTrue(for: [opening.account, Int64(opening.dialect.rawValue), opening.openedAt])
    }

    private static func forgetOldSessions(_ db: Database, now: Int64) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM session
                WHERE id IN (SELECT id FROM session WHERE expiresAt < ? ORDER BY expiresAt LIMIT ?)
                """
        ).execute(arguments: [now - SessionPruning.keptAfterExpiry, SessionPruning.maxPerLogIn])
    }
}
