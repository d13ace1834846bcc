import Foundation
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService
@testable import Shared

@Suite struct RefreshTests {
    @Test func `a refresh gives a new pair for the same session`() async throws {
        try await withAuthService { _, client in
            let logIn = try await client.logInToRest()

            let first = try await client.ask(AuthAPI.Refresh(refreshToken: logIn.refreshToken))
            let second = try await client.ask(AuthAPI.Refresh(refreshToken: first.refreshToken))

            #expect(Set([logIn.refreshToken, first.refreshToken, second.refreshToken]).count == 3)
            for reply in [first, second] {
                #expect(reply.session == logIn.session)
                #expect(reply.account == AccountID(1))
                let claims = try await client.verify(reply.token)
                #expect(claims.account == 1)
                #expect(claims.session == logIn.session.rawValue)
                #expect(claims.dialect == "rest")
                #expect(claims.expiresAt == reply.expiresAt)
                #expect(claims.expiresAt - claims.issuedAt == 900)
            }
        }
    }

    @Test func `a refresh token is 256 random bits behind its prefix`() async throws {
        try await withAuthService { _, client in
            let token = try await client.logInToRest().refreshToken

            #expect(token.hasPrefix("mrt_"))
            #expect(Base64URL.decode(token.dropFirst(4))?.count == 32)
        }
    }

    @Test func `of eight simultaneous refreshes exactly one wins, and the session goes on`() async throws {
        try await withAuthService { _, client in
            let token = try await client.logInToRest().refreshToken

            let results = await client.askAll((0..<8).map { _ in AuthAPI.Refresh(refreshToken: token) })

            let winner = try #require(results.compactMap(\.value).first)
            #expect(results.compactMap(\.value).count == 1)
            #expect(results.compactMap(\.error) == Array(repeating: ServiceError(.refreshTokenReused), count: 7))
            _ = try await client.ask(AuthAPI.Refresh(refreshToken: winner.refreshToken))
            #expect(try await client.announced().count == 0)
        }
    }

    @Test func `of eight simultaneous retries after a lost answer exactly one wins`() async throws {
        try await withAuthHandlers { (handlers, call) async throws in
            let token = try await handlers.logInToRest(call)
            let now = WallClock.milliseconds
            let lost = try await handlers.refresh(AuthAPI.Refresh(refreshToken: token), call, now: now)

            let winners = await withTaskGroup(of: String?.self) { group in
                for _ in 1...8 {
                    group.addTask {
                        // The losers are counted by what is missing.
                        try? await handlers.refresh(AuthAPI.Refresh(refreshToken: token), call, now: now + 2_000)
                            .refreshToken
                    }
                }
                return await group.reduce(into: [String]()) { $0 += $1.map { [$0] } ?? [] }
            }

            #expect(winners.count == 1)
            #expect(winners != [lost.refreshToken])
            for winner in winners {
                _ = try await handlers.refresh(AuthAPI.Refresh(refreshToken: winner), call, now: now + 4_000)
            }
        }
    }

    @Test(arguments: [
        "", "mrt_", "mrt_AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "mrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "mrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "mrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "mrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0",
        "mrt_" + String(repeating: "A", count: 100_000), "mrt_令牌",
    ])
    func `what is no refresh token of a live session is refused`(token: String) async throws {
        try await withAuthService { _, client in
            let logIn = try await client.logInToRest()

            #expect(await client.refusal(of: AuthAPI.Refresh(refreshToken: token)) == ServiceError(.sessionOver))

            _ = try await client.ask(AuthAPI.Refresh(refreshToken: logIn.refreshToken))
        }
    }

    @Test func `an access token refreshes nothing`() async throws {
        try await withAuthService { _, client in
            let token = try await client.logInToRest().token

            #expect(await client.refusal(of: AuthAPI.Refresh(refreshToken: token)) == ServiceError(.sessionOver))
        }
    }

    @Test func `log-out, a change of password and a cancellation end the refreshing`() async throws {
        try await withAuthAndSocial { _, client, _ in
            let loggedOut = try await client.logInToRest()
            let changed = try await client.ask(AuthAPI.LogIn.test(dialect: .rest))
            let own = try await client.ask(AuthAPI.LogIn.test(dialect: .rest))
            _ = try await client.ask(AuthAPI.LogOut.test(loggedOut.session))
            _ = try await client.ask(
                AuthAPI.ModifyAccount.test(session: own.session.rawValue, newPassword: "654321"))

            for token in [loggedOut.refreshToken, try #require(changed.refreshToken)] {
                #expect(await client.refusal(of: AuthAPI.Refresh(refreshToken: token)) == ServiceError(.sessionOver))
            }
            let next = try await client.ask(AuthAPI.Refresh(refreshToken: try #require(own.refreshToken)))
            _ = try await client.ask(AuthAPI.CancelAccount.test(password: "654321"))
            #expect(
                await client.refusal(of: AuthAPI.Refresh(refreshToken: next.refreshToken))
                    == ServiceError(.sessionOver))
        }
    }

    @Test func `a stolen token ends its session and tells everyone until when its tokens are good`() async throws {
        let bus = try TestBus()
        let log = RecordedLog()
        let service = AuthService(
            try testConfiguration(), bus: bus.configuration, context: bus.context, logger: log.logger)
        try await service.start()
        let client = try await bus.client(of: .auth)
        let events = try await bus.follow(.auth)
        let logIn = try await client.logInToRest()
        let other = try await client.ask(AuthAPI.LogIn.test(dialect: .rest))
        let next = try await client.ask(AuthAPI.Refresh(refreshToken: logIn.refreshToken))
        let last = try await client.ask(AuthAPI.Refresh(refreshToken: next.refreshToken))
        try await bus.changeDatabase(
            "UPDATE refreshToken SET retiredAt = retiredAt - 3000, answeredAt = answeredAt - 3000 WHERE generation = 1")

        #expect(
            await client.refusal(of: AuthAPI.Refresh(refreshToken: logIn.refreshToken))
                == ServiceError(.refreshTokenReused))

        let revoked = try await events.next(AuthAPI.SessionRevoked.self)
        #expect(
            revoked
                == AuthAPI.SessionRevoked(
                    session: logIn.session, account: AccountID(1), expiresAt: last.expiresAt))
        #expect(
            try await client.ask(AuthAPI.RevokedSessions()).revocations == [
                .init(session: logIn.session, expiresAt: last.expiresAt)
            ])
        for token in [logIn.refreshToken, next.refreshToken, last.refreshToken] {
            #expect(await client.refusal(of: AuthAPI.Refresh(refreshToken: token)) == ServiceError(.sessionOver))
        }
        _ = try await client.ask(AuthAPI.Refresh(refreshToken: try #require(other.refreshToken)))
        await service.stop()
        #expect(
            log.lines.contains(
                "notice: refresh token used twice, session revoked account=1 request.id=test session=1"))
    }

    @Test func `a restart keeps what became of every token`() async throws {
        let bus = try TestBus()
        let (first, second, live) = try await withAuthService(on: bus) { _, client in
            let first = try await client.logInToRest().refreshToken
            let second = try await client.ask(AuthAPI.Refresh(refreshToken: first)).refreshToken
            let live = try await client.ask(AuthAPI.Refresh(refreshToken: second)).refreshToken
            return (first, second, live)
        }
        try await bus.changeDatabase(
            "UPDATE refreshToken SET retiredAt = retiredAt - 9000, answeredAt = answeredAt - 9000 WHERE retiredAt > 0")

        try await withAuthService(dataPath: bus.configuration.dataPath) { (_, client) async throws in
            // The answer with the live token was lost: the next one makes it void.
            let next = try await client.ask(AuthAPI.Refresh(refreshToken: second)).refreshToken
            #expect(
                await client.refusal(of: AuthAPI.Refresh(refreshToken: live)) == ServiceError(.refreshTokenReused))
            #expect(try await client.announced().count == 0)
            #expect(
                await client.refusal(of: AuthAPI.Refresh(refreshToken: first)) == ServiceError(.refreshTokenReused))
            #expect(await client.refusal(of: AuthAPI.Refresh(refreshToken: next)) == ServiceError(.sessionOver))
        }
    }

    @Test func `the file holds no refresh token, only digests`() async throws {
        let bus = try TestBus()
        let tokens = try await withAuthService(on: bus) { _, client in
            let first = try await client.logInToRest().refreshToken
            return [first, try await client.ask(AuthAPI.Refresh(refreshToken: first)).refreshToken]
        }

        let file = try Data(contentsOf: URL(fileURLWithPath: bus.configuration.dataPath + "/auth-svc.db"))
        for token in tokens {
            let bytes = try #require(Base64URL.decode(token.dropFirst(4)))
            #expect(file.range(of: Data(token.utf8)) == nil)
            #expect(file.range(of: Data(bytes)) == nil)
            #expect(file.range(of: Data(SHA256.hash(bytes))) != nil)
        }
    }

    @Test func `a refresh that nobody waits for any more rotates nothing`() async throws {
        try await withAuthHandlers { (handlers, call) async throws in
            let token = try await handlers.logInToRest(call)
            let late = BusCall(caller: .gateway, trace: "late", deadline: .now)

            await #expect(throws: ServiceError(.unavailable)) {
                _ = try await handlers.refresh(AuthAPI.Refresh(refreshToken: token), late)
            }

            _ = try await handlers.refresh(AuthAPI.Refresh(refreshToken: token), call)
        }
    }
}

extension BusClient {
    /// A session of `rest` and what it can be refreshed with.
    fileprivate struct RestSession {
        let session: SessionID
        let token: String
        let refreshToken: String
    }

    /// Registers the usual account and logs in to it through `rest`.
    fileprivate func logInToRest() async throws -> RestSession {
        _ = try await ask(AuthAPI.Register.test())
        let reply = try await ask(AuthAPI.LogIn.test(dialect: .rest))
        return RestSession(
            session: reply.session, token: reply.token, refreshToken: try #require(reply.refreshToken))
    }
}

extension AuthHandlers {
    /// Registers the usual account, logs in to it through `rest` and returns the refresh token.
    fileprivate func logInToRest(_ call: BusCall) async throws -> String {
        _ = try await register(.test(), call)
        return try #require(try await logIn(.test(dialect: .rest), call).refreshToken)
    }
}
