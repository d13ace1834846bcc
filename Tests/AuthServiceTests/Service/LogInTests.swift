import Foundation
import GRDB
import SharedStorage
import TestSupport
import Testing

@testable import AuthService
@testable import Shared
@testable import SharedCrypto

@Suite struct LogInTests {
    /// The names of the account that ``AuthAPI/Register/test`` makes first.
    private let names: [(AuthAPI.LogInName, String)] = [
        (.userName, "Ashitemaru"), (.uid, "m_1"), (.phoneNumber, "13243218765"),
    ]

    @Test func `a password whose caller is about to give up is not hashed any more`() async throws {
        try await withAuthHandlers(cost: ScryptCost()) { handlers, _ in
            let codes = await withTaskGroup(of: ServiceError.Code?.self) { group in
                for index in 0..<16 {
                    let call = BusCall(caller: .gateway, trace: "\(index)", deadline: .after(.milliseconds(900)))
                    group.addTask {
                        await refusal { () async throws(ServiceError) in
                            try await handlers.logIn(.test("nobody\(index)"), call)
                        }?.code
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(codes.contains(.unavailable))
            #expect(handlers.hasher.queue.waitingCount == 0)
        }
    }

    @Test(arguments: [(Dialect.classic, 86_400), (.socket, 86_400), (.rest, 900)] as [(Dialect, Int64)])
    func `a log-in gives a token for its session that the served keys verify`(
        dialect: Dialect, lifetime: Int64
    ) async throws {
        try await withAuthService { _, client in
            let account = try await client.ask(AuthAPI.Register.test()).profile.account

            let reply = try await client.ask(AuthAPI.LogIn.test(dialect: dialect))

            let claims = try await client.verify(reply.token)
            #expect(claims.account == account.rawValue)
            #expect(claims.session == reply.session.rawValue)
            #expect(claims.dialect == dialect.description)
            #expect(claims.expiresAt - claims.issuedAt == lifetime)
            #expect(claims.expiresAt == reply.expiresAt)
            #expect((reply.refreshToken != nil) == (dialect == .rest))
            #expect(reply.profile.account == account)
            #expect(reply.profile.userName == "Ashitemaru")
        }
    }

    @Test func `sessions are numbered in the order of the log-ins`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())

            for number in 1...3 {
                #expect(try await client.ask(AuthAPI.LogIn.test()).session == SessionID(Int64(number)))
            }
        }
    }

    @Test(arguments: ["1234567", "", "123456\0", "123456 ", "密码", String(repeating: "1", count: 100_000)])
    func `a wrong password is refused, and named as such`(password: String) async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())

            for (kind, name) in names {
                #expect(
                    await client.refusal(of: AuthAPI.LogIn.test(name, kind: kind, password: password))
                        == ServiceError(.wrongCredentials))
            }
        }
    }

    @Test(
        arguments: [
            (.userName, "ashitemaru"), (.userName, "Nobody"), (.userName, ""), (.userName, "Ashitemaru\0"),
            (.userName, "m_1"), (.userName, "13243218765"), (.userName, String(repeating: "a", count: 100_000)),
            (.uid, "Ashitemaru"), (.uid, "M_1"), (.uid, "m_1\0"), (.uid, "m_3"), (.uid, ""),
            (.phoneNumber, "13243218766"), (.phoneNumber, ""), (.phoneNumber, "13243218765\0"), (.phoneNumber, "m_1"),
        ] as [(AuthAPI.LogInName, String)])
    func `a name that is nobody's is refused, and named as such`(kind: AuthAPI.LogInName, name: String) async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.Register.test("nophone", phoneNumber: "", rules: .socket))

            #expect(
                await client.refusal(of: AuthAPI.LogIn.test(name, kind: kind)) == ServiceError(.accountNotFound))
        }
    }

    @Test func `user name, handle and phone number lead to the same account, in every dialect`() async throws {
        try await withAuthService { _, client in
            let profile = try await client.ask(AuthAPI.Register.test()).profile

            for dialect in Dialect.allCases {
                for (kind, name) in names {
                    let reply = try await client.ask(AuthAPI.LogIn.test(name, kind: kind, dialect: dialect))
                    #expect(reply.profile == profile)
                }
            }
        }
    }

    @Test func `a chosen handle takes the place of the default one`() async throws {
        try await withAuthService { _, client in
            let account = try await client.ask(AuthAPI.Register.test()).profile.account
            _ = try await client.ask(AuthAPI.ModifyAccount.test(password: nil, uid: "my-handle_1"))

            let reply = try await client.ask(AuthAPI.LogIn.test("my-handle_1", kind: .uid))
            #expect(reply.profile.account == account)
            #expect(await client.refusal(of: AuthAPI.LogIn.test("m_1", kind: .uid))?.code == .accountNotFound)
        }
    }

    @Test func `a phone number leads to the account that owns it, not to those that carry it`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test("owner", password: "owner1"))
            _ = try await client.ask(AuthAPI.Register.test("carrier", password: "carrier1"))
            let number = "13243218765"

            #expect(
                await client.refusal(of: AuthAPI.LogIn.test(number, kind: .phoneNumber, password: "carrier1"))
                    == ServiceError(.wrongCredentials))
            let reply = try await client.ask(AuthAPI.LogIn.test(number, kind: .phoneNumber, password: "owner1"))
            #expect(reply.profile.userName == "owner")
        }
    }

    @Test(
        arguments: [
            (.classic, "123456"), (.socket, "      "), (.socket, "密码 pass\tword\u{7F}"), (.rest, "🔑🔑🔑🔑🔑🔑"),
            (.rest, String(repeating: "密", count: 72)), (.socket, String(repeating: "🔑", count: 255)),
        ] as [(Dialect, String)])
    func `whatever password a dialect takes opens every other, to its last character`(
        rules: Dialect, password: String
    ) async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(
                AuthAPI.Register.test(password: password, nickname: "A", phoneNumber: "13243218765", rules: rules))
            let uid = "m_1"

            for dialect in Dialect.allCases {
                _ = try await client.ask(AuthAPI.LogIn.test(uid, kind: .uid, password: password, dialect: dialect))
                for wrong in [password + " ", password + "\0", String(password.dropLast()) + "x"] {
                    #expect(
                        await client.refusal(
                            of: AuthAPI.LogIn.test(uid, kind: .uid, password: wrong, dialect: dialect))?.code
                            == .wrongCredentials)
                }
            }
        }
    }

    @Test func `a password of 255 characters counts to its last one`() async throws {
        let start = String(repeating: "p", count: 254)
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test(password: start + "1"))

            #expect(await client.refusal(of: AuthAPI.LogIn.test(password: start + "2"))?.code == .wrongCredentials)
            _ = try await client.ask(AuthAPI.LogIn.test(password: start + "1"))
        }
    }

    @Test func `a cancelled account is unknown and its name is free`() async throws {
        try await withAuthService { bus, client in
            let cancelled = try await client.ask(AuthAPI.Register.test()).profile.account
            try await bus.changeDatabase("UPDATE account SET cancelledAt = 1 WHERE id = \(cancelled)")

            #expect(await client.refusal(of: AuthAPI.LogIn.test())?.code == .accountNotFound)
            let heir = try await client.ask(AuthAPI.Register.test()).profile.account
            #expect(heir == AccountID(2))
            #expect(try await client.ask(AuthAPI.LogIn.test()).profile.account == heir)
        }
    }

    @Test func `an unknown name is hashed like a known one`() async throws {
        var configuration = try testConfiguration()
        configuration.passwordCost = try ScryptCost(n: 32_768, r: 8, p: 2)
        configuration.maxWaitingHashes = 0
        try await withAuthService(configuration) { _, client in
            let results = await client.askAll((0..<6).map { AuthAPI.LogIn.test("nobody\($0)") })

            // Only what reaches the password thread can find it busy.
            #expect(results.compactMap(\.error).contains(ServiceError(.unavailable)))
            #expect(results.compactMap(\.error).contains(ServiceError(.accountNotFound)))
        }
    }

    // MARK: - Second log-in

    @Test func `a second log-in of the dialect is refused while a session lives`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let first = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))

            #expect(
                await client.refusal(of: AuthAPI.LogIn.test(secondLogin: .refuse)) == ServiceError(.alreadyLoggedIn))
            #expect(
                await client.refusal(of: AuthAPI.LogIn.test(password: "wrong", secondLogin: .refuse))
                    == ServiceError(.wrongCredentials))
            _ = try await client.ask(AuthAPI.LogIn.test(dialect: .socket, secondLogin: .refuse))
            _ = try await client.ask(AuthAPI.LogIn.test(secondLogin: .allow))

            #expect(first.session == SessionID(1))
        }
    }

    @Test func `a revoked session does not stand in the way`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let first = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))
            _ = try await client.ask(AuthAPI.LogOut.test(first.session))

            let second = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))

            #expect(second.session > first.session)
            #expect(second.token != first.token)
        }
    }

    @Test func `of simultaneous log-ins that refuse a second one exactly one wins`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())

            let results = await client.askAll((0..<8).map { _ in AuthAPI.LogIn.test(secondLogin: .refuse) })

            #expect(results.compactMap(\.value).count == 1)
            #expect(
                results.compactMap(\.error) == Array(repeating: ServiceError(.alreadyLoggedIn), count: 7))
        }
    }

    @Test func `a log-in that nobody waits for any more opens no session`() async throws {
        try await withAuthHandlers { (handlers, call) async throws in
            _ = try await handlers.register(.test(), call)
            let late = BusCall(caller: .gateway, trace: "late", deadline: .now)

            await #expect(throws: ServiceError(.unavailable)) {
                _ = try await handlers.logIn(.test(secondLogin: .refuse), late)
            }

            #expect(try await handlers.logIn(.test(secondLogin: .refuse), call).session == SessionID(1))
        }
    }

    @Test func `a registration that nobody waits for any more creates no account`() async throws {
        try await withAuthHandlers { (handlers, call) async throws in
            let late = BusCall(caller: .gateway, trace: "late", deadline: .now)

            await #expect(throws: ServiceError(.unavailable)) { _ = try await handlers.register(.test(), late) }

            #expect(try await handlers.register(.test(), call).profile.account == AccountID(1))
        }
    }

    // MARK: - Records and logs

    @Test func `a record of a lower cost is made anew at log-in, and the password stays`() async throws {
        let bus = try TestBus()
        try await withAuthService(on: bus) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
        }
        #expect(try await bus.passwordRecord().hasPrefix("$scrypt$ln=10,r=8,p=1$"))

        var configuration = try testConfiguration()
        configuration.passwordCost = try ScryptCost(n: 2_048, r: 8, p: 1)
        try await withAuthService(dataPath: bus.configuration.dataPath, configuration) { _, client in
            let results = await client.askAll([AuthAPI.LogIn.test(), .test(), .test()])
            #expect(results.compactMap(\.error) == [])
        }

        #expect(try await bus.passwordRecord().hasPrefix("$scrypt$ln=11,r=8,p=1$"))
        try await withAuthService(dataPath: bus.configuration.dataPath, configuration) { _, client in
            _ = try await client.ask(AuthAPI.LogIn.test())
        }
    }

    @Test func `the log names account, address and request, and no secret`() async throws {
        let bus = try TestBus()
        let log = RecordedLog()
        let service = AuthService(
            try testConfiguration(), bus: bus.configuration, context: bus.context, logger: log.logger)
        try await service.start()
        let client = try await bus.client(of: .auth)

        _ = try await client.ask(AuthAPI.Register.test(password: "hunter2"))
        let token = try await client.ask(AuthAPI.LogIn.test(password: "hunter2")).token
        let rest = try await client.ask(AuthAPI.LogIn.test(password: "hunter2", dialect: .rest))
        let refreshToken = try #require(rest.refreshToken)
        _ = try await client.ask(AuthAPI.Refresh(refreshToken: refreshToken))
        _ = await client.refusal(of: AuthAPI.LogIn.test(password: "hunter3"))
        _ = await client.refusal(of: AuthAPI.LogIn.test("hunter4"))
        await service.stop()

        let lines = log.lines
        #expect(lines.contains("info: logged in account=1 address=192.0.2.1 request.id=test session=1"))
        #expect(
            lines.contains(
                "info: log-in refused account=1 address=192.0.2.1 reason=wrongCredentials request.id=test"))
        #expect(
            lines.contains(
                "info: log-in refused account=unknown address=192.0.2.1 reason=accountNotFound request.id=test"))
        #expect(
            !lines.contains {
                $0.contains("hunter") || $0.contains("mrt_") || $0.contains(token) || $0.contains("scrypt")
            })
    }
}

extension BusClient {
    /// The claims of a token under the keys the service serves, at a time in seconds since 1970.
    func verify(_ token: String, now: Int64 = WallClock.seconds) async throws -> AccessClaims {
        var keys: [String: Ed25519PublicKey] = [:]
        for key in try await ask(AuthAPI.SigningKeys()).keys {
            keys[key.id] = try Ed25519PublicKey(rawBytes: key.publicKey.bytes)
        }
        return try TokenVerifier(keys: keys).verify(token, now: now)
    }
}

extension TestBus {
    /// Changes the service's database behind its back.
    func changeDatabase(_ sql: String) async throws {
        let queue = try DatabaseQueue(path: configuration.dataPath + "/auth-svc.db")
        try await queue.write { db in try db.execute(sql: sql) }
        try queue.close()
    }

    /// A number that the service's database knows.
    func readNumber(_ sql: String) async throws -> Int {
        let queue = try DatabaseQueue(path: configuration.dataPath + "/auth-svc.db")
        defer { try? queue.close() }
        return try await queue.read { db in try Int.fetchOne(db, sql: sql) } ?? 0
    }

    /// The password record of the only account.
    func passwordRecord() async throws -> String {
        let queue = try DatabaseQueue(path: configuration.dataPath + "/auth-svc.db")
        defer { try? queue.close() }
        return try await queue.read { db in try String.fetchOne(db, sql: "SELECT password FROM account") } ?? ""
    }

    /// When each session was last seen, in the order of the sessions.
    func lastSeen() async throws -> [Int64] {
        let queue = try DatabaseQueue(path: configuration.dataPath + "/auth-svc.db")
        defer { try? queue.close() }
        return try await queue.read { db in
            try Int64.fetchAll(db, sql: "SELECT lastSeenAt FROM session ORDER BY id")
        }
    }

    /// The accounts that own their phone numbers.
    func phoneOwners() async throws -> [Int64] {
        let queue = try DatabaseQueue(path: configuration.dataPath + "/auth-svc.db")
        defer { try? queue.close() }
        return try await queue.read { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM account WHERE ownsPhone = 1 ORDER BY id")
        }
    }
}
