import Foundation
import GRDB
import Logging
import Shared
import SharedCrypto
import SharedStorage
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

            #expect(second == AccountID(2))
            #expect(try await store.create(account("third")) == AccountID(3))
        }
    }

    @Test func `handles are m_ and the id in base 36`() async throws {
        try await withStore { store in
            try await store.database.write {
                try $0.db.execute(sql: "INSERT INTO sqlite_sequence (name, seq) VALUES ('account', 46654)")
            }

            let id = try await store.create(account("late"))

            #expect(try await store.profiles(of: [id]).map(\.uid) == ["m_zzz"])
        }
    }

    @Test func `a name is taken until its account is cancelled`() async throws {
        try await withStore { store in
            #expect(try await !store.isTaken(userName: "first"))
            let id = try await store.create(account("first"))
            #expect(try await store.isTaken(userName: "first"))
            await #expect(throws: ServiceError(.userNameTaken, detail: "first")) {
                _ = try await store.create(account("first"))
            }

            try await cancel(id, in: store)

            #expect(try await !store.isTaken(userName: "first"))
            #expect(try await store.credentials(userName: "first") == nil)
            _ = try await store.create(account("first"))
        }
    }

    @Test func `an expired session does not stand in the way and cannot be logged out`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            let first = try await store.open(opening(id, at: now), checkedAgainst: record, upgrade: nil).session
            let expiry = (now / 1_000 + 86_400) * 1_000

            await #expect(throws: ServiceError(.alreadyLoggedIn)) {
                _ = try await store.open(opening(id, at: expiry - 1), checkedAgainst: record, upgrade: nil)
            }
            await #expect(throws: ServiceError(.sessionOver)) { try await store.revoke(first, now: expiry) }
            _ = try await store.open(opening(id, at: expiry), checkedAgainst: record, upgrade: nil)
        }
    }

    @Test func `a revocation is listed until the token expires`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            let session = try await store.open(opening(id, at: now), checkedAgainst: record, upgrade: nil).session
            try await store.revoke(session, now: now + 1)
            let expiresAt = now / 1_000 + 86_400

            let before = try await store.revokedSessions(now: expiresAt * 1_000 - 1)
            let after = try await store.revokedSessions(now: expiresAt * 1_000)

            #expect(
                before
                    == AuthAPI.RevokedSessions.Reply(
                        revocations: [.init(session: session, expiresAt: expiresAt)], position: 1))
            #expect(after == AuthAPI.RevokedSessions.Reply(revocations: [], position: 1))
        }
    }

    @Test func `log-ins forget sessions a day after their expiry, at most 100 each`() async throws {
        try await withStore { store in
            let (id, record) = try await createAndLookUp("user", in: store)
            for _ in 1...150 {
                _ = try await store.open(opening(id, .allow, at: now), checkedAgainst: record, upgrade: nil)
            }

            func countAfterLogIn(at time: Int64) async throws -> Int? {
                _ = try await store.open(opening(id, .allow, at: time), checkedAgainst: record, upgrade: nil)
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

            await #expect(throws: ServiceError(.wrongCredentials)) {
                _ = try await store.open(opening(id, at: now), checkedAgainst: record, upgrade: nil)
            }
        }
    }

    @Test func `an upgrade never replaces a record it was not made for`() async throws {
        try await withStore { store in
            let (id, old) = try await createAndLookUp("user", in: store)
            let upgraded = try PasswordRecord.make(password: "old", cost: ScryptCost(n: 2_048, r: 8, p: 1))
            let changed = try PasswordRecord.make(password: "new", cost: ScryptCost(n: 1_024, r: 8, p: 1))
            try await store.database.write {
                try $0.db.execute(sql: "UPDATE account SET password = ?", arguments: [changed.phc])
            }

            _ = try await store.open(opening(id, at: now), checkedAgainst: old, upgrade: upgraded)

            #expect(try await store.credentials(userName: "user")?.password == changed)
        }
    }

    @Test(arguments: [
        "INSERT INTO session (account, dialect, device, createdAt, expiresAt) VALUES (99, 1, '', 1, 2)",
        "INSERT INTO picture (account, version, mediaType, content) VALUES (99, 1, '', x'00')",
        "UPDATE account SET sex = 2", "UPDATE account SET userName = ''", "UPDATE account SET id = 0",
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

    private func withStore(_ body: (AuthStore) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("auth-\(UUID().uuidString)").path
        // A folder that cannot be removed is left to the system's own cleaning of temporary files.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try ServiceDatabase(
            in: DataDirectory(path: folder, service: .auth),
            logger: Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) },
            migrations: AuthMigrations.register)
        defer { database.close() }
        try await body(AuthStore(database: database))
    }

    private func account(_ userName: String, phoneNumber: String = "13243218765") throws -> NewAccount {
        NewAccount(
            userName: userName, phoneNumber: phoneNumber, email: "",
            password: try PasswordRecord.make(password: "old", cost: ScryptCost(n: 1_024, r: 8, p: 1)), picture: nil,
            createdAt: now)
    }

    private func createAndLookUp(
        _ userName: String, in store: AuthStore
    ) async throws -> (AccountID, PasswordRecord) {
        let id = try await store.create(account(userName))
        let credentials = try #require(try await store.credentials(userName: userName))
        #expect(credentials.account == id)
        return (id, credentials.password)
    }

    private func opening(
        _ account: AccountID, _ secondLogin: AuthAPI.SecondLogin = .refuse, at time: Int64
    ) -> SessionOpening {
        SessionOpening(
            .test(secondLogin: secondLogin), account: account, lifetimeSeconds: 86_400, now: time)
    }

    private func cancel(_ account: AccountID, in store: AuthStore) async throws {
        try await store.database.write {
            try $0.db.execute(sql: "UPDATE account SET cancelledAt = 1 WHERE id = ?", arguments: [account])
        }
    }
}
