import GRDB
import Shared
import SharedStorage

/// A refresh token that was presented, and what may take its place.
struct SessionRefresh: Sendable {
    let presented: RefreshToken
    let successor: RefreshToken
    let terms: SessionTerms
    /// Milliseconds since 1970.
    let now: Int64
}

/// A session as it is after its refresh.
struct RefreshedSession: Sendable, Hashable {
    let session: SessionID
    let account: AccountID
    let dialect: Dialect
    let ends: SessionEnds
}

/// What came of a refresh.
enum RefreshOutcome: Sendable, Hashable {
    /// The successor is live.
    case refreshed(RefreshedSession)
    /// The token was used before; nothing has changed.
    case reused
    /// The token was used before, and its session is revoked.
    case stolen(SessionID, of: AccountID)
}

extension AuthStore {
    /// Decides what a presented refresh token is worth and does what follows, in one step. One that is none of a live
    /// session is refused before that step.
    ///
    /// - Throws: ``ServiceError/Code/sessionOver`` when it is none of a live session; `unavailable`, and nothing has
    ///   changed, when nobody waits for the answer any more.
    func refresh(
        _ refresh: SessionRefresh, until deadline: MonotonicTime
    ) async throws(ServiceError) -> RefreshOutcome {
        // What is no token of a live session never comes to be one, so nobody can keep the writer busy with it.
        let isKnown = try await database.read { db in
            try KnownToken.fetch(db, refresh.presented, now: refresh.now) != nil
        }
        guard isKnown else { throw ServiceError(.sessionOver) }
        return try await write { transaction in
            let db = transaction.db
            // Refusals come before the first change: they leave the rest of the commit group untouched.
            guard !deadline.hasPassed else { throw ServiceError(.unavailable) }
            guard let known = try KnownToken.fetch(db, refresh.presented, now: refresh.now) else {
                throw ServiceError(.sessionOver)
            }
            let ends = refresh.terms.ends(openedAt: known.openedAt, now: refresh.now)
            // A session of an earlier configuration may have been meant to live longer.
            guard ends.session > refresh.now else { throw ServiceError(.sessionOver) }

            switch RefreshRules.decide(known.state, now: refresh.now) {
            case .refuse:
                return .reused
            case .revokeSession:
                try Self.revoke(
                    known.session, of: known.account, tokenExpiresAt: known.tokenExpiresAt, now: refresh.now,
                    transaction)
                return .stolen(known.session, of: known.account)
            case .rotate:
                try Self.retire(db, known, now: refresh.now)
            case .replaceSuccessor:
                try Self.voidSuccessor(db, of: known, now: refresh.now)
            }
            try Self.add(db, refresh.successor, to: known.session)
            try Self.prolong(db, known.session, until: ends, now: refresh.now)
            try Self.forgetOldSessions(db, now: refresh.now)
            return .refreshed(
                RefreshedSession(session: known.session, account: known.account, dialect: known.dialect, ends: ends))
        }
    }

    /// Makes a token the live one of a session that has none, and forgets the oldest when there are too many.
    static func add(_ db: Database, _ token: RefreshToken, to session: SessionID) throws {
        let last = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT max(generation) FROM refreshToken WHERE session = ?"),
            arguments: [session])
        let generation = (last ?? 0) + 1
        try db.cachedStatement(sql: "INSERT INTO refreshToken (session, generation, digest) VALUES (?, ?, ?)")
            .execute(arguments: [session, generation, token.digest])
        try db.cachedStatement(sql: "DELETE FROM refreshToken WHERE session = ? AND generation <= ?")
            .execute(arguments: [session, generation - Int64(RefreshRules.keptTokens)])
    }

    private static func retire(_ db: Database, _ token: KnownToken, now: Int64) throws {
        try db.cachedStatement(
            sql: """
                UPDATE refreshToken SET retiredAt = :now, answeredAt = :now
                WHERE session = :session AND generation = :generation
                """
        ).execute(arguments: ["now": now, "session": token.session, "generation": token.generation])
    }

    private static func voidSuccessor(_ db: Database, of token: KnownToken, now: Int64) throws {
        // The unused successor of the token retired last is the live one.
        try db.cachedStatement(
            sql: "UPDATE refreshToken SET voidedAt = ? WHERE session = ? AND retiredAt IS NULL AND voidedAt IS NULL"
        ).execute(arguments: [now, token.session])
        try db.cachedStatement(sql: "UPDATE refreshToken SET answeredAt = ? WHERE session = ? AND generation = ?")
            .execute(arguments: [now, token.session, token.generation])
    }

    private static func prolong(_ db: Database, _ session: SessionID, until ends: SessionEnds, now: Int64) throws {
        // Only forward: with a shorter lifetime configured, tokens issued before are good for longer than the new one.
        try db.cachedStatement(
            sql: """
                UPDATE session SET expiresAt = max(expiresAt, :expiresAt), lastSeenAt = max(lastSeenAt, :now),
                    tokenExpiresAt = max(tokenExpiresAt, :tokenExpiresAt)
                WHERE id = :session
                """
        ).execute(arguments: [
            "expiresAt": ends.session, "now": now, "tokenExpiresAt": ends.token, "session": session,
        ])
    }
}

/// A refresh token of a live session, as it is stored.
private struct KnownToken {
    let session: SessionID
    let account: AccountID
    let dialect: Dialect
    let openedAt: Int64
    let tokenExpiresAt: Int64
    let generation: Int64
    let state: RefreshTokenState

    /// `nil` when there is no such token or its session is over.
    static func fetch(_ db: Database, _ token: RefreshToken, now: Int64) throws -> KnownToken? {
        // Successors are used in the order of their generations, so a later one is retired only when one's own is.
        let statement = try db.cachedStatement(
            sql: """
                SELECT session.id, account, dialect, createdAt, tokenExpiresAt,
                    generation, retiredAt, answeredAt, voidedAt,
                    EXISTS (
                        SELECT 1 FROM refreshToken AS later
                        WHERE later.session = session.id AND later.generation > refreshToken.generation
                            AND later.retiredAt IS NOT NULL
                    ) AS isSuccessorUsed
                FROM refreshToken JOIN session ON session.id = refreshToken.session
                WHERE digest = ? AND revokedAt IS NULL AND expiresAt > ?
                """)
        return try Row.fetchOne(statement, arguments: [token.digest, now]).map { row in
            guard let dialect = Dialect(rawValue: row["dialect"]) else {
                throw ServiceError(.internal, detail: "session of an unknown dialect")
            }
            return KnownToken(
                session: row["id"], account: row["account"], dialect: dialect, openedAt: row["createdAt"],
                tokenExpiresAt: row["tokenExpiresAt"], generation: row["generation"], state: state(row))
        }
    }

    private static func state(_ row: Row) -> RefreshTokenState {
        if let time: Int64 = row["voidedAt"] { return .void(since: time) }
        guard let time: Int64 = row["retiredAt"] else { return .live }
        return .retired(at: time, lastAnsweredAt: row["answeredAt"], isSuccessorUsed: row["isSuccessorUsed"])
    }
}
