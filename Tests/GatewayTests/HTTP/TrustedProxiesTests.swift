import Shared
import TestSupport
import Testing

@testable import Gateway

/// From whom a word about the client is believed.
@Suite struct TrustedProxiesTests {
    @Test(arguments: [
        ("127.0.0.0/8,::1", "127.0.0.1", true), ("127.0.0.0/8,::1", "127.255.1.2", true),
        ("127.0.0.0/8,::1", "128.0.0.1", false), ("127.0.0.0/8,::1", "::1", true), ("127.0.0.0/8,::1", "::2", false),
        ("127.0.0.0/8", "::ffff:127.0.0.1", true), ("127.0.0.0/8", "::ffff:1.0.0.1", false),
        ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.4", false), ("10.1.2.128/25", "10.1.2.200", true),
        ("10.1.2.128/25", "10.1.2.100", false), ("0.0.0.0/0", "9.9.9.9", true), ("0.0.0.0/0", "fd00::1", false),
        (" fd00::/8 , 10.0.0.0/31 ", "fdff::9", true), (" fd00::/8 , 10.0.0.0/31 ", "10.0.0.1", true),
        (" fd00::/8 , 10.0.0.0/31 ", "10.0.0.2", false),
    ]) func `an address is trusted when it is in a network that is listed`(
        list: String, peer: String, isTrusted: Bool
    ) throws {
        #expect(try TrustedProxies(list).contains(peer) == isTrusted)
    }

    @Test func `peers on a Unix socket are trusted always, and by default this host`() throws {
        #expect(TrustedProxies.none.contains("unix") && TrustedProxies.loopback.contains("unix"))
        #expect(try TrustedProxies.loopback == TrustedProxies("127.0.0.0/8,::1"))
        #expect(!TrustedProxies.none.contains("127.0.0.1"))
    }

    @Test(arguments: [
        "x", "10.0.0.0/33", "::/129", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/8/8", "10.0.0", "host.example",
    ])
    func `what is neither an address nor a network stops the process`(entry: String) {
        #expect(throws: Configuration.Invalid.self) { try setting("10.0.0.1,\(entry)") }
    }

    @Test func `the setting names the proxies`() throws {
        #expect(try setting("10.0.0.0/8,::1") == TrustedProxies("10.0.0.0/8,::1"))
        #expect(try setting("none") == .none)
        #expect(try setting("") == .loopback)
    }

    private func setting(_ text: String) throws -> TrustedProxies {
        var configuration = try Configuration(arguments: ["--gateway-trusted-proxies", text], environment: [:])
        return try GatewayConfiguration(reading: &configuration, runtimePath: "/run").server.trustedProxies
    }

    @Test func `what others say about the scheme does not count`() async throws {
        let body: JSONValue = ["username": "Alice", "password": .string(SocketUser.password)]
        for isTrusted in [true, false] {
            try await withGateway {
                $0.gateway.server.trustedProxies = isTrusted ? .loopback : .none
            } _: { site in
                let alice = try await site.socketUser("Alice")
                let headers = ["X-Forwarded-Proto": "https"]
                let login = try await site.ask("POST", "/api/login", body, headers: headers)
                #expect(login.headers["set-cookie"]?.contains("; Secure") == isTrusted)
                var foreign = headers
                foreign["Cookie"] = alice.cookies
                foreign["Origin"] = "http://localhost"
                let reply = try await site.ask("POST", "/api/group/create", [:], headers: foreign)
                #expect(reply.status == (isTrusted ? 401 : 400))
            }
        }
    }
}
