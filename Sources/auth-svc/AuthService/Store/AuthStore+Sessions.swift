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
    /// Opens a session, forgets some that ended long ago, and stores the upgraded password record if there is one. When
    /// the account has as many live sessions of the dialect as it may have, the oldest ones end with it.
    ///
    /// - Parameters:
    ///   - record: what the password was checked against.
    ///   - upgrade: takes its place.
    /// - Returns: `nil`, and nothing has changed, when the account has another record by now.
    /// - Throws: ``ServiceError/Code/alreadyLoggedIn``, ``ServiceError/Code/accountNotFound`` when the account was
    ///   cancelled since.
    func open(
        _ opening: SessionOpening, checkedAgainst record: PasswordRecord, upgrade: PasswordRecord?,
        until deadline: MonotonicTime
    ) async throws(ServiceError) -> OpenedSession? {
        try await write { transaction in
            let db = transaction.db
            // Refusals come before the first change: they leave the rest of the commit group untouched.
            // A session nobody learns of would stand in the way of the next log-in.
            guard !deadline.hasPassed else { throw ServiceError(.unavailable) }
            let profile = try Self.profiles(db, where: "account.id = ? AND cancelledAt IS NULL", [opening.account])
            guard let profile = profile.first else { throw ServiceError(.accountNotFound) }
            guard try Self.isCurrent(db, record, of: opening.account) else { return nil }
            if try opening.secondLogin == .refuse && Self.hasLiveSession(db, like: opening) {
                throw ServiceError(.alreadyLoggedIn)
            }
            try Self.endSurplus(before: opening, transaction)
            try Self.forgetOldSessions(db, now: opening.openedAt)
            if let upgrade {
                try db.cachedStatement(sql: "UPDATE account SET password = ? WHERE id = ?")
                    .execute(arguments: [upgrade.phc, opening.account])
            }
            try db.cachedStatement(
                sql: """
                    INSERT INTO session (
                        account, dialect, device, network, createdAt, lastSeenAt, expiresAt, tokenExpiresAt)
                    VALUES (:account, :dialect, :device, :network, :openedAt, :openedAt, :expiresAt, :tokenExpiresAt)
                    """
            ).execute(arguments: [
                "account": opening.account, "dialect": Int64(opening.dialect.rawValue), "device": opening.device,
                "network": opening.network, "openedAt": opening.openedAt, "expiresAt": opening.ends.session,
                "tokenExpiresAt": opening.ends.token,
            ])
            let session = SessionID(db.lastInsertedRowID)
            if let refreshToken = opening.refreshToken { try Self.add(db, refreshToken, to: session) }
            return OpenedSession(session: session, profile: profile)
        }
    }

    /// Where a log-in to an account comes from: with one of these sessions or refresh tokens if it is the account's and
    /// on file, else from this network if one of its sessions was opened there.
    func origin(
        sessions: [SessionID], refreshTokens: [Blob], network: String, of account: AccountID
    ) async throws(ServiceError) -> LogInOrigin {
        try await database.read { db in
            for session in sessions {
                let statement = try db.cachedStatement(sql: "SELECT 1 FROM session WHERE id = ? AND account = ?")
                if try statement.isTrue(for: [session, account]) { return .session(session) }
            }
            for token in refreshTokens {
                let statement = try db.cachedStatement(
                    sql: """
                        SELECT session.id FROM refreshToken JOIN session ON session.id = refreshToken.session
                        WHERE digest = ? AND account = ?
                        """)
                if let session = try SessionID.fetchOne(statement, arguments: [token, account]) {
                    return .session(session)
                }
            }
            // Nobody's network is known when the address is not.
            let statement = try db.cachedStatement(
                sql: "SELECT 1 FROM session WHERE account = ? AND network = ? AND network <> '' LIMIT 1")
            return try statement.isTrue(for: [account, network]) ? .knownNetwork : .anywhere
        }
    }

    /// The live sessions of an account, the latest first.
    func liveSessions(
        of account: AccountID, now: Int64, limit: Int
    ) async throws(ServiceError) -> [AuthAPI.SessionInfo] {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT id, dialect, device, createdAt, lastSeenAt, expiresAt FROM session
                    WHERE account = ? AND revokedAt IS NULL AND expiresAt > ? ORDER BY id DESC LIMIT ?
                    """)
            return try Row.fetchAll(statement, arguments: [account, now, limit]).map { row in
                guard let dialect = Dialect(rawValue: row["dialect"]) else {
                    throw ServiceError(.internal, detail: "session of an unknown dialect")
                }
                let expiresAt: Int64 = row["expiresAt"]
                return AuthAPI.SessionInfo(
                    session: row["id"], dialect: dialect, device: row["device"], createdAt: row["createdAt"],
                    lastSeenAt: row["lastSeenAt"], expiresAt: expiresAt / 1_000)
            }
        }
    }

    /// Notes that sessions were used now; those that are over, and those seen later already, stay as they are.
    func noteSeen(_ sessions: [SessionID], now: Int64) async throws(ServiceError) {
        try await write { transaction in
            try transaction.db.cachedStatement(
                sql: """
                    UPDATE session SET lastSeenAt = :now
                    WHERE id IN (SELECT value FROM json_each(:sessions)) AND lastSeenAt < :now
                        AND revokedAt IS NULL AND expiresAt > :now
                    """
            ).execute(arguments: ["sessions": Self.list(sessions), "now": now])
        }
    }

    /// Ends a live session of an account and tells everyone.
    ///
    /// - Throws: ``ServiceError/Code/sessionOver`` when the account has no such session or it has ended already.
    func revoke(_ session: SessionID, of account: AccountID, now: Int64) async throws(ServiceError) {
        try await write { transaction in
            let expiry = try Int64.fetchOne(
                transaction.db.cachedStatement(
                    sql: """
                        SELECT tokenExpiresAt FROM session
                        WHERE id = ? AND account = ? AND revokedAt IS NULL AND expiresAt > ?
                        """), arguments: [session, account, now])
            guard let expiry else { throw ServiceError(.sessionOver) }
            try Self.revoke(session, of: account, tokenExpiresAt: expiry, now: now, transaction)
        }
    }

    /// Ends all live sessions of an account, but one if one is named, and tells everyone.
    static func revokeSessions(
        of account: AccountID, except spared: SessionID?, now: Int64, _ transaction: WriteTransaction
    ) throws {
        let rows = try Row.fetchAll(
            transaction.db.cachedStatement(
                sql: """
                    SELECT id, tokenExpiresAt FROM session
                    WHERE account = ? AND id IS NOT ? AND revokedAt IS NULL AND expiresAt > ? ORDER BY id
                    """), arguments: [account, spared, now])
        for row in rows {
            try revoke(row["id"], of: account, tokenExpiresAt: row["tokenExpiresAt"], now: now, transaction)
        }
    }

    /// Ends a session and tells everyone until when its tokens would have been good.
    static func revoke(
        _ session: SessionID, of account: AccountID, tokenExpiresAt: Int64, now: Int64, _ transaction: WriteTransaction
    ) throws {
        try transaction.db.cachedStatement(sql: "UPDATE session SET revokedAt = ? WHERE id = ?")
            .execute(arguments: [now, session])
        try transaction.publish(
            AuthAPI.SessionRevoked(session: session, account: account, expiresAt: tokenExpiresAt / 1_000))
    }

    /// Whether an account that is not cancelled still has this password record.
    static func isCurrent(_ db: Database, _ record: PasswordRecord, of account: AccountID) throws -> Bool {
        try db.cachedStatement(sql: "SELECT 1 FROM account WHERE id = ? AND password = ? AND cancelledAt IS NULL")
            .isTrue(for: [account, record.phc])
    }

    /// Ends all live sessions: nobody can use them any more, because the key that signed their tokens is gone.
    func revokeAll(now: Int64) async throws(ServiceError) {
        try await write { transaction in
            let accounts = try AccountID.fetchAll(
                transaction.db,
                sql: "SELECT DISTINCT account FROM session WHERE revokedAt IS NULL AND expiresAt > ?", arguments: [now])
            for account in accounts { try Self.revokeSessions(of: account, except: nil, now: now, transaction) }
        }
    }

    /// A page of the sessions revoked whose tokens have not expired, in the order of their ids, and the last event that
    /// speaks of them: one snapshot.
    ///
    /// - Parameter after: the last one of the page before; `nil` for the first page.
    func revokedSessions(
        after: SessionID?, now: Int64, limit: Int
    ) async throws(ServiceError) -> AuthAPI.RevokedSessions.Reply {
        try await database.read { db in
            // The signs keep SQLite from looking at every session there is to have them in order.
            let statement = try db.cachedStatement(
                sql: """
                    SELECT id, tokenExpiresAt FROM session
                    WHERE tokenExpiresAt > ? AND revokedAt IS NOT NULL AND +id > ? ORDER BY +id LIMIT ?
                    """)
            // One more than fits tells whether there is another page.
            let rows = try Row.fetchAll(statement, arguments: [now, after ?? SessionID(0), limit + 1])
            let revocations = rows.prefix(limit).map { row in
                let expiresAt: Int64 = row["tokenExpiresAt"]
                return AuthAPI.RevokedSessions.Revocation(session: row["id"], expiresAt: expiresAt / 1_000)
            }
            return AuthAPI.RevokedSessions.Reply(
                revocations: revocations, position: try ServiceDatabase.head(db), hasMore: rows.count > limit, now: now)
        }
    }

    /// Ends the oldest live sessions of an account and dialect, so that one more is not too many.
    private static func endSurplus(before opening: SessionOpening, _ transaction: WriteTransaction) throws {
        let live = "account = :account AND dialect = :dialect AND revokedAt IS NULL AND expiresAt > :now"
        let arguments: StatementArguments = [
            "account": opening.account, "dialect": Int64(opening.dialect.rawValue), "now": opening.openedAt,
        ]
        let db = transaction.db
        let count = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT count(*) FROM session WHERE \(live)"), arguments: arguments)
        let surplus = (count ?? 0) + 1 - opening.maxSessions
        guard surplus > 0 else { return }
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT id, tokenExpiresAt FROM session WHERE \(live) ORDER BY id LIMIT :limit"),
            arguments: arguments + ["limit": min(surplus, SessionPruning.maxAtOnce)])
        for row in rows {
            try revoke(
                row["id"], of: opening.account, tokenExpiresAt: row["tokenExpiresAt"], now: opening.openedAt,
                transaction)
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

    /// Forgets some of what ended long ago: first the refresh tokens of a session, then the session.
    static func forgetOldSessions(_ db: Database, now: Int64) throws {
        let old = "SELECT id FROM session WHERE expiresAt < :before ORDER BY expiresAt LIMIT :limit"
        let arguments: StatementArguments = [
            "before": now - SessionPruning.keptAfterExpiry, "limit": SessionPruning.maxAtOnce,
        ]
        try db.cachedStatement(
            sql: """
                DELETE FROM refreshToken
                WHERE digest IN (SELECT digest FROM refreshToken WHERE session IN (\(old)) LIMIT :limit)
                """
        ).execute(arguments: arguments)
        try db.cachedStatement(
            sql: """
                DELETE FROM session
                WHERE id IN (\(old)) AND NOT EXISTS (SELECT 1 FROM refreshToken WHERE refreshToken.session = session.id)
                """
        ).execute(arguments: arguments)
    }
}
