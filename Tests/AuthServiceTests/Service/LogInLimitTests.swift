import Shared
import TestSupport
import Testing

@testable import AuthService

@Suite struct LogInLimitTests {
    /// The names of the account that ``AuthAPI/Register/test`` makes first.
    private let names: [(AuthAPI.LogInName, String)] = [
        (.userName, "Ashitemaru"), (.uid, "m_1"), (.phoneNumber, "13243218765"),
    ]
    private let home = "192.0.2.1"
    private let elsewhere = "198.51.100.1"

    private func limited() throws -> AuthConfiguration {
        var configuration = try testConfiguration()
        configuration.areRatesLimited = true
        return configuration
    }

    /// Fails to log in until that is refused, and returns how often it was wrong before.
    private func guess(
        _ client: BusClient, _ kind: AuthAPI.LogInName = .userName, _ name: String = "Ashitemaru",
        from address: String = "198.51.100.1", presenting tokens: [String] = []
    ) async -> Int {
        for count in 0..<60 {
            let refusal = await client.refusal(
                of: AuthAPI.LogIn.test(
                    name, kind: kind, password: "wrong", address: address, presentedTokens: tokens))
            guard [.wrongCredentials, .accountNotFound].contains(refusal?.code) else {
                return refusal?.code == .rateLimited ? count : -1
            }
        }
        return 60
    }

    @Test func `ten failures bar an account from everywhere, and say for how long`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            #expect(await guess(client) == 10)

            for address in [elsewhere, home] {
                let barred = try #require(await client.refusal(of: AuthAPI.LogIn.test(address: address)))
                #expect(barred.code == .rateLimited)
                let seconds = try #require(Int(barred.detail))
                #expect(500...600 ~= seconds)
            }
        }
    }

    @Test func `failures outlive a restart, and the wait doubles to an hour`() async throws {
        let bus = try TestBus()
        let time = TestClock()
        for minutes in [10, 20, 40, 60, 60] as [Int64] {
            try await withAuthService(dataPath: bus.configuration.dataPath, try limited(), time: time.source) {
                _, client in
                if minutes == 10 { _ = try await client.ask(AuthAPI.Register.test()) }
                #expect(await guess(client) == 10)
            }
            try await withAuthService(dataPath: bus.configuration.dataPath, try limited(), time: time.source) {
                _, client in
                let barred = try #require(await client.refusal(of: AuthAPI.LogIn.test()))
                #expect(barred == ServiceError(.rateLimited, detail: "\(minutes * 60)"))
                time.pass(.seconds(minutes * 60 - 1))
                #expect(await client.refusal(of: AuthAPI.LogIn.test()) == ServiceError(.rateLimited, detail: "1"))
                time.pass(.seconds(1))
            }
        }
    }

    @Test(arguments: [-3_600, 86_400] as [Int64])
    func `a clock that is set frees nobody and bars nobody`(step: Int64) async throws {
        let time = TestClock()
        try await withAuthService(try limited(), time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            #expect(await guess(client) == 10)
            for step in [step, -step] {
                time.set(by: .seconds(step))
                #expect(await client.refusal(of: AuthAPI.LogIn.test()) == ServiceError(.rateLimited, detail: "600"))
            }
            time.pass(.seconds(600))
            _ = try await client.ask(AuthAPI.LogIn.test())
        }
    }

    @Test func `whoever knows the password and comes with a session gets in, whatever others do`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let live = try await client.ask(AuthAPI.LogIn.test(dialect: .rest, address: home))
            let over = try await client.ask(AuthAPI.LogIn.test(dialect: .socket, address: home))
            _ = try await client.ask(AuthAPI.LogOut.test(over.session))
            let refreshToken = try #require(live.refreshToken)
            // The address is over its limit, too.
            for number in 1...5 {
                #expect(await guess(client, .userName, "nobody\(number)") == 10)
            }
            #expect(await guess(client) == 0)
            #expect(await client.refusal(of: AuthAPI.LogIn.test(address: elsewhere))?.code == .rateLimited)

            for tokens in [[live.token], [over.token], [refreshToken], ["a.b.c", live.token]] {
                _ = try await client.ask(AuthAPI.LogIn.test(address: elsewhere, presentedTokens: tokens))
            }
            for tokens in [["a.b.c"], ["mrt_x", ""], ["", "", live.token]] {
                let refusal = await client.refusal(
                    of: AuthAPI.LogIn.test(address: elsewhere, presentedTokens: tokens))
                #expect(refusal?.code == .rateLimited)
            }
        }
    }

    @Test func `a session of another account is none of this one`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.Register.test("Other", phoneNumber: "13243218766"))
            let other = try await client.ask(AuthAPI.LogIn.test("Other", dialect: .rest))
            #expect(await guess(client, presenting: [other.token, try #require(other.refreshToken)]) == 10)
        }
    }

    @Test func `who has a session guesses no faster, at log-ins and with the old password`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let session = try await client.ask(AuthAPI.LogIn.test(address: home))
            #expect(await guess(client, presenting: [session.token]) == 10)

            let refusals = [
                await client.refusal(of: AuthAPI.ModifyAccount.test(session: session.session.rawValue)),
                await client.refusal(of: AuthAPI.CancelAccount.test(session: session.session.rawValue)),
            ]
            #expect(refusals.map { $0?.code } == [.rateLimited, .rateLimited])

            let second = try await client.ask(AuthAPI.LogIn.test(address: home)).session.rawValue
            for _ in 1...5 {
                #expect(
                    await client.refusal(of: AuthAPI.ModifyAccount.test(session: second, password: "wrong"))?.code
                        == .wrongPassword)
                #expect(
                    await client.refusal(of: AuthAPI.CancelAccount.test(session: second, password: "wrong"))?.code
                        == .wrongPassword)
            }
            #expect(await client.refusal(of: AuthAPI.ModifyAccount.test(session: second))?.code == .rateLimited)
        }
    }

    @Test func `failures of strangers do not bar the network that the account was used from`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let session = try await client.ask(AuthAPI.LogIn.test(address: home)).session
            _ = try await client.ask(AuthAPI.LogOut.test(session))
            #expect(await guess(client) == 10)

            _ = try await client.ask(AuthAPI.LogIn.test(address: home))
            #expect(await guess(client, from: home) == 10)
            #expect(await client.refusal(of: AuthAPI.LogIn.test(address: home))?.code == .rateLimited)
        }
    }

    @Test func `a barred name tells nothing of the other names of its account`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.Register.test("Other", phoneNumber: "13243218766"))
            #expect(await guess(client, .uid, "m_1") == 10)

            // Its own number, another's, and nobody's.
            for number in ["13243218765", "13243218766", "13243218767"] {
                #expect(await guess(client, .phoneNumber, number, from: "203.0.113.1") == 10)
            }
        }
    }

    @Test func `ten guesses are all there are under all names together`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            for index in 0..<10 {
                let (kind, name) = names[index % names.count]
                #expect(
                    await client.refusal(of: AuthAPI.LogIn.test(name, kind: kind, password: "wrong"))?.code
                        == .wrongCredentials)
            }

            // The right one is answered as a wrong one is.
            for (kind, name) in names {
                #expect(await client.refusal(of: AuthAPI.LogIn.test(name, kind: kind))?.code == .wrongCredentials)
            }
        }
    }

    @Test func `simultaneous guesses are no more than successive ones`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let results = await client.askAll((1...30).map { _ in AuthAPI.LogIn.test(password: "wrong") })
            let wrong = results.count { $0.error?.code == .wrongCredentials }
            // Who was refused because others were under way may try again; together they get ten, not one more.
            #expect(await wrong + guess(client, from: home) <= 10)
            #expect(await guess(client, from: home) == 0)
        }
    }

    @Test func `right passwords and refused second log-ins are no failures`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            _ = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))

            for _ in 1...12 {
                #expect(
                    await client.refusal(of: AuthAPI.LogIn.test(secondLogin: .refuse))?.code == .alreadyLoggedIn)
                _ = try await client.ask(AuthAPI.LogIn.test(dialect: .rest))
            }
        }
    }

    @Test func `an address is barred after 50 failures with whatever names`() async throws {
        try await withAuthService(try limited()) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            for number in 1...25 {
                for name in ["nobody\(number)", "no name\(number)"] {
                    #expect(await client.refusal(of: AuthAPI.LogIn.test(name))?.code == .accountNotFound)
                }
            }

            #expect(await client.refusal(of: AuthAPI.LogIn.test())?.code == .rateLimited)
        }
    }

    @Test func `what is remembered is bounded, and forgets what is over and what is oldest`() async throws {
        let bus = try TestBus()
        let time = TestClock()
        try await withAuthService(on: bus, try limited(), time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            #expect(await guess(client) == 10)
            let count = "SELECT count(*) FROM rateRecord"
            // Name, account, network, and the registration's network.
            #expect(try await bus.readNumber(count) == 4)
            try await bus.changeDatabase(
                """
                UPDATE rateRecord SET number = \(RatePruning.maxRecords + 100)
                WHERE number = (SELECT max(number) FROM rateRecord)
                """)
            // Name and network come, and the three go that were not among the newest.
            _ = await client.refusal(of: AuthAPI.LogIn.test("nobody", password: "wrong"))
            #expect(try await bus.readNumber(count) == 3)
            time.pass(.seconds(86_400))
            _ = await client.refusal(of: AuthAPI.LogIn.test("somebody", password: "wrong"))
            #expect(try await bus.readNumber(count) == 2)
        }
    }
}
