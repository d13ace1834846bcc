import Shared
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService

@Suite(.timeLimit(.minutes(5))) struct CancelAccountTests {
    @Test func `a cancelled account shows its marked name and nothing else`() async throws {
        try await withAuthAndSocial { bus, client, social in
            let account = try await client.ask(AuthAPI.Register.test(picture: [1, 2, 3])).profile.account
            try await bus.changeDatabase("UPDATE account SET nickname = 'Nick', sex = 1, sign = 'hello'")
            let events = try await bus.follow(.auth)

            _ = try await client.ask(AuthAPI.CancelAccount.test())

            #expect(
                try await client.ask(AuthAPI.Profiles(accounts: [account])).profiles == [
                    Profile(
                        account: account, userName: "Ashitemaru（已注销）", nickname: "Ashitemaru（已注销）", uid: "m_1",
                        phoneNumber: "", email: "", pictureVersion: 0, sex: -1, sign: "", isCancelled: true)
                ])
            #expect(try await client.ask(AuthAPI.Pictures(accounts: [account])).pictures.isEmpty)
            #expect(try await bus.passwordRecord().isEmpty)
            #expect(
                try await events.next(AuthAPI.ProfileChanged.self) == AuthAPI.ProfileChanged(account: account))
            #expect(try await social.cancelled == [account])
        }
    }

    @Test func `it is found and logged in to no more, and its name is free at once`() async throws {
        try await withAuthAndSocial { _, client, _ in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.CancelAccount.test())

            for name in ["Ashitemaru", "Ashitemaru（已注销）"] {
                for match in [AuthAPI.AccountMatch.userName, .userNamePrefix, .partOfNickname] {
                    #expect(
                        try await client.ask(AuthAPI.FindAccounts(match: match, text: name)).profiles == [])
                }
                #expect(await client.refusal(of: AuthAPI.LogIn.test(name))?.code == .accountNotFound)
            }
            #expect(await client.refusal(of: AuthAPI.LogIn.test(password: ""))?.code == .accountNotFound)

            let heir = try await client.ask(AuthAPI.Register.test()).profile.account
            #expect(heir == AccountID(2))
            #expect(try await client.ask(AuthAPI.LogIn.test()).profile.account == heir)
            // Its heir may go the same way: two dead entries of one name.
            _ = try await client.ask(AuthAPI.CancelAccount.test(2))
            let dead = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1), heir])).profiles
            #expect(dead.map(\.userName) == ["Ashitemaru（已注销）", "Ashitemaru（已注销）"])
            #expect(try await client.ask(AuthAPI.Register.test()).profile.account == AccountID(3))
        }
    }

    @Test func `all its sessions end, and nobody else's`() async throws {
        try await withAuthAndSocial { bus, client, _ in
            for name in ["Ashitemaru", "Other"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            let sessions = [
                try await client.ask(AuthAPI.LogIn.test()), try await client.ask(AuthAPI.LogIn.test(dialect: .socket)),
            ].map(\.session)
            let other = try await client.ask(AuthAPI.LogIn.test("Other")).session
            let events = try await bus.follow(.auth)

            _ = try await client.ask(AuthAPI.CancelAccount.test())

            for session in sessions {
                let event = try await events.next(AuthAPI.SessionRevoked.self)
                #expect(event.session == session)
                #expect(event.account == AccountID(1))
                #expect(await client.refusal(of: AuthAPI.LogOut.test(session))?.code == .sessionOver)
            }
            #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations.map(\.session) == sessions)
            _ = try await client.ask(AuthAPI.LogOut.test(other, of: 2))
        }
    }

    @Test(arguments: ["", "1234567", "123456\0", "密码"])
    func `a wrong password changes nothing`(password: String) async throws {
        try await withAuthAndSocial { _, client, social in
            let account = try await client.ask(AuthAPI.Register.test()).profile.account
            let before = try await client.ask(AuthAPI.LogIn.test()).profile

            #expect(
                await client.refusal(of: AuthAPI.CancelAccount.test(password: password))
                    == ServiceError(.wrongPassword))
            #expect(await client.refusal(of: AuthAPI.CancelAccount.test(99))?.code == .wrongPassword)

            #expect(try await client.ask(AuthAPI.Profiles(accounts: [account])).profiles == [before])
            #expect(try await client.announced().count == 0)
            _ = try await client.ask(AuthAPI.LogIn.test())
            #expect(try await social.cancelled.isEmpty)
        }
    }

    @Test func `its phone number may be owned by another`() async throws {
        try await withAuthAndSocial { bus, client, _ in
            for name in ["first", "second"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            _ = try await client.ask(AuthAPI.CancelAccount.test(1))

            _ = try await client.ask(AuthAPI.Register.test("third"))

            #expect(try await bus.phoneOwners() == [3])
        }
    }

    // MARK: - Delivery

    @Test func `while social-svc is away the outcome is unknown, and it is told later, also after a restart`()
        async throws
    {
        let bus = try TestBus()
        try await withAuthService(on: bus) { _, client in
            for name in ["Ashitemaru", "Other"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            let session = try await client.ask(AuthAPI.LogIn.test()).session

            #expect(try await cancelUnheard(client) == .outcomeUnknown)

            // Here it is over already.
            #expect(await client.refusal(of: AuthAPI.LogOut.test(session))?.code == .sessionOver)
            #expect(await client.refusal(of: AuthAPI.LogIn.test())?.code == .accountNotFound)
        }
        let second = try TestBus()
        try await withFakeSocialService(on: second) { social in
            try await withAuthService(on: second, dataPath: bus.configuration.dataPath) { _, client in
                // In order: when the second is answered the first has arrived.
                _ = try await client.ask(AuthAPI.CancelAccount.test(2))
                #expect(try await social.cancelled.last == AccountID(2))
                #expect(Set(try await social.cancelled) == [AccountID(1), AccountID(2)])
            }
        }
    }

    @Test func `repeating is harmless, and answered when social-svc has taken note`() async throws {
        try await withAuthAndSocial { _, client, social in
            _ = try await client.ask(AuthAPI.Register.test())
            social.refuse(true)
            #expect(try await cancelUnheard(client) == .outcomeUnknown)
            social.refuse(false)

            let before = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles
            let announced = try await client.announced()
            _ = try await client.ask(AuthAPI.CancelAccount.test())

            #expect(Set(try await social.cancelled) == [AccountID(1)])
            #expect(try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles == before)
            #expect(try await client.announced() == announced)
        }
    }

    @Test func `a restart keeps it cancelled`() async throws {
        let bus = try TestBus()
        try await withFakeSocialService(on: bus) { _ in
            try await withAuthService(on: bus) { _, client in
                _ = try await client.ask(AuthAPI.Register.test(picture: [1]))
                _ = try await client.ask(AuthAPI.LogIn.test())
                _ = try await client.ask(AuthAPI.CancelAccount.test())
            }
        }
        try await withAuthService(dataPath: bus.configuration.dataPath) { (_, client) async throws in
            #expect(await client.refusal(of: AuthAPI.LogIn.test())?.code == .accountNotFound)
            #expect(
                try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles.map(\.isCancelled) == [true])
            #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations.map(\.session) == [SessionID(1)])
            #expect(try await client.ask(AuthAPI.Register.test()).profile.account == AccountID(2))
        }
    }

    // MARK: - Races

    @Test func `cancelled at once by several it ends once`() async throws {
        try await withAuthAndSocial { _, client, _ in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.LogIn.test())

            let results = await client.askAll((1...4).map { _ in AuthAPI.CancelAccount.test() })

            #expect(results.compactMap(\.error) == [])
            let profile = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles
            #expect(profile.map(\.userName) == ["Ashitemaru（已注销）"])
            // One session revoked, one profile changed.
            #expect(try await client.announced().count == 2)
        }
    }

    @Test(arguments: 1...8)
    func `an account that is changed and cancelled at once is one or the other, never half`(_: Int) async throws {
        try await withAuthAndSocial { _, client, _ in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.LogIn.test())

            async let changes = client.askAll([
                AuthAPI.ModifyAccount.test(newPassword: "654321"),
                .test(password: nil, userName: "Bob", picture: [1]),
            ])
            async let cancellations = client.askAll([AuthAPI.CancelAccount.test()])
            let (changed, cancelled) = (await changes, await cancellations)

            let profile = try #require(
                try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles.first)
            #expect(changed.compactMap(\.error).allSatisfy { $0 == ServiceError(.wrongPassword) })
            if cancelled.compactMap(\.error).isEmpty {
                #expect(profile.isCancelled)
                #expect(["Bob（已注销）", "Ashitemaru（已注销）"].contains(profile.userName))
                #expect(profile.email.isEmpty && profile.pictureVersion == 0)
                // Whoever changed the password first would have kept it from being cancelled with the old one.
                #expect(!changed.compactMap(\.value).contains { $0.profile.isCancelled })
            } else {
                #expect(cancelled.compactMap(\.error) == [ServiceError(.wrongPassword)])
                #expect(!profile.isCancelled)
                #expect(changed.compactMap(\.error).isEmpty)
            }
            #expect(
                await client.refusal(of: AuthAPI.LogIn.test(profile.userName))?.code
                    == (profile.isCancelled ? .accountNotFound : .wrongCredentials))
        }
    }

    @Test func `no log-in outlives a cancellation beside it`() async throws {
        try await withAuthAndSocial { _, client, _ in
            _ = try await client.ask(AuthAPI.Register.test())

            async let logIns = client.askAll((1...12).map { _ in AuthAPI.LogIn.test() })
            _ = try await client.ask(AuthAPI.CancelAccount.test())
            let opened = await logIns.compactMap(\.value?.session)

            let revoked = try await client.ask(AuthAPI.RevokedSessions()).revocations.map(\.session)
            #expect(Set(opened) == Set(revoked))
        }
    }

    // MARK: - Set-up

    /// Cancels the first account while social-svc does not take note, and returns the refusal.
    ///
    /// A call that has too little time on a busy machine may do nothing; the next one has twice as much.
    private func cancelUnheard(_ client: BusClient) async throws -> ServiceError.Code? {
        var timeout = Duration.milliseconds(600)
        var answer: ServiceError.Code?
        var isCancelled = false
        while !isCancelled {
            answer = await refusal { () throws(ServiceError) in
                try await client.call(AuthAPI.CancelAccount.test(), .test(timeout: timeout))
            }?.code
            isCancelled = try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles[0].isCancelled
            timeout = timeout * 2
        }
        return answer
    }
}
