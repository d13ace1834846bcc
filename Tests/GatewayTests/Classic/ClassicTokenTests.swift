import AuthService
import Shared
import SharedCrypto
import TestSupport
import Testing

@testable import Gateway

@Suite struct ClassicTokenTests {
    private let refused = "401 6 invalid or expired JWT"
    private let path = "/friend/pull_friend_list"

    @Test func `a token is taken raw and as Bearer`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            for prefix in ["", "Bearer ", "bearer ", "BEARER "] {
                let reply = try await alice.ask("GET", path, headers: ["Authorization": prefix + alice.token])
                #expect(reply.status == 200, "\(prefix)")
            }
        }
    }

    @Test func `what is not exactly a token is refused`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let token = alice.token
            let parts = token.split(separator: ".").map(String.init)
            let unsigned = Base64URL.encode(Array(#"{"alg":"none","typ":"at+jwt"}"#.utf8)) + ".\(parts[1])."
            let others = [
                "", "Bearer", "Bearer ", "Basic \(token)", "JWT \(token)", "Bearer Bearer \(token)", "x", "a.b.c", "..",
                parts[0], "\(parts[0]).\(parts[1])", "\(parts[0]).\(parts[1]).", "\(parts[1]).\(parts[0]).\(parts[2])",
                token + ".", token + "=", token + "A", String(token.dropLast()), "\"\(token)\"", "{\(token)}", unsigned,
                String(repeating: "a", count: 5_000), "' OR 1=1 --",
            ]
            for other in others {
                #expect(
                    try await alice.ask("GET", path, headers: ["Authorization": other]).outcome == refused,
                    "\(other.prefix(40))")
            }
            // Any bit of the signed bytes or of the signature.
            for position in stride(from: 0, to: token.utf8.count, by: 7) {
                var bytes = Array(token.utf8)
                bytes[position] = bytes[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                let forged = String(decoding: bytes, as: UTF8.self)
                guard forged != token else { continue }
                #expect(try await alice.ask("GET", path, headers: ["Authorization": forged]).outcome == refused)
            }
            #expect(try await alice.ask("GET", path).status == 200)
        }
    }

    @Test func `a token in the query counts nowhere but on the push socket`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(try await site.ask("GET", "\(path)?token=\(alice.token)").outcome == refused)
            #expect(try await site.ask("GET", "\(path)?Authorization=\(alice.token)").outcome == refused)
        }
    }

    @Test func `a token signed by a stranger is refused, also under the right key's name`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let claims = AccessClaims(
                account: alice.id, session: 1, dialect: "classic", issuedAt: WallClock.seconds,
                expiresAt: WallClock.seconds + 1_000)
            let stranger = try Ed25519PrivateKey.generate()
            let foreign = try TokenSigner(key: stranger).sign(claims)
            let genuine = try TokenSigner(key: site.signingKey()).sign(claims)
            let signed = genuine.split(separator: ".").prefix(2).joined(separator: ".")
            let forged = signed + "." + Base64URL.encode(try stranger.sign(Array(signed.utf8)))

            #expect(try await alice.ask("GET", path, headers: ["Authorization": genuine]).status == 200)
            for token in [foreign, forged] {
                #expect(try await alice.ask("GET", path, headers: ["Authorization": token]).outcome == refused)
                #expect(
                    try await alice.ask("POST", "/user/logout", headers: ["Authorization": token]).outcome == refused)
            }
        }
    }

    @Test func `an expired token is refused, and logout knows its session is over`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let now = WallClock.seconds
            let expired = try TokenSigner(key: site.signingKey()).sign(
                AccessClaims(account: alice.id, session: 1, dialect: "classic", issuedAt: now - 10, expiresAt: now - 5))
            #expect(try await alice.ask("GET", path, headers: ["Authorization": expired]).outcome == refused)
            #expect(
                try await alice.ask("POST", "/user/logout", headers: ["Authorization": expired]).outcome
                    == "400 5 please login first")
        }
    }

    @Test func `a token stops working when its time is up`() async throws {
        try await withGateway {
            $0.auth.tokenLifetimes.classicSeconds = 2
        } _: { site in
            let alice = try await site.person("Alice")
            #expect(try await alice.ask("GET", path).status == 200)
            while try await alice.ask("GET", path).status == 200 {}
            #expect(try await alice.ask("GET", path).outcome == refused)
            // The session is over, so it does not stand in the way of another.
            #expect(try await site.logIn("Alice").ask("GET", path).status == 200)
        }
    }

    @Test func `a logged-out token is refused on every path, and the next session's is not`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(try await alice.ask("POST", "/user/logout").status == 200)
            for endpoint in ClassicEnvelopeTests.endpoints where !endpoint.isOpen && endpoint.path != "/user/logout" {
                #expect(try await alice.ask(endpoint.method, endpoint.path).outcome == refused, "\(endpoint.path)")
            }
            let again = try await site.logIn("Alice")
            #expect(again.token != alice.token)
            #expect(try await again.ask("GET", path).status == 200)
            #expect(try await alice.ask("GET", path).outcome == refused)
            #expect(try await alice.ask("POST", "/user/logout").outcome == "400 5 please login first")
            #expect(try await again.ask("GET", path).status == 200)
        }
    }
}

extension Site {
    /// The key that auth-svc signs with.
    func signingKey() throws -> Ed25519PrivateKey {
        try Ed25519PrivateKey(pem: TextFile.read(bus.configuration.dataPath + "/auth-signing-key.pem"))
    }
}
