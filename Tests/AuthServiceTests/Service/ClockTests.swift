import Shared
import SharedCrypto
import TestSupport
import Testing

@testable import AuthService

/// What a wall clock that is set does to sessions: nothing.
@Suite struct ClockTests {
    private static let steps: [Int64] = [-3_600, 86_400]

    @Test(arguments: steps)
    func `sessions live as long as they should when the clock is set, and set right again`(step: Int64) async throws {
        let time = TestClock()
        try await withAuthService(time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let before = try await client.ask(AuthAPI.LogIn.test(dialect: .rest))
            var refreshToken = try #require(before.refreshToken)
            for step in [step, -step] {
                time.set(by: .seconds(step))
                time.pass(.seconds(60))
                let fresh = try await client.ask(AuthAPI.Refresh(refreshToken: refreshToken))
                refreshToken = fresh.refreshToken
                #expect(fresh.expiresIn == 900)
                let listed = try await client.ask(AuthAPI.Sessions(account: AccountID(1))).sessions
                #expect(listed.map(\.session) == [before.session])
                #expect(listed.allSatisfy { $0.lastSeenAt >= $0.createdAt })
            }
            let claims = try await client.verify(before.token, now: 0)
            #expect(try await client.ask(AuthAPI.NoteSeen(sessions: [])).now / 1_000 == claims.issuedAt + 120)
        }
    }

    @Test(arguments: steps)
    func `a second log-in of classic is refused for the life of the first session, and no longer`(
        step: Int64
    ) async throws {
        let time = TestClock()
        try await withAuthService(time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            time.set(by: .seconds(step))
            let first = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))
            time.set(by: .seconds(-step))
            #expect(await client.refusal(of: AuthAPI.LogIn.test(secondLogin: .refuse))?.code == .alreadyLoggedIn)
            time.pass(.seconds(86_400 - 1))
            #expect(await client.refusal(of: AuthAPI.LogIn.test(secondLogin: .refuse))?.code == .alreadyLoggedIn)
            time.pass(.seconds(1))
            let second = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))
            let issuedAt = try await client.verify(first.token, now: 0).issuedAt
            #expect(try await client.verify(second.token, now: 0).issuedAt - issuedAt == 86_400)
        }
    }

    @Test(arguments: [-3_600, -86_400 * 365] as [Int64])
    func `over a restart the clock goes on from where it had come`(step: Int64) async throws {
        let bus = try TestBus()
        let time = TestClock()
        var token = ""
        try await withAuthService(dataPath: bus.configuration.dataPath, time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            token = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse)).token
            time.pass(.seconds(3_000))
            // What the gateways do once a minute.
            _ = try await client.ask(AuthAPI.NoteSeen(sessions: []))
        }
        time.set(by: .seconds(step))
        try await withAuthService(dataPath: bus.configuration.dataPath, time: time.source) { _, client in
            let claims = try await client.verify(token, now: 0)
            #expect(try await client.ask(AuthAPI.NoteSeen(sessions: [])).now / 1_000 == claims.issuedAt + 3_000)
            #expect(await client.refusal(of: AuthAPI.LogIn.test(secondLogin: .refuse))?.code == .alreadyLoggedIn)
            time.pass(.seconds(86_400 - 3_000))
            _ = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))
        }
    }

    @Test(arguments: steps)
    func `a refresh token is no theft because the clock was set`(step: Int64) async throws {
        let time = TestClock()
        try await withAuthService(time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let first = try #require(try await client.ask(AuthAPI.LogIn.test(dialect: .rest)).refreshToken)
            for step in [step, -step] {
                // The answer was lost, and the clock set before the client asks again.
                let lost = try await client.ask(AuthAPI.LogIn.test(dialect: .rest))
                let token = try #require(lost.refreshToken)
                _ = try await client.ask(AuthAPI.Refresh(refreshToken: token))
                time.set(by: .seconds(step))
                #expect(await client.refusal(of: AuthAPI.Refresh(refreshToken: token))?.code == .refreshTokenReused)
                time.pass(.seconds(3))
                _ = try await client.ask(AuthAPI.Refresh(refreshToken: token))
            }
            _ = try await client.ask(AuthAPI.Refresh(refreshToken: first))
        }
    }

    @Test func `a revocation is listed as long as a token of the session is good, whatever the clock does`()
        async throws
    {
        let time = TestClock()
        try await withAuthService(time: time.source) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let session = try await client.ask(AuthAPI.LogIn.test()).session
            _ = try await client.ask(AuthAPI.LogOut.test(session))
            for step in Self.steps + Self.steps.map({ -$0 }) {
                time.set(by: .seconds(step))
                #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations.map(\.session) == [session])
            }
            time.pass(.seconds(86_400))
            #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations == [])
        }
    }
}
