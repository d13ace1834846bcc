import Shared
import TestSupport
import Testing

@testable import Gateway

/// The rotation of refresh tokens, as a client meets it.
@Suite struct RestRefreshTests {
    private let refused = "401 token格式错误或失效"
    private let conflict = "409 请求有冲突"

    @Test func `a refresh answers a pair that works, and the old access token goes on until it expires`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            for path in ["/api/auth/refresh_token", "/auth/refresh_token"] {
                let latest = try await site.restLogIn("phone_number", alice.phoneNumber)
                let reply = try await site.ask("POST", path, headers: ["Authorization": latest.refreshToken])
                #expect(reply.restOutcome == "200 成功")
                #expect(reply["data"].object?.members.map(\.name) == ["token", "refresh_token", "expires_in"])
                #expect((895...900).contains(reply["data"]["expires_in"].integer ?? 0))
                #expect(reply["data"]["refresh_token"].text != latest.refreshToken)
                for token in [latest.token, reply["data"]["token"].text] {
                    #expect(try await alice.ask("GET", "/me", headers: ["Authorization": token]).status == 200)
                }
                #expect(try await site.restRefresh(reply["data"]["refresh_token"].text).status == 200)
            }
        }
    }

    @Test func `what is no refresh token is refused with 401`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            #expect(try await site.ask("POST", "/api/auth/refresh_token").restOutcome == refused)
            let others = ["", "x", alice.token, "mrt_", "mrt_x", alice.refreshToken + "x", "mrt_" + alice.token]
            for token in others {
                #expect(try await site.restRefresh(token).restOutcome == refused, "\(token)")
            }
            // One letter of it.
            let forged = "mrt_" + String(alice.refreshToken.dropFirst(4).reversed())
            #expect(try await site.restRefresh(forged).restOutcome == refused)
            #expect(try await site.restRefresh(alice.refreshToken).status == 200)
        }
    }

    @Test func `of eight refreshes at once exactly one wins, and nothing is revoked`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            for _ in 0..<5 {
                let person = try await site.restLogIn("phone_number", alice.phoneNumber)
                let outcomes = try await atOnce(8) { _ in try await site.restRefresh(person.refreshToken) }
                #expect(outcomes == ["200 成功"] + [String](repeating: conflict, count: 7))
                try await person.data("GET", "/me")
            }
        }
    }

    /// The window of a double click is two seconds, and cannot be made to pass.
    @Test func `a lost answer is repeated with a fresh pair, and the lost one is void`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            let lost = try await site.restRefresh(alice.refreshToken)["data"]
            let fresh = try await firstAnswer(to: alice.refreshToken, at: site)
            #expect(fresh["refresh_token"] != lost["refresh_token"])
            #expect(try await site.restRefresh(lost["refresh_token"].text).restOutcome == conflict)
            #expect(try await site.restRefresh(fresh["refresh_token"].text).restOutcome == "200 成功")
        }
    }

    @Test func `a stolen token ends the session and closes its sockets, and no other`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            let other = try await site.restLogIn("phone_number", alice.phoneNumber)
            let (socket, otherSocket) = (try await alice.listen(), try await other.listen())
            let second = try await site.restRefresh(alice.refreshToken)["data"]
            // The successor is used: whoever presents its predecessor later has stolen one of the two.
            let third = try await site.restRefresh(second["refresh_token"].text)["data"]
            try await eventually("the session ends", every: .milliseconds(50)) {
                #expect(try await site.restRefresh(alice.refreshToken).status != 200)
                return try await alice.ask("GET", "/me").status == 401
            }
            #expect(try await socket.end(within: .seconds(2)) == 4401)
            #expect(try await site.restRefresh(third["refresh_token"].text).restOutcome == refused)
            #expect(
                try await alice.ask("GET", "/me", headers: ["Authorization": third["token"].text]).restOutcome
                    == refused)
            try await other.data("GET", "/me")
            otherSocket.cut()
        }
    }

    @Test func `an answer that could not be written is not undone`() async throws {
        let auth = try StubAuth()
        let (held, asked) = (Signal<Responder<AuthAPI.Refresh.Reply>>(), Signal<String>())
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.onBusThread(AuthAPI.Refresh.self, from: [.gateway]) { _, _, respond in held.set(respond) }
                $0.on(AuthAPI.LogOut.self, from: [.gateway]) { _, _ throws(ServiceError) in
                    asked.set("log-out")
                    return Done()
                }
                $0.on(AuthAPI.FindAccounts.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    asked.set("search")
                    return AuthAPI.Profiles.Reply(profiles: [])
                }
            }
        } _: { site in
            let cut = HTTPClient(port: site.port)
            try await cut.send(raw: "POST /auth/refresh_token HTTP/1.1\r\nHost: a\r\nAuthorization: mrt_x\r\n\r\n")
            let respond = await held.value
            cut.close()
            #expect(try await site.ask("GET", "/auth/nope").status == 404)
            respond(
                .success(
                    AuthAPI.Refresh.Reply(
                        session: SessionID(7), account: AccountID(1), token: "a.b.c", expiresAt: 0,
                        expiresIn: 0, refreshToken: "mrt_y")))
            // The next thing auth-svc hears of is something else.
            let token = try auth.token()
            _ = try await site.ask("GET", "/auth/info/strangers/uid/x", headers: ["Authorization": token])
            #expect(await asked.value == "search")
        }
    }

    /// What a refresh gives as soon as it gives anything.
    private func firstAnswer(to token: String, at site: Site) async throws -> JSONValue {
        var answer = JSONValue.null
        try await eventually("the double click is over", every: .milliseconds(50)) {
            let reply = try await site.restRefresh(token)
            answer = reply["data"]
            if reply.status != 200 { #expect(reply.restOutcome == conflict) }
            return reply.status == 200
        }
        return answer
    }
}
