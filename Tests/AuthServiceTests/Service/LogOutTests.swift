import Shared
import SharedCrypto
import TestSupport
import Testing

@testable import AuthService

@Suite struct LogOutTests {
    @Test func `a log-out revokes the session, tells everyone and is listed`() async throws {
        try await withAuthService { bus, client in
            let account = try await client.ask(AuthAPI.Register.test()).profile.account
            let reply = try await client.ask(AuthAPI.LogIn.test())
            let kept = try await client.ask(AuthAPI.LogIn.test())
            let expiresAt = try await client.verify(reply.token).expiresAt
            let events = try await bus.follow(.auth)
            let before = try await client.ask(AuthAPI.RevokedSessions())
            #expect(before.revocations.isEmpty)

            _ = try await client.ask(AuthAPI.LogOut.test(reply.session))

            #expect(
                try await events.next(AuthAPI.SessionRevoked.self)
                    == AuthAPI.SessionRevoked(session: reply.session, account: account, expiresAt: expiresAt))
            let revocation = AuthAPI.RevokedSessions.Revocation(session: reply.session, expiresAt: expiresAt)
            let listed = try await client.ask(AuthAPI.RevokedSessions())
            #expect(listed.revocations == [revocation])
            #expect(listed.position == before.position + 1 && !listed.hasMore)
            _ = try await client.ask(AuthAPI.LogOut.test(kept.session))
        }
    }

    @Test func `a session that is over or never was is refused and publishes nothing`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let session = try await client.ask(AuthAPI.LogIn.test()).session
            _ = try await client.ask(AuthAPI.LogOut.test(session))

            for session in [session, SessionID(2), SessionID(0), SessionID(-1), SessionID(.max)] {
                #expect(await client.refusal(of: AuthAPI.LogOut.test(session)) == ServiceError(.sessionOver))
            }
            #expect(try await client.announced().count == 1)
        }
    }

    @Test func `nobody ends a session of somebody else`() async throws {
        try await withAuthService { _, client in
            for name in ["Ashitemaru", "Other"] { _ = try await client.ask(AuthAPI.Register.test(name)) }
            let session = try await client.ask(AuthAPI.LogIn.test()).session

            #expect(await client.refusal(of: AuthAPI.LogOut.test(session, of: 2)) == ServiceError(.sessionOver))
            #expect(try await client.announced().count == 0)
            _ = try await client.ask(AuthAPI.LogOut.test(session))
        }
    }

    @Test func `of simultaneous log-outs of one session exactly one succeeds`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let session = try await client.ask(AuthAPI.LogIn.test()).session

            let results = await client.askAll((0..<8).map { _ in AuthAPI.LogOut.test(session) })

            #expect(results.compactMap(\.value).count == 1)
            #expect(results.compactMap(\.error) == Array(repeating: ServiceError(.sessionOver), count: 7))
            #expect(try await client.announced().count == 1)
        }
    }
}
