import Dispatch
import GRDB
import Logging
import Shared
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService

/// The rotation on the real schema in a file of its own; time is what the test says.
@Suite struct RefreshStoreTests {
    private let start: Int64 = 1_700_000_000_500
    private let day: Int64 = 86_400_000

    @Test func `a chain of refreshes goes on with the newest token`() async throws {
        try await withSession { (family) async throws in
            for minute in 1...100 as ClosedRange<Int64> {
                #expect(try await family.refresh(.newest, at: start + minute * 60_000).isRefreshed)
            }
            #expect(try await family.revocations(at: start) == [])
        }
    }

    @Test func `a lost answer is repeated with another token, and the lost one is void`() async throws {
        try await withSession { (family) async throws in
            #expect(try await family.refresh(.number(0), at: start).isRefreshed)
            #expect(try await family.refresh(.number(0), at: start + 1_999) == .reused)
            #expect(try await family.refresh(.number(0), at: start + 2_000).isRefreshed)
            #expect(try await family.refresh(.number(0), at: start + 3_999) == .reused)
            #expect(try await family.refresh(.number(0), at: start + 4_000).isRefreshed)
            // 1 and 2 are void, 3 is live.
            #expect(try await family.refresh(.number(2), at: start + 5_999) == .reused)
            #expect(try await family.refresh(.number(3), at: start + 6_000).isRefreshed)
            #expect(try await family.revocations(at: start) == [])
            #expect(try await family.refresh(.number(1), at: start + 6_001).isStolen)
        }
    }

    @Test func `a retired token whose successor was used is a theft`() async throws {
        try await withSession { (family) async throws in
            for time in [0, 3_000, 6_000] as [Int64] {
                #expect(try await family.refresh(.newest, at: start + time).isRefreshed)
            }

            #expect(try await family.refresh(.number(1), at: start + 6_000).isStolen)

            for number in 0...3 {
                await #expect(throws: ServiceError(.sessionOver)) {
                    _ = try await family.refresh(.number(number), at: start + 6_001)
                }
            }
        }
    }

    @Test func `an answer that was repeated and used is not repeated again`() async throws {
        try await withSession { (family) async throws in
            #expect(try await family.refresh(.number(0), at: start).isRefreshed)
            #expect(try await family.refresh(.number(0), at: start + 3_000).isRefreshed)
            #expect(try await family.refresh(.number(2), at: start + 4_000).isRefreshed)

            #expect(try await family.refresh(.number(0), at: start + 4_999) == .reused)
            #expect(try await family.refresh(.number(0), at: start + 5_000).isStolen)
        }
    }

    @Test func `a token retired weeks ago is a theft, half a minute is enough`() async throws {
        for later in [30_000, 20 * day] {
            try await withSession { (family) async throws in
                #expect(try await family.refresh(.number(0), at: start).isRefreshed)
                #expect(try await family.refresh(.number(0), at: start + later).isStolen)
            }
        }
    }

    @Test func `a theft is announced with the expiry of the last access token, not of the session`() async throws {
        try await withSession { (family) async throws in
            #expect(try await family.refresh(.number(0), at: start).isRefreshed)
            #expect(try await family.refresh(.number(1), at: start + 60_000).isRefreshed)
            #expect(try await family.refresh(.number(0), at: start + 61_000).isStolen)
            let expiry = (start + 60_000) / 1_000 + 900

            #expect(try await family.revocations(at: start) == [expiry])
            #expect(try await family.revocations(at: expiry * 1_000 - 1) == [expiry])
            #expect(try await family.revocations(at: expiry * 1_000) == [])
        }
    }

    @Test func `a clock set back makes no theft of a double click, and shortens no revocation`() async throws {
        try await withSession { (family) async throws in
            #expect(try await family.refresh(.number(0), at: start).isRefreshed)

            #expect(try await family.refresh(.number(0), at: start - day) == .reused)
            #expect(try await family.refresh(.number(1), at: start - day).isRefreshed)

            try await family.store.revoke(family.session, of: family.account, now: start - day)
            #expect(try await family.revocations(at: start - day) == [start / 1_000 + 900])
        }
    }

    @Test func `a token of no live session is refused without waiting for the writer`() async throws {
        try await withSession { (family) async throws in
            try await family.store.revoke(family.session, of: family.account, now: start)
            let release = DispatchSemaphore(value: 0)
            let (ends, end) = AsyncStream.makeStream(of: Bool.self)
            family.store.database.submit { _ in
                release.wait(timeout: .now() + 10) == .success
            } completion: { result in
                end.yield((try? result.get()) == true)
                end.finish()
            }

            await #expect(throws: ServiceError(.sessionOver)) { _ = try await family.refresh(.newest, at: start) }

            release.signal()
            for await wasReleased in ends { #expect(wasReleased) }
        }
    }

    // MARK: - Ends

    @Test func `a session ends 30 days after its last refresh`() async throws {
        try await withSession { (family) async throws in
            #expect(try await family.refresh(.newest, at: start + 29 * day).isRefreshed)
            let end = (start / 1_000 + 59 * 86_400) * 1_000
            #expect(try await family.end(at: start) == end / 1_000)

            await #expect(throws: ServiceError(.sessionOver)) { _ = try await family.refresh(.newest, at: end) }
            #expect(try await family.refresh(.newest, at: end - 1).isRefreshed)
        }
    }

    @Test func `a session ends 90 days after its log-in, however often it is refreshed`() async throws {
        try await withSession { (family) async throws in
            for time in [25, 50, 75, 89] as [Int64] {
                #expect(try await family.refresh(.newest, at: start + time * day).isRefreshed)
            }
            let end = (start / 1_000 + 90 * 86_400) * 1_000
            #expect(try await family.end(at: start) == end / 1_000)

            let last = try await family.refresh(.newest, at: end - 1)
            #expect(last.ends == SessionEnds(session: end, token: end))
            await #expect(throws: ServiceError(.sessionOver)) { _ = try await family.refresh(.newest, at: end) }
        }
    }

    @Test func `a lifetime that the operator has shortened holds for older sessions too`() async throws {
        try await withSession { (family) async throws in
            let terms = SessionTerms(tokenSeconds: 900, refreshing: .init(lifetimeSeconds: 3_600, idleSeconds: 600))

            #expect(try await family.refresh(.newest, at: start + 3_599_000, terms).isRefreshed)
            await #expect(throws: ServiceError(.sessionOver)) {
                _ = try await family.refresh(.newest, at: start + 3_600_000, terms)
            }
        }
    }

    @Test func `a refresh counts as seen, and a clock set back does not`() async throws {
        try await withSession { (family) async throws in
            #expect(try await family.lastSeen == start)
            for (time, seen) in [(5_000, 5_000), (4_000, 5_000)] as [(Int64, Int64)] {
                #expect(try await family.refresh(.newest, at: start + time).isRefreshed)
                #expect(try await family.lastSeen == start + seen)
            }
            for (time, seen) in [(9_000, 9_000), (8_000, 9_000)] as [(Int64, Int64)] {
                try await family.store.noteSeen([family.session], now: start + time)
                #expect(try await family.lastSeen == start + seen)
            }
        }
    }

    // MARK: - What is kept

    @Test func `the newest thousand tokens are remembered, older ones are worth nothing`() async throws {
        try await withSession { (family) async throws in
            for second in [0, 3] as [Int64] {
                #expect(try await family.refresh(.newest, at: start + second * 1_000).isRefreshed)
            }
            // As if the session had been refreshed 997 times more.
            try await family.store.database.write { transaction in
                try transaction.db.execute(sql: "UPDATE refreshToken SET generation = 1000 WHERE generation = 3")
            }
            #expect(try await family.refresh(.newest, at: start + 6_000).isRefreshed)
            #expect(try await family.tokenCount == 3)

            await #expect(throws: ServiceError(.sessionOver)) {
                _ = try await family.refresh(.number(0), at: start + day)
            }
            #expect(try await family.refresh(.number(1), at: start + day).isStolen)
        }
    }

    @Test func `tokens are forgotten with their session, at most 100 at a time`() async throws {
        try await withSession { (family) async throws in
            for second in 1...149 as ClosedRange<Int64> {
                #expect(try await family.refresh(.newest, at: start + second * 1_000).isRefreshed)
            }
            let later = start + 32 * day

            for (tokens, sessions) in [(51, 2), (2, 2), (3, 3)] as [(Int64, Int64)] {
                try await family.openAnother(at: later)
                #expect(try await family.tokenCount == tokens)
                #expect(try await family.sessionCount == sessions)
            }
        }
    }

    @Test func `a refresh forgets what ended long ago, too`() async throws {
        try await withSession { (family) async throws in
            try await family.openAnother(at: start - 32 * day)
            #expect(try await family.sessionCount == 2)

            #expect(try await family.refresh(.newest, at: start + 1).isRefreshed)

            #expect(try await family.sessionCount == 1)
            #expect(try await family.tokenCount == 2)
        }
    }

    @Test func `every session has at most one live token`() async throws {
        try await withSession { (family) async throws in
            await #expect(throws: ServiceError(.internal)) {
                try await family.store.database.write { transaction in
                    try transaction.db.execute(
                        sql: "INSERT INTO refreshToken (session, generation, digest) VALUES (1, 2, zeroblob(32))")
                }
            }
        }
    }

    // MARK: - Set-up

    private func withSession(_ body: (TokenFamily) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let database = try ServiceDatabase(
                in: DataDirectory(path: folder, service: .auth),
                logger: Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) },
                migrations: AuthMigrations.register)
            defer { database.close() }
            try await body(try await TokenFamily(in: try await AuthStore(database), openedAt: start))
        }
    }
}

/// A session and all its refresh tokens, in the order in which they were issued.
private final class TokenFamily {
    enum Choice {
        case number(Int)
        case newest
    }

    let store: AuthStore
    let account: AccountID
    let session: SessionID
    private let record: PasswordRecord
    private let terms = SessionTerms(
        tokenSeconds: 900, refreshing: .init(lifetimeSeconds: 7_776_000, idleSeconds: 2_592_000))
    private var tokens: [RefreshToken]

    init(in store: AuthStore, openedAt time: Int64) async throws {
        self.store = store
        record = try PasswordRecord.make(password: "old", cost: ScryptCost(n: 1_024, r: 8, p: 1))
        account = try await store.create(
            NewAccount(
                userName: "user", nickname: nil, phoneNumber: "", requiresOwnPhoneNumber: false, email: "", sex: -1,
                sign: "", password: record, picture: nil, createdAt: time)
        ).account
        let first = try Self.newToken()
        tokens = [first]
        session = try await Self.open(store, account, record, terms, first, at: time)
    }

    func refresh(
        _ choice: Choice, at time: Int64, _ terms: SessionTerms? = nil
    ) async throws(ServiceError) -> RefreshOutcome {
        let index =
            switch choice {
            case .number(let number): number
            case .newest: tokens.count - 1
            }
        let successor: RefreshToken
        do {
            successor = try Self.newToken()
        } catch {
            throw ServiceError(.internal, detail: "\(error)")
        }
        let outcome = try await store.refresh(
            SessionRefresh(presented: tokens[index], successor: successor, terms: terms ?? self.terms, now: time),
            until: .after(.seconds(60)))
        if case .refreshed = outcome { tokens.append(successor) }
        return outcome
    }

    func openAnother(at time: Int64) async throws {
        _ = try await Self.open(store, account, record, terms, Self.newToken(), at: time)
    }

    /// When the tokens of revoked sessions expire, in seconds since 1970.
    func revocations(at time: Int64) async throws -> [Int64] {
        try await store.revokedSessions(now: time).revocations.map(\.expiresAt)
    }

    /// When the session ends, in seconds since 1970.
    func end(at time: Int64) async throws -> Int64? {
        try await store.liveSessions(of: account, now: time, limit: 1).first?.expiresAt
    }

    var lastSeen: Int64? { get async throws { try await number("SELECT lastSeenAt FROM session") } }
    var tokenCount: Int64? { get async throws { try await number("SELECT count(*) FROM refreshToken") } }
    var sessionCount: Int64? { get async throws { try await number("SELECT count(*) FROM session") } }

    private func number(_ sql: String) async throws -> Int64? {
        try await store.database.read { db in try Int64.fetchOne(db, sql: sql) }
    }

    private static func newToken() throws -> RefreshToken {
        RefreshToken(randomBytes: try secureRandomBytes(RefreshToken.byteCount))
    }

    private static func open(
        _ store: AuthStore, _ account: AccountID, _ record: PasswordRecord, _ terms: SessionTerms,
        _ token: RefreshToken, at time: Int64
    ) async throws -> SessionID {
        let opening = SessionOpening(
            .test(dialect: .rest), account: account, terms: terms, maxSessions: 100, refreshToken: token, now: time)
        return try #require(
            try await store.open(opening, checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))
        ).session
    }
}

extension RefreshOutcome {
    fileprivate var ends: SessionEnds? {
        if case .refreshed(let session) = self { session.ends } else { nil }
    }
    fileprivate var isRefreshed: Bool { ends != nil }
    fileprivate var isStolen: Bool {
        if case .stolen = self { true } else { false }
    }
}
