import GRDB
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService
@testable import Shared

@Suite struct ModifyAccountTests {
    private let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    private let long = String(repeating: "a", count: 256)

    @Test func `everything given is changed at once, and the account logs in with it`() async throws {
        try await withAuthService { bus, client in
            let account = try await client.ask(AuthAPI.Register.test()).profile.account
            _ = try await client.ask(AuthAPI.LogIn.test())
            let events = try await bus.follow(.auth)

            let profile = try await client.ask(
                AuthAPI.ModifyAccount.test(
                    userName: "Bob", newPassword: "654321", phoneNumber: "00000000000", email: "b@c", picture: png)
            ).profile

            #expect(
                profile
                    == Profile(
                        account: account, userName: "Bob", nickname: "Bob", uid: "m_1", phoneNumber: "00000000000",
                        email: "b@c", pictureVersion: 1, sex: -1, sign: "", isCancelled: false))
            #expect(try await client.ask(AuthAPI.Profiles(accounts: [account])).profiles == [profile])
            #expect(
                try await events.next(AuthAPI.ProfileChanged.self) == AuthAPI.ProfileChanged(account: account))
            #expect(try await client.ask(AuthAPI.LogIn.test("Bob", password: "654321")).profile == profile)
            #expect(await client.refusal(of: AuthAPI.LogIn.test("Bob"))?.code == .wrongCredentials)
            #expect(await client.refusal(of: AuthAPI.LogIn.test(password: "654321"))?.code == .accountNotFound)
            // The old name is free.
            #expect(try await client.ask(AuthAPI.Register.test()).profile.account == AccountID(2))
        }
    }

    @Test func `what is not given stays, and nothing given changes nothing and tells nobody`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test(picture: png))
            let before = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles

            #expect(try await [client.ask(AuthAPI.ModifyAccount.test()).profile] == before)
            #expect(try await [client.ask(AuthAPI.ModifyAccount.test(password: nil)).profile] == before)
            // One's own name is not somebody else's.
            #expect(try await [client.ask(AuthAPI.ModifyAccount.test(userName: "Ashitemaru")).profile] == before)
            #expect(try await client.announced().count == 0)
            _ = try await client.ask(AuthAPI.LogIn.test())
        }
    }

    @Test func `name and picture need no password, the rest does`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())

            for password in [nil, ""] as [String?] {
                _ = try await client.ask(AuthAPI.ModifyAccount.test(password: password, userName: "Bob", picture: png))
                for request in [
                    AuthAPI.ModifyAccount.test(password: password, newPassword: "654321"),
                    .test(password: password, phoneNumber: "00000000000"), .test(password: password, email: "b@c"),
                    .test(password: password, userName: "Carol", email: ""),
                ] {
                    #expect(await client.refusal(of: request) == ServiceError(.wrongPassword))
                }
            }
            #expect(try await client.ask(AuthAPI.LogIn.test("Bob")).profile.email == "12345678@qq.com")
        }
    }

    @Test(arguments: ["1234567", "123456 ", "123456\0", "密码", String(repeating: "1", count: 100_000)])
    func `a wrong password is refused even where none is needed, and nothing changes`(password: String) async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let before = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles

            for request in [
                AuthAPI.ModifyAccount.test(password: password, userName: "Bob"), .test(password: password),
                .test(password: password, userName: "Bob", newPassword: "654321", picture: png),
            ] {
                #expect(await client.refusal(of: request) == ServiceError(.wrongPassword))
            }
            #expect(try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles == before)
            #expect(await client.refusal(of: AuthAPI.ModifyAccount.test(99))?.code == .wrongPassword)
            #expect(
                await client.refusal(of: AuthAPI.ModifyAccount.test(99, password: nil, userName: "Eve"))?.code
                    == .wrongPassword)
        }
    }

    /// Each request breaks the rule it is listed for and all those after it.
    @Test func `rules are checked in the order of the document, and one broken rule changes nothing`() async throws {
        let tooLarge = [UInt8](repeating: 7, count: 524_289)
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.Register.test("Taken"))
            let before = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles

            let cases: [(AuthAPI.ModifyAccount, ServiceError)] = [
                (
                    .test(
                        password: "wrong", userName: "", newPassword: long, phoneNumber: "1", email: long,
                        picture: tooLarge), ServiceError(.wrongPassword)
                ),
                (
                    .test(userName: long, newPassword: long, phoneNumber: "1", email: long, picture: tooLarge),
                    ServiceError(.wrongLength, detail: "userName")
                ),
                (.test(userName: "", newPassword: long), ServiceError(.wrongLength, detail: "userName")),
                (
                    .test(userName: "Taken", newPassword: "", phoneNumber: "1", email: long, picture: tooLarge),
                    ServiceError(.passwordTooShort, detail: "6")
                ),
                (
                    .test(userName: "Taken", newPassword: "a b c d", phoneNumber: "1", email: long, picture: tooLarge),
                    ServiceError(.wrongLength, detail: "email")
                ),
                (
                    .test(userName: "Taken", phoneNumber: "1324321876", email: "a b", picture: tooLarge),
                    ServiceError(.wrongLength, detail: "phoneNumber")
                ),
                (
                    .test(userName: "Taken", newPassword: "a b c d", picture: tooLarge),
                    ServiceError(.pictureTooLarge, detail: "524288")
                ),
                (
                    .test(userName: "Taken", newPassword: "a b c d", email: "a b"),
                    ServiceError(.userNameTaken, detail: "Taken")
                ),
                (
                    .test(userName: "a b", newPassword: "a b c d", phoneNumber: "1324321876x", email: "a b"),
                    ServiceError(.forbiddenCharacters, detail: "userName")
                ),
                (
                    .test(userName: "free", newPassword: "a b c d", phoneNumber: "1324321876x", email: "a b"),
                    ServiceError(.forbiddenCharacters, detail: "password")
                ),
                (
                    .test(userName: "free", phoneNumber: "1324321876x", email: "a b", picture: [1]),
                    ServiceError(.forbiddenCharacters, detail: "phoneNumber")
                ),
                (
                    .test(userName: "free", newPassword: "654321", email: "a b", picture: [1]),
                    ServiceError(.forbiddenCharacters, detail: "email")
                ),
                (.test(password: nil, userName: "Taken\0"), ServiceError(.forbiddenCharacters, detail: "userName")),
            ]
            for (request, refusal) in cases { #expect(await client.refusal(of: request) == refusal) }

            #expect(try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles == before)
            #expect(try await client.announced().count == 0)
            _ = try await client.ask(AuthAPI.LogIn.test())
        }
    }

    // MARK: - Single fields

    @Test func `no picture version is given twice, also not after a removal`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            func version(after picture: [UInt8]) async throws -> Int64 {
                try await client.ask(AuthAPI.ModifyAccount.test(password: nil, picture: picture)).profile
                    .pictureVersion
            }

            #expect(try await version(after: []) == 0)
            #expect(try await version(after: png) == 1)
            #expect(try await version(after: png) == 2)
            #expect(try await version(after: []) == 0)
            #expect(try await client.ask(AuthAPI.Pictures(accounts: [AccountID(1)])).pictures.isEmpty)
            #expect(try await version(after: [0xFF, 0xD8, 0xFF]) == 3)
            #expect(
                try await client.ask(AuthAPI.Pictures(accounts: [AccountID(1)])).pictures == [
                    Picture(
                        account: AccountID(1), version: 3, mediaType: "image/jpeg", isDataURL: false,
                        content: Blob([0xFF, 0xD8, 0xFF]))
                ])
        }
    }

    @Test func `the nickname follows the user name until it is another`() async throws {
        try await withAuthService { bus, client in
            _ = try await client.ask(AuthAPI.Register.test())
            func nickname(after userName: String) async throws -> String {
                try await client.ask(AuthAPI.ModifyAccount.test(password: nil, userName: userName)).profile.nickname
            }

            #expect(try await nickname(after: "Bob") == "Bob")
            try await bus.changeDatabase("UPDATE account SET nickname = 'Bobby'")
            #expect(try await nickname(after: "Carol") == "Bobby")
        }
    }

    @Test func `nickname and handle are changed without a password, and everyone is told`() async throws {
        try await withAuthService { bus, client in
            let before = try await client.ask(AuthAPI.Register.test()).profile
            let events = try await bus.follow(.auth)

            let after = try await client.ask(
                AuthAPI.ModifyAccount.test(rules: .rest, password: nil, nickname: "明日丸", uid: "a-Z_0")
            ).profile

            var expected = before
            expected.nickname = "明日丸"
            expected.uid = "a-Z_0"
            #expect(after == expected)
            #expect(
                try await events.next(AuthAPI.ProfileChanged.self) == AuthAPI.ProfileChanged(account: AccountID(1)))
            // A nickname of one's own stays when the user name changes, and wins when both do.
            let renamed = try await client.ask(AuthAPI.ModifyAccount.test(userName: "Bob", nickname: "Bobby")).profile
            #expect(renamed.nickname == "Bobby")
        }
    }

    @Test func `a handle is one account's, and the way back to the default is always open`() async throws {
        try await withAuthAndSocial { _, client, _ in
            for name in ["first", "second", "third"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            func take(_ uid: String, as account: Int64) async -> ServiceError.Code? {
                await client.refusal(of: AuthAPI.ModifyAccount.test(account, rules: .rest, password: nil, uid: uid))?
                    .code
            }

            #expect(await take("wanted", as: 1) == nil)
            #expect(await take("wanted", as: 1) == nil)
            #expect(await take("wanted", as: 2) == .uidTaken)
            #expect(await take("Wanted", as: 2) == nil)
            #expect(await take("m_1", as: 2) == .uidTaken)
            #expect(await take("m_99", as: 2) == .uidTaken)
            #expect(await take("m_", as: 2) == .uidTaken)
            #expect(await take("m_1", as: 1) == nil)
            #expect(await take("wanted", as: 2) == nil)
            // What somebody was known by does not become somebody else's.
            _ = try await client.ask(AuthAPI.CancelAccount.test(2))
            #expect(await take("wanted", as: 3) == .uidTaken)
        }
    }

    @Test func `rest has lengths and an order of its own`() async throws {
        let steps: [(AuthAPI.ModifyAccount, ServiceError)] = [
            (
                .test(rules: .rest, password: "wrong", nickname: "", uid: "", newPassword: ""),
                ServiceError(.wrongPassword)
            ),
            (.test(rules: .rest, password: nil, uid: "", newPassword: "654321"), ServiceError(.wrongPassword)),
            (
                .test(rules: .rest, nickname: String(repeating: "字", count: 65), uid: "", newPassword: ""),
                ServiceError(.wrongLength, detail: "nickname")
            ),
            (
                .test(rules: .rest, nickname: "\n", uid: String(repeating: "a", count: 21), newPassword: ""),
                ServiceError(.wrongLength, detail: "uid")
            ),
            (
                .test(rules: .rest, nickname: "\n", uid: "", newPassword: ""),
                ServiceError(.wrongLength, detail: "uid")
            ),
            (
                .test(rules: .rest, nickname: "\n", uid: "m_2", newPassword: "12345"),
                ServiceError(.passwordTooShort, detail: "6")
            ),
            (
                .test(rules: .rest, nickname: "\n", uid: "m_2", newPassword: String(repeating: "1", count: 73)),
                ServiceError(.wrongLength, detail: "password")
            ),
            (.test(rules: .rest, nickname: "\n", uid: "m_2", newPassword: "12345\0"), ServiceError(.uidTaken)),
            (
                .test(rules: .rest, userName: "Taken", nickname: "\n", uid: "m_2"),
                ServiceError(.userNameTaken, detail: "Taken")
            ),
            (
                .test(rules: .rest, nickname: "\n", uid: "a b", newPassword: "12345\0"),
                ServiceError(.forbiddenCharacters, detail: "nickname")
            ),
            (
                .test(rules: .rest, nickname: "a", uid: "m_2\0", newPassword: "12345\0"),
                ServiceError(.forbiddenCharacters, detail: "uid")
            ),
            (
                .test(rules: .rest, nickname: "a", uid: "free", newPassword: "12345\0"),
                ServiceError(.forbiddenCharacters, detail: "password")
            ),
        ]
        try await withAuthService { _, client in
            let before = try await client.ask(AuthAPI.Register.test()).profile
            _ = try await client.ask(AuthAPI.Register.test("Taken"))

            for (request, refusal) in steps { #expect(await client.refusal(of: request) == refusal) }
            #expect(try await client.ask(AuthAPI.LogIn.test()).profile == before)
            let longest = String(repeating: "密", count: 72)
            _ = try await client.ask(
                AuthAPI.ModifyAccount.test(
                    rules: .rest, nickname: String(repeating: "字", count: 64), uid: String(repeating: "a", count: 20),
                    newPassword: longest))
            _ = try await client.ask(AuthAPI.LogIn.test(password: longest, dialect: .rest))
        }
    }

    @Test func `a number given up is nobody's, and the next to take it owns it`() async throws {
        try await withAuthHandlers { (handlers, call) async throws in
            for name in ["first", "second", "third"] { _ = try await handlers.register(.test(name), call) }
            func owners() async throws -> [String] {
                try await handlers.store.database.read { db in
                    try AccountID.fetchAll(db, sql: "SELECT id FROM account WHERE ownsPhone = 1 ORDER BY id")
                }.map(\.description)
            }
            let number = "13243218765"
            #expect(try await owners() == ["1"])

            // Taking a number that is another's is only to carry it.
            _ = try await handlers.modifyAccount(.test(2, phoneNumber: number), call)
            #expect(try await owners() == ["1"])
            _ = try await handlers.modifyAccount(.test(1, phoneNumber: number), call)
            #expect(try await owners() == ["1"])
            _ = try await handlers.modifyAccount(.test(1, phoneNumber: "00000000000"), call)
            #expect(try await owners() == ["1"])
            _ = try await handlers.modifyAccount(.test(3, phoneNumber: number), call)
            #expect(try await owners() == ["1", "3"])
            _ = try await handlers.modifyAccount(.test(1, phoneNumber: number), call)
            #expect(try await owners() == ["3"])
        }
    }

    // MARK: - Sessions

    @Test func `a new password ends all other sessions of the account and no others`() async throws {
        try await withAuthService { bus, client in
            for name in ["Ashitemaru", "Other"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            let own = try await client.ask(AuthAPI.LogIn.test())
            let others = [
                try await client.ask(AuthAPI.LogIn.test()), try await client.ask(AuthAPI.LogIn.test(dialect: .rest)),
            ]
            let stranger = try await client.ask(AuthAPI.LogIn.test("Other"))
            let events = try await bus.follow(.auth)

            _ = try await client.ask(
                AuthAPI.ModifyAccount.test(session: own.session.rawValue, newPassword: "654321"))

            for other in others {
                let expiresAt = try await client.verify(other.token).expiresAt
                #expect(
                    try await events.next(AuthAPI.SessionRevoked.self)
                        == AuthAPI.SessionRevoked(
                            session: other.session, account: AccountID(1), expiresAt: expiresAt))
                #expect(await client.refusal(of: AuthAPI.LogOut.test(other.session))?.code == .sessionOver)
            }
            let revoked = try await client.ask(AuthAPI.RevokedSessions())
            #expect(revoked.revocations.map(\.session) == others.map(\.session))
            // The profile is what it was, so nobody is told of it.
            #expect(try await client.announced().count == 2)
            _ = try await client.ask(AuthAPI.LogOut.test(own.session))
            _ = try await client.ask(AuthAPI.LogOut.test(stranger.session, of: 2))
        }
    }

    @Test func `other changes end no session`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            for _ in 1...2 { _ = try await client.ask(AuthAPI.LogIn.test()) }

            _ = try await client.ask(
                AuthAPI.ModifyAccount.test(userName: "Bob", phoneNumber: "00000000000", email: "", picture: png))

            #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations.isEmpty)
        }
    }

    @Test func `a change survives a restart`() async throws {
        let bus = try TestBus()
        let profile = try await withAuthService(on: bus) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.LogIn.test())
            return try await client.ask(
                AuthAPI.ModifyAccount.test(session: 9, userName: "Bob", newPassword: "654321", picture: png)
            ).profile
        }
        try await withAuthService(dataPath: bus.configuration.dataPath) { (_, client) async throws in
            #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations.map(\.session) == [SessionID(1)])
            #expect(try await client.ask(AuthAPI.LogIn.test("Bob", password: "654321")).profile == profile)
        }
    }

    // MARK: - Races

    @Test func `of those who want one name at once one gets it`() async throws {
        try await withAuthService { _, client in
            for number in 1...6 { _ = try await client.ask(AuthAPI.Register.test("user\(number)")) }

            let results = await client.askAll(
                (1...6).map { AuthAPI.ModifyAccount.test($0, userName: "Wanted") })

            #expect(results.compactMap(\.value).map(\.profile.userName) == ["Wanted"])
            #expect(
                results.compactMap(\.error)
                    == Array(repeating: ServiceError(.userNameTaken, detail: "Wanted"), count: 5))
            let found = try await client.ask(AuthAPI.FindAccounts(match: .userNamePrefix, text: "")).profiles
            #expect(found.count == 6)
        }
    }

    @Test func `of those who want one handle at once one gets it`() async throws {
        try await withAuthService { _, client in
            for number in 1...6 { _ = try await client.ask(AuthAPI.Register.test("user\(number)")) }

            let results = await client.askAll(
                (1...6).map { AuthAPI.ModifyAccount.test($0, rules: .rest, password: nil, uid: "wanted") })

            #expect(results.compactMap(\.value).map(\.profile.uid) == ["wanted"])
            #expect(results.compactMap(\.error) == Array(repeating: ServiceError(.uidTaken), count: 5))
            let found = try await client.ask(AuthAPI.FindAccounts(match: .uid, text: "wanted")).profiles
            #expect(found == results.compactMap(\.value).map(\.profile))
        }
    }

    @Test func `of two new passwords at once one wins and the other is refused`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())

            let results = await client.askAll(
                (1...4).map { AuthAPI.ModifyAccount.test(newPassword: "newest\($0)") })

            #expect(results.compactMap(\.value).count == 1)
            #expect(results.compactMap(\.error) == Array(repeating: ServiceError(.wrongPassword), count: 3))
            let logIns = await client.askAll((1...4).map { AuthAPI.LogIn.test(password: "newest\($0)") })
            #expect(logIns.compactMap(\.value).count == 1)
        }
    }

    @Test func `no log-in with the old password outlives a change of it`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let own = try await client.ask(AuthAPI.LogIn.test()).session

            async let logIns = client.askAll((1...12).map { _ in AuthAPI.LogIn.test() })
            _ = try await client.ask(AuthAPI.ModifyAccount.test(session: own.rawValue, newPassword: "654321"))
            let results = await logIns

            let opened = results.compactMap(\.value?.session)
            let revoked = try await client.ask(AuthAPI.RevokedSessions()).revocations.map(\.session)
            #expect(Set(opened) == Set(revoked))
            #expect(results.compactMap(\.error).allSatisfy { $0.code == .wrongCredentials })
            #expect(opened.count + results.compactMap(\.error).count == 12)
        }
    }

    @Test func `a change is checked anew when a log-in has made the record anew meanwhile`() async throws {
        let bus = try TestBus()
        try await withAuthService(on: bus) { _, client in _ = try await client.ask(AuthAPI.Register.test()) }
        var configuration = try testConfiguration()
        configuration.passwordCost = try ScryptCost(n: 2_048, r: 8, p: 1)
        try await withAuthService(dataPath: bus.configuration.dataPath, configuration) { _, client in
            async let logIns = client.askAll((1...3).map { _ in AuthAPI.LogIn.test() })
            let changes = await client.askAll((1...3).map { AuthAPI.ModifyAccount.test(email: "\($0)@c") })

            #expect(changes.compactMap(\.error) == [])
            #expect(await logIns.compactMap(\.error) == [])
        }
    }

    @Test func `a change that nobody waits for any more is not made`() async throws {
        try await withAuthHandlers { (handlers, call) async throws in
            _ = try await handlers.register(.test(), call)
            let late = BusCall(caller: .gateway, trace: "late", deadline: .now)

            await #expect(throws: ServiceError(.unavailable)) {
                _ = try await handlers.modifyAccount(.test(userName: "Bob"), late)
            }
            await #expect(throws: ServiceError(.unavailable)) { _ = try await handlers.cancelAccount(.test(), late) }

            #expect(try await handlers.logIn(.test(), call).profile.userName == "Ashitemaru")
        }
    }
}
