import Shared
import TestSupport
import Testing

@testable import Gateway

/// When connections end whose session goes on.
@Suite struct ConnectionEndTests {
    private func open(_ site: Site, _ path: String, _ token: String) async throws -> WebSocketClient {
        try await WebSocketClient.connect(port: site.port, path: path, headers: ["Authorization": token])
    }

    /// Checks that a connection is open, and nothing is said on it.
    private func expectSilence(on socket: WebSocketClient) async {
        let silence = await #expect(throws: ClientError.self) {
            try await socket.nextText(within: .milliseconds(50))
        }
        #expect(silence == .timedOut)
    }

    @Test func `of two push connections of a session each ends with its own token`() async throws {
        let auth = try StubAuth()
        try await withGateway {
            $0.authRoutes = auth.routes()
        } _: { site in
            let short = try await open(site, "/ws/", auth.token(lifetime: 2))
            let long = try await open(site, "/ws/", auth.token())
            #expect(try await short.end(within: .seconds(4)) == 4401)
            await expectSilence(on: long)
        }
    }

    @Test func `of two request connections of a session each ends with its own token`() async throws {
        let auth = try StubAuth()
        try await withGateway {
            $0.authRoutes = auth.routes()
        } _: { site in
            let short = try await open(site, "/ws/chat/send_msg", auth.token(lifetime: 2))
            let long = try await open(site, "/ws/chat/send_msg", auth.token())
            #expect(try await short.end(within: .seconds(4)) == 1008)
            #expect(try await long.ask([:])["code"] == "9997")
        }
    }

    @Test func `a push connection of rest outlives its token and ends with its session`() async throws {
        let auth = try StubAuth()
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.on(AuthAPI.LogOut.self, from: [.gateway]) { _, _ throws(ServiceError) in Done() }
            }
        } _: { site in
            let token = try auth.token(dialect: .rest, lifetime: 2)
            let socket = try await open(site, "/auth/ws", token)
            // Opened later with the same token, so that it is not closed earlier.
            let classic = try await open(site, "/ws/", token)
            #expect(try await classic.end(within: .seconds(4)) == 4401)
            await expectSilence(on: socket)

            let refreshed = try auth.token(dialect: .rest)
            #expect(try await site.ask("POST", "/auth/logout", headers: ["Authorization": refreshed]).status == 200)
            #expect(try await socket.end(within: .seconds(1)) == 4401)
        }
    }

    @Test func `a connection lives as long as its token, and in rest for a day if its session is refreshed`() {
        func lifetimes(_ dialect: Dialect, secondsLeft: Int64) -> [Duration] {
            let session = Session(
                id: SessionID(1), account: AccountID(1), dialect: dialect.description, expiresAt: 1_900)
            let spoken: [any PushDialect] = [ClassicPush(), SocketPush(), RestPush()]
            return spoken.map { $0.lifetime(of: session, secondsLeft: secondsLeft) }
        }
        let (quarter, day) = (Duration.seconds(900), Duration.seconds(86_400))
        #expect(lifetimes(.rest, secondsLeft: 900) == [quarter, quarter, day])
        #expect(lifetimes(.classic, secondsLeft: 900) == [quarter, quarter, quarter])
        #expect(lifetimes(.socket, secondsLeft: 0) == [.zero, .zero, .zero])
    }
}
