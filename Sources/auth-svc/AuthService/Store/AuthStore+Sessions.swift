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
    /// - Parameter upgrade: takes the place of the record the password was checked against, and of no other.
    /// - Throws: ``ServiceError/Code/alreadyLoggedIn``, ``ServiceError/Code/wrongCredentials`` when the account was
    ///   cancelled since.
    func open(
        _ opening: SessionOpening, checkedAgainst record: PasswordRecord, upgrade: PasswordRecord?
    ) async throws(ServiceError) -> OpenedSession {
        try await database.write { transaction in
            let db = transaction.db
            // Refusals come before the first change: they leave the rest of the commit group untouched.
            let profile = try Self.profiles(db, where: "account.id = ? AND cancelledAt IS NULL", [opening.account])
            guard let profile = profile.first else { throw ServiceError(.wrongCredentials) }
            if try opening.secondLogin == .refuse && Self.hasLiveSession(db, like: opening) {
                throw ServiceError(.alreadyLoggedIn)
            }
            try Self.forgetOldSessions(db, now: opening.openedAt)
            if let upgrade {
                try db.cachedStatement(sql: "UPDATE account SET password = ? WHERE id = ? AND password = ?")
                    .execute(arguments: [upgrade.phc, opening.account, record.phc])
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
            let expiresAt: Int64 = row["expiresAt"]
            try db.cachedStatement(sql: "UPDATE session SET revokedAt = ? WHERE id = ?")
                .execute(arguments: [now, session])
            try transaction.publish(
                AuthAPI.SessionRevoked(session: session, account: row["account"], expiresAt: expiresAt / 1_000))
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
