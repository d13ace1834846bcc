import AuthService
import Shared
import TestSupport
import Testing

@testable import Gateway

/// The clock of auth-svc's machine is set, and set right again: nobody notices.
@Suite struct ClockStepTests {
    @Test(arguments: [-3_600, 86_400] as [Int64])
    func `tokens, cookies and refreshes go on, and classic can log in again`(step: Int64) async throws {
        let time = TestClock()
        try await withGateway {
            $0.authTime = time.source
        } _: { site in
            var alice = try await site.person("Alice")
            let rest = try await site.restPerson("Bob")
            let socket = try await site.socketUser("Carol")
            var refreshToken = rest.refreshToken
            var port = site.port

            for step in [step, -step] {
                time.set(by: .seconds(step))
                // A gateway that starts now knows no other time.
                port = try await site.startGateway()
                #expect(try await alice.ask("GET", "/friend/pull_friend_list").status == 200)
                let there = try await HTTPClient(port: port).request(
                    "GET", "/friend/pull_friend_list", headers: ["Authorization": alice.token])
                #expect(there.status == 200)
                #expect(try await rest.ask("GET", "/me").status == 200)
                #expect(try await socket.at(port).http("GET", "/api/user/get_info").status == 200)
                let socketRequest = try await socket.open("/ws/friend/del")
                #expect(try await socketRequest.ask(["userId": "1"])["code"] == "9998")
                socketRequest.cut()

                let refreshed = try await site.ask(
                    "POST", "/api/auth/refresh_token", headers: ["Authorization": "Bearer " + refreshToken])
                #expect(refreshed["data"]["expires_in"] == 900)
                refreshToken = refreshed["data"]["refresh_token"].text

                // Who logs out can log in, and has a token that is good now and after the next step.
                #expect(try await alice.ask("POST", "/user/logout", [:]).status == 200)
                alice = try await site.logIn("Alice")
            }
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").status == 200)
            await site.stopFurtherGateways()
        }
    }
}
