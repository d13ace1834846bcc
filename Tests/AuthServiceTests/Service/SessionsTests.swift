import Shared
import SharedStorage
import TestSupport
import Testing

@testable import AuthService

@Suite struct SessionsTests {
    @Test func `an account sees where it is logged in, the latest first, and nobody else's`() async throws {
        try await withAuthService { _, client in
            for name in ["Ashitemaru", "Other"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            let before = WallClock.milliseconds
            let classic = try await client.ask(AuthAPI.LogIn.test(device: "phone"))
            let over = try await client.ask(AuthAPI.LogIn.test(dialect: .socket))
            _ = try await client.ask(AuthAPI.LogIn.test("Other"))
            let rest = try await client.ask(AuthAPI.LogIn.test(dialect: .rest, device: "tab\0\nlet 平板"))
            _ = try await client.ask(AuthAPI.LogOut.test(over.session))

            let sessions = try await client.ask(AuthAPI.Sessions(account: AccountID(1))).sessions

            #expect(sessions.map(\.session) == [rest.session, classic.session])
            #expect(sessions.map(\.dialect) == [.rest, .classic])
            #expect(sessions.map(\.device) == ["tablet 平板", "phone"])
            for session in sessions {
                #expect(before...WallClock.milliseconds ~= session.createdAt)
                #expect(session.lastSeenAt == session.createdAt)
            }
            #expect(sessions.map { $0.expiresAt - $0.createdAt / 1_000 } == [2_592_000, 86_400])
            #expect(try await client.ask(AuthAPI.Sessions(account: AccountID(99))).sessions == [])
        }
    }

    @Test func `one log-in more than allowed ends the oldest session of its dialect, and says so`() async throws {
        var configuration = try testConfiguration()
        configuration.maxSessions = 3
        try await withAuthService(configuration) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let classic = try await client.ask(AuthAPI.LogIn.test()).session
            var opened: [SessionID] = []
            for _ in 1...5 { opened.append(try await client.ask(AuthAPI.LogIn.test(dialect: .rest)).session) }

            let live = try await client.ask(AuthAPI.Sessions(account: AccountID(1))).sessions.map(\.session)
            #expect(live == opened.suffix(3).reversed() + [classic])
            let revoked = try await client.ask(AuthAPI.RevokedSessions())
            #expect(revoked.revocations.map(\.session) == Array(opened.prefix(2)))
            #expect(try await client.announced().count == 2)
        }
    }

    @Test func `at most 500 sessions are listed, the latest`() async throws {
        try await withAuthService { bus, client in
            _ = try await client.ask(AuthAPI.Register.test())
            try await bus.changeDatabase(
                """
                WITH RECURSIVE number (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM number LIMIT 501)
                INSERT INTO session (account, dialect, device, createdAt, expiresAt)
                SELECT 1, 3, '', value, 9000000000000 FROM number
                """)

            let sessions = try await client.ask(AuthAPI.Sessions(account: AccountID(1))).sessions

            #expect(sessions.map(\.session.rawValue) == (2...501).reversed())
        }
    }

    @Test func `sessions seen are noted, also many at once, and those that are over are not`() async throws {
        try await withAuthService { bus, client in
            _ = try await client.ask(AuthAPI.Register.test())
            for _ in 1...3 { _ = try await client.ask(AuthAPI.LogIn.test()) }
            _ = try await client.ask(AuthAPI.LogOut.test(SessionID(2)))
            try await bus.changeDatabase("UPDATE session SET lastSeenAt = 1")
            let before = WallClock.milliseconds

            let ids = (-497...502).map { SessionID($0) }
            for _ in 1...2 { _ = try await client.ask(AuthAPI.NoteSeen(sessions: ids)) }
            _ = try await client.ask(AuthAPI.NoteSeen(sessions: []))

            let seen = try await bus.lastSeen()
            #expect(seen.count == 3)
            #expect(before...WallClock.milliseconds ~= seen[0])
            #expect(seen[1] == 1)
            #expect(before...WallClock.milliseconds ~= seen[2])
        }
    }

    @Test func `more than 1,000 sessions at once are refused`() async throws {
        try await withAuthService { _, client in
            let ids = (1...1_001).map { SessionID($0) }

            #expect(await client.refusal(of: AuthAPI.NoteSeen(sessions: ids))?.code == .badRequest)
        }
    }

    @Test func `a session seen later already stays as it is`() async throws {
        try await withAuthService { bus, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let session = try await client.ask(AuthAPI.LogIn.test()).session
            let later: Int64 = 9_000_000_000_000
            try await bus.changeDatabase("UPDATE session SET lastSeenAt = \(later), expiresAt = \(later)")

            _ = try await client.ask(AuthAPI.NoteSeen(sessions: [session]))

            #expect(try await bus.lastSeen() == [later])
        }
    }
}
