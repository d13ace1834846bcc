import NIOCore
import Shared
import TestSupport
import Testing

@testable import Gateway

@Suite struct PushHandshakeTests {
    /// The answer to a handshake: `101`, or the outcome of the refusal.
    private func outcome(_ site: Site, _ path: String, _ headers: [String: String] = [:]) async throws -> String {
        do {
            let socket = try await WebSocketClient.connect(port: site.port, path: path, headers: headers)
            socket.cut()
            return "101"
        } catch ClientError.refused(let status, let body) {
            let json = try JSONValue(parsing: ByteBuffer(bytes: body))
            return "\(status) \(json["code"].text) \(json["info"].text)"
        }
    }

    private let refused = "401 6 invalid or expired JWT"

    @Test func `a token comes by header, as token, or as any one parameter that is a JWT`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let token = alice.token
            for path in ["/ws/", "/ws", "/api/ws", "/api/ws/"] {
                #expect(try await outcome(site, path, ["Authorization": token]) == "101")
                #expect(try await outcome(site, path, ["Authorization": "Bearer \(token)"]) == "101")
                for query in [
                    "token=\(token)", "Authorization=\(token)", "jwt=\(token)&userName=Alice",
                    "userName=Bob&&x=\(token)",
                    "a=1&\(token.prefix(5))=&b=\(token)", "since=0&access=\(token)", "token=\(token)&other=\(token)",
                ] {
                    #expect(try await outcome(site, "\(path)?\(query)") == "101", "\(path) \(query)")
                }
                // The header counts first, then `token`.
                #expect(try await outcome(site, "\(path)?token=x", ["Authorization": token]) == "101")
                #expect(try await outcome(site, "\(path)?token=\(token)", ["Authorization": "x"]) == refused)
                #expect(try await outcome(site, "\(path)?token=x&jwt=\(token)") == refused)
            }
        }
    }

    @Test func `a bad token is refused with 401 in the envelope`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let parts = alice.token.split(separator: ".")
            let forged = "\(parts[0]).\(parts[1]).\(String(parts[2].reversed()))"
            for query in ["", "?token=", "?token=x", "?token=\(forged)", "?jwt=\(forged)", "?userName=Alice"] {
                #expect(try await outcome(site, "/ws/" + query) == refused, "\(query)")
            }
            #expect(try await alice.ask("POST", "/user/logout").status == 200)
            #expect(try await outcome(site, "/ws/", ["Authorization": alice.token]) == refused)
            #expect(try await outcome(site, "/ws/?token=\(alice.token)") == refused)
        }
    }

    @Test func `a since that is no id is named, wherever the token is`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let named = "400 -2 Missing or error type of [since]"
            #expect(try await outcome(site, "/ws/?since=x", ["Authorization": alice.token]) == named)
            #expect(try await outcome(site, "/ws/?since=1.5&token=\(alice.token)") == named)
            #expect(try await outcome(site, "/ws/?since=x") == refused)
            #expect(try await outcome(site, "/ws/?since=&token=\(alice.token)") == "101")
        }
    }

    @Test func `the push path without a handshake says what it is`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            for path in ["/ws", "/ws/", "/api/ws"] {
                let reply = try await alice.ask("GET", path)
                #expect(reply.outcome == "426 -2 WebSocket expected")
                #expect(reply.headers["upgrade"] == "websocket")
                #expect(try await site.ask("GET", path).outcome == refused)
                #expect(try await site.ask("POST", path).outcome == "405 -3 Bad method")
            }
        }
    }

    @Test func `a handshake on the path of a request is that request, and one elsewhere is closed`() async throws {
        try await withGateway { site async throws in
            #expect(try await outcome(site, "/friend/pull_friend_list") == refused)
            let socket = try await WebSocketClient.connect(port: site.port, path: "/nope")
            #expect(try await socket.end() == 1008)
        }
    }

    @Test func `while nobody can judge tokens a push connection is to be tried again`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let alice = try await site.person("Alice")
            await site.stop(.auth)
            let port = try await site.startGateway(waits: false)
            for path in ["/ws/", "/api/ws", "/api/auth/ws", "/auth/ws?since=1"] {
                let socket = try await WebSocketClient.connect(
                    port: port, path: path, headers: ["Authorization": alice.token])
                #expect(try await socket.ending() == "1013 try again later", "\(path)")
            }
        }
    }
}
