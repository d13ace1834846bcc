import GRDB
import Logging
import Shared
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService

/// The real schema in a file of its own; time is what the test says.
@Suite struct AuthStoreTests {
    private let now: Int64 = 1_700_000_000_500
    private let day: Int64 = 86_400_000

    @Test func `the first account with a phone number owns it, later ones only carry it`() async throws {
        try await withStore { store in
            for name in ["first", "second", "third"] { _ = try await store.create(account(name)) }
            _ = try await store.create(account("other", phoneNumber: "00000000000"))

            let owners = try await store.database.read { db in
                try String.fetchAll(db, sql: "SELECT userName FROM account WHERE ownsPhone = 1 ORDER BY id")
            }
            #expect(owners == ["first", "other"])
        }
    }

    @Test func `the number of a deleted account is not given again`() async throws {
        try await withStore { store in
            _ = try await store.create(account("first"))
            let second = try await store.create(account("second"))
            try await store.database.write { try $0.db.execute(sql: "DELETE FROM account WHERE id = 2") }

            #expect(second.account == AccountID(2))
            #expect(try await store.create(account("third")).account == AccountID(3))
        }
    }

    @Test func `handles are m_ and the id in base 36`() async throws {
        try await withStore { store in
            try await store.database.write {
                try $0.db.execute(sql: "INSERT INTO sqlite_sequence (name, seq) VALUES ('account', 46654)")
            }

            #expect(try await store.create(account("late")).uid == "m_zzz")
        }
    }

    @Test func `a name is taken until its account is cancelled`() async throws {
        try await withStore { store in
            #expect(try await !store.isTaken(userName: "first"))
            let id = try await store.create(account("first")).account
            #expect(try await store.isTaken(userName: "first"))
            await #expect(throws: ServiceError(.userNameTaken, detail: "first")) {
                _ = try await store.create(account("first"))
            }

            try await cancel(id, in: store)

            #expect(try await !store.isTaken(userName: "first"))
            #expect(try await store.account(named: "first", as: .userName) == nil)
            _ = try await store.create(account("first"))
        }
    }

    @Test func `an expired session does not stand in the way and cannot be logged out`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            let first = try #require(try await openSession(id, record, at: now, in: store))
            let expiry = (now / 1_000 + 86_400) * 1_000

            await #expect(throws: ServiceError(.alreadyLoggedIn)) {
                _ = try await store.open(
                    opening(id, at: expiry - 1), checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))
            }
            await #expect(throws: ServiceError(.sessionOver)) { try await store.revoke(first, of: id, now: expiry) }
            _ = try await store.open(
                opening(id, at: expiry), checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))
        }
    }

    @Test func `a revocation is listed until the token expires`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            let session = try #require(try await openSession(id, record, at: now, in: store))
            try await store.revoke(session, of: id, now: now + 1)
            let expiresAt = now / 1_000 + 86_400

            let position = store.database.mark.head
            let before = try await store.revokedSessions(now: expiresAt * 1_000 - 1)
            let after = try await store.revokedSessions(now: expiresAt * 1_000)

            #expect(
                before
                    == AuthAPI.RevokedSessions.Reply(
                        revocations: [.init(session: session, expiresAt: expiresAt)], position: position,
                        hasMore: false,
                        now: expiresAt * 1_000 - 1))
            #expect(
                after
                    == AuthAPI.RevokedSessions.Reply(
                        revocations: [], position: position, hasMore: false, now: expiresAt * 1_000))
        }
    }

    @Test func `revocations come by pages in the order of the sessions, not of their ends`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            for number in 1...5 as ClosedRange<Int64> {
                _ = try await store.open(
                    opening(id, .allow, at: now - number * 1_000), checkedAgainst: record, upgrade: nil,
                    until: .after(.seconds(60)))
            }
            for session in [4, 1, 5, 2] as [Int64] { try await store.revoke(SessionID(session), of: id, now: now) }

            var pages: [[Int64]] = []
            var last: SessionID?
            repeat {
                let page = try await store.revokedSessions(after: last, now: now, limit: 2)
                pages.append(page.revocations.map(\.session.rawValue))
                #expect(page.hasMore == (pages.count == 1))
                #expect(page.position == store.database.mark.head)
                last = page.hasMore ? page.revocations.last?.session : nil
            } while last != nil
            #expect(pages == [[1, 2], [4, 5]])
            #expect(try await store.revokedSessions(after: SessionID(5), now: now, limit: 2).revocations == [])
        }
    }

    @Test func `one session too many ends the oldest that are live, up to a hundred`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            let (other, otherRecord) = try await createAndLookUp("other", in: store)
            _ = try await openSession(other, otherRecord, at: now, in: store)
            func open(at time: Int64, maxSessions: Int) async throws -> [Int64] {
                _ = try await store.open(
                    opening(id, .allow, at: time, maxSessions: maxSessions), checkedAgainst: record, upgrade: nil,
                    until: .after(.seconds(60)))
                return try await store.liveSessions(of: id, now: time, limit: 500).map(\.session.rawValue).reversed()
            }
            // Expired and revoked ones do not count.
            for _ in 1...2 { _ = try await open(at: now - day, maxSessions: 2) }
            for _ in 1...2 { _ = try await open(at: now, maxSessions: 2) }
            try await store.revoke(SessionID(5), of: id, now: now)
            #expect(try await open(at: now, maxSessions: 2) == [4, 6])
            #expect(try await open(at: now, maxSessions: 2) == [6, 7])
            #expect(try await store.revokedSessions(now: now).revocations.map(\.session.rawValue) == [4, 5])
            // As after the operator has lowered the limit.
            for _ in 1...103 { _ = try await open(at: now, maxSessions: 500) }
            #expect(try await open(at: now, maxSessions: 1) == Array(106...111))
            #expect(try await open(at: now, maxSessions: 1) == [112])
            #expect(try await store.liveSessions(of: other, now: now, limit: 9).count == 1)
        }
    }

    @Test func `log-ins forget sessions a day after their expiry, at most 100 each`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            for _ in 1...150 {
                _ = try await store.open(
                    opening(id, .allow, at: now), checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))
            }

            func countAfterLogIn(at time: Int64) async throws -> Int? {
                _ = try await store.open(
                    opening(id, .allow, at: time), checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))
                return try await store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM session") }
            }
            #expect(try await countAfterLogIn(at: now + 2 * day - 1_000) == 151)
            #expect(try await countAfterLogIn(at: now + 2 * day) == 52)
            #expect(try await countAfterLogIn(at: now + 2 * day) == 3)
        }
    }

    @Test func `an account cancelled since its password was checked gets no session`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            try await cancel(id, in: store)

            await #expect(throws: ServiceError(.accountNotFound)) {
                _ = try await store.open(
                    opening(id, at: now), checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))
            }
        }
    }

    @Test func `a password checked against another record than the present one opens nothing`() async throws {
        try await withStore { store in
            let (id, old) = try await createAndLookUp("user", in: store)
            let upgraded = try PasswordRecord.make(password: "old", cost: ScryptCost(n: 2_048, r: 8, p: 1))
            let changed = try PasswordRecord.make(password: "new", cost: ScryptCost(n: 1_024, r: 8, p: 1))
            _ = try await store.modify(change(of: id, password: changed), checkedAgainst: old, now: now)

            #expect(
                try await store.open(
                    opening(id, at: now), checkedAgainst: old, upgrade: upgraded, until: .after(.seconds(60))) == nil)

            #expect(try await store.credentials(of: id)?.password == changed)
            #expect(try await openSession(id, changed, at: now, in: store) == SessionID(1))
        }
    }

    @Test func `an account is changed or ended under the checked record or not at all`() async throws {
        try await withStore { store in
            let (id, old) = try await createAndLookUp("user", in: store)
            let new = try PasswordRecord.make(password: "new", cost: ScryptCost(n: 1_024, r: 8, p: 1))
            let before = try await store.profiles(of: [id])
            #expect(try await store.modify(change(of: id, password: new), checkedAgainst: old, now: now) != nil)

            #expect(
                try await store.modify(change(of: id, userName: "thief", password: old), checkedAgainst: old, now: now)
                    == nil)
            #expect(try await store.cancel(id, checkedAgainst: old, now: now) == nil)

            #expect(try await store.profiles(of: [id]) == before)
            #expect(try await store.credentials(of: id)?.password == new)
            #expect(try await store.modify(change(of: id, userName: "free"), checkedAgainst: nil, now: now) != nil)
        }
    }

    @Test func `a cancelled account is not changed any more, password or not`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            #expect(try await store.cancel(id, checkedAgainst: record, now: now) != nil)

            for checked in [record, nil] {
                await #expect(throws: ServiceError(.wrongPassword)) {
                    _ = try await store.modify(change(of: id, userName: "again"), checkedAgainst: checked, now: now)
                }
            }
            #expect(try await store.cancel(id, checkedAgainst: record, now: now) == nil)
            #expect(try await store.repeatCancellation(of: id) == 2)
            #expect(try await store.repeatCancellation(of: AccountID(99)) == nil)
        }
    }

    @Test func `a change of password spares one session, and those that are over stay as they are`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            let (other, otherRecord) = try await createAndLookUp("other", in: store)
            for offset in 0..<4 as Range<Int64> {
                _ = try await store.open(
                    opening(id, .allow, at: now - offset * day), checkedAgainst: record, upgrade: nil,
                    until: .after(.seconds(60)))
            }
            _ = try await openSession(other, otherRecord, at: now, in: store)
            let new = try PasswordRecord.make(password: "new", cost: ScryptCost(n: 1_024, r: 8, p: 1))

            _ = try await store.modify(
                change(of: id, session: 2, password: new), checkedAgainst: record, now: now - day)

            // Of 1 to 4 the last two have expired, the second asks.
            #expect(try await store.revokedSessions(now: now - day).revocations.map(\.session) == [SessionID(1)])
        }
    }

    @Test func `an older database is brought up to date with its pictures`() async throws {
        let folder = TemporaryFolder()
        let queue = try DatabaseQueue(path: folder.path + "/auth-svc.db")
        var migrator = DatabaseMigrator()
        AuthMigrations.register(in: &migrator)
        try migrator.migrate(queue, upTo: "auth-1")
        try await queue.write { db in
            for (id, name) in [(1, "with"), (2, "without")] {
                try db.execute(
                    sql: """
                        INSERT INTO account (id, userName, nickname, uid, phoneNumber, ownsPhone, email, password, createdAt)
                        VALUES (?1, ?2, ?2, ?2, '', 0, '', '', 1)
                        """, arguments: [id, name])
            }
            try db.execute(sql: "INSERT INTO picture VALUES (1, 7, 'image/png', x'00')")
        }
        try queue.close()

        try await withStore(in: folder) { store in
            #expect(try await store.pictures(of: [AccountID(1)]).map(\.isDataURL) == [false])
            for picture in [AccountChange.Picture.removed, .init(PictureUpload(Blob([1]), isDataURL: true))] {
                for id in [1, 2] as [Int64] {
                    _ = try await store.modify(
                        change(of: AccountID(id), picture: picture), checkedAgainst: nil, now: now)
                }
            }
            #expect(try await store.pictures(of: [AccountID(1), AccountID(2)]).map(\.isDataURL) == [true, true])
            #expect(
                try await store.profiles(of: [AccountID(1), AccountID(2)]).map(\.pictureVersion) == [8, 1])
            let found = try await store.profiles(matching: "OUT", as: .partOfNickname, limit: 9)
            #expect(found.map(\.account) == [AccountID(2)])
        }
    }

    @Test func `sessions from before there were refresh tokens live on`() async throws {
        let folder = TemporaryFolder()
        let queue = try DatabaseQueue(path: folder.path + "/auth-svc.db")
        var migrator = DatabaseMigrator()
        AuthMigrations.register(in: &migrator)
        try migrator.migrate(queue, upTo: "auth-2")
        let expiry = (now / 1_000 + 60) * 1_000
        try await queue.write { [now] db in
            try db.execute(
                sql: """
                    INSERT INTO account (id, userName, nickname, uid, phoneNumber, ownsPhone, email, password, createdAt)
                    VALUES (1, 'old', 'Old', 'm_1', '13243218765', 1, 'a@b', 'record', 1);
                    """)
            for (id, dialect, revokedAt) in [(1, 1, nil), (2, 3, nil), (3, 2, now)] as [(Int, Int, Int64?)] {
                try db.execute(
                    sql: "INSERT INTO session VALUES (?, 1, ?, 'device', ?, ?, ?)",
                    arguments: [id, dialect, now - 5, expiry, revokedAt])
            }
        }
        try queue.close()

        try await withStore(in: folder) { store in
            #expect(
                try await store.liveSessions(of: AccountID(1), now: now, limit: 9)
                    == [(2, Dialect.rest), (1, .classic)].map { id, dialect in
                        AuthAPI.SessionInfo(
                            session: SessionID(id), dialect: dialect, device: "device", createdAt: now - 5,
                            lastSeenAt: now - 5, expiresAt: expiry / 1_000)
                    })
            #expect(
                try await store.revokedSessions(now: now).revocations
                    == [.init(session: SessionID(3), expiresAt: expiry / 1_000)])
            try await store.revoke(SessionID(2), of: AccountID(1), now: now)
            #expect(
                try await store.revokedSessions(now: now).revocations.map(\.session) == [SessionID(2), SessionID(3)])
            #expect(try await store.account(named: "13243218765", as: .phoneNumber) == AccountID(1))
            #expect(try await store.profiles(of: [AccountID(1)]).map(\.nickname) == ["Old"])
        }
    }

    @Test(arguments: [
        "INSERT INTO session (account, dialect, device, createdAt, expiresAt) VALUES (99, 1, '', 1, 2)",
        "INSERT INTO picture (account, version, mediaType, content) VALUES (99, 1, '', x'00')",
        "UPDATE account SET sex = 2", "UPDATE account SET userName = ''", "UPDATE account SET id = 0",
        "INSERT INTO refreshToken (session, generation, digest) VALUES (99, 1, zeroblob(32))",
        "UPDATE account SET email = x'00'", "UPDATE account SET uid = 'm_1'", "UPDATE account SET ownsPhone = 1",
    ])
    func `the schema refuses what must not be`(sql: String) async throws {
        try await withStore { store in
            for name in ["first", "second"] { _ = try await store.create(account(name)) }

            await #expect(throws: ServiceError(.internal)) {
                try await store.database.write { try $0.db.execute(sql: sql) }
            }
        }
    }

    // MARK: - Set-up

    private func withStore(
        in folder: TemporaryFolder = TemporaryFolder(), _ body: (AuthStore) async throws -> Void
    ) async throws {
        let database = try ServiceDatabase(
            in: DataDirectory(path: folder.path, service: .auth),
            logger: Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) },
            migrations: AuthMigrations.register)
        defer { database.close() }
        try await body(try await AuthStore(database))
    }

    private func account(_ userName: String, phoneNumber: String = "13243218765") throws -> NewAccount {
        NewAccount(
            userName: userName, nickname: nil, phoneNumber: phoneNumber, requiresOwnPhoneNumber: false, email: "",
            sex: -1, sign: "",
            password: try PasswordRecord.make(password: "old", cost: ScryptCost(n: 1_024, r: 8, p: 1)),
            picture: nil, createdAt: now)
    }

    private func createAndLookUp(
        _ userName: String, in store: AuthStore
    ) async throws -> (AccountID, PasswordRecord) {
        let id = try await store.create(account(userName)).account
        #expect(try await store.account(named: userName, as: .userName) == id)
        return (id, try #require(try await store.credentials(of: id)).password)
    }

    private func opening(
        _ account: AccountID, _ secondLogin: AuthAPI.SecondLogin = .refuse, at time: Int64, maxSessions: Int = 500
    ) -> SessionOpening {
        SessionOpening(
            .test(secondLogin: secondLogin), account: account,
            terms: SessionTerms(tokenSeconds: 86_400, refreshing: nil), maxSessions: maxSessions, refreshToken: nil,
            now: time)
    }

    private func openSession(
        _ account: AccountID, _ record: PasswordRecord, at time: Int64, in store: AuthStore
    ) async throws -> SessionID? {
        try await store.open(
            opening(account, at: time), checkedAgainst: record, upgrade: nil, until: .after(.seconds(60)))?.session
    }

    private func change(
        of account: AccountID, session: Int64 = 1, userName: String? = nil, password: PasswordRecord? = nil,
        picture: AccountChange.Picture? = nil
    ) -> AccountChange {
        AccountChange(
            account: account, session: SessionID(session), userName: userName, nickname: nil, uid: nil,
            password: password, phoneNumber: nil, email: nil, picture: picture)
    }

    private func cancel(_ account: AccountID, in store: AuthStore) async throws {
        try await store.database.write {
            try $0.db.execute(sql: "UPDATE account SET cancelledAt = 1 WHERE id = ?", arguments: [account])
        }
    }
}
