import AuthService
import Shared
import TestSupport
import Testing

@testable import Gateway

/// Guesses at passwords, and the owner who has a session: in every dialect, at all gateways, over restarts.
@Suite struct KnownDeviceTests {
    private struct Door: Sendable {
        let path: String
        let nameField: String
        /// What a wrong password gives.
        let wrong: String

        static let all = [
            Door(path: "/user/login", nameField: "userName", wrong: "401 2"),
            Door(path: "/api/auth/login", nameField: "userName", wrong: "400 400"),
            Door(path: "/api/login", nameField: "username", wrong: "200 1001"),
        ]

        func logIn(_ name: String, _ password: String, _ headers: [String: String], at port: Int) async throws -> String
        {
            let body: JSONValue = .object(
                JSONObject([
                    .init(name: nameField, value: .string(name)), .init(name: "password", value: .string(password)),
                ]))
            let reply = try await Reply(HTTPClient(port: port).request("POST", path, headers: headers, body: body.text))
            return "\(reply.status) \(reply["code"].text)"
        }
    }

    @Test func `failures count at all gateways and after a restart, and a session of the account gets in`() async throws
    {
        try await withGateway {
            $0.auth.areRatesLimited = true
            $0.transport = .files
        } _: { site in
            let classic = try await site.person("Alice")
            let rest = try await Reply(
                HTTPClient(port: site.port).request(
                    "POST", "/api/auth/login", body: #"{"userName":"Alice","password":"123456"}"#))
            let refreshToken = rest["data"]["token_class"]["refresh_token"].text
            #expect(try await classic.ask("POST", "/user/logout", [:]).status == 200)
            let ports = [site.port, try await site.startGateway()]

            for number in 0..<10 {
                let door = Door.all[number % 3]
                #expect(try await door.logIn("Alice", "wrong", [:], at: ports[number % 2]) == door.wrong)
            }
            await site.stop(.auth)
            try await site.start(.auth)
            try await site.untilReady()
            for (number, door) in Door.all.enumerated() {
                let barred = try await door.logIn("Alice", "123456", [:], at: ports[number % 2])
                #expect(barred.hasPrefix("429"))
                for proof in [
                    ["Authorization": "Bearer " + classic.token], ["Cookie": "uid=1; token=" + classic.token],
                    ["Authorization": "Bearer " + refreshToken],
                ] {
                    // While a session of classic lives, another one is refused, but not for the failures.
                    let answer = try await door.logIn("Alice", "123456", proof, at: ports[number % 2])
                    #expect(["200 0", "400 5", "200 200", "200 null"].contains(answer), "\(door.path) \(proof)")
                }
            }
        }
    }

    @Test func `registrations of an address count at all gateways, also those that are refused`() async throws {
        try await withGateway {
            $0.auth.areRatesLimited = true
        } _: { site in
            let second = try await site.startGateway()
            for number in 1...20 {
                let port = number % 2 == 0 ? site.port : second
                let name = number <= 5 ? "User\(number)" : "User1"
                let body: JSONValue = [
                    "userName": .string(name), "password": "123456", "ensurePassword": "123456",
                    "phoneNumber": "13243218765", "email": "a@b.cd", "picture": "",
                ]
                let reply = try await Reply(HTTPClient(port: port).request("PUT", "/user/register", body: body.text))
                #expect(reply.status == (number <= 5 ? 200 : 400))
            }
            #expect(try await site.register("User21").status == 429)
        }
    }
}
