import Shared
import TestSupport
import Testing

@testable import Gateway

/// What cannot be understood, or is refused before anybody looked at it: in the words of the dialect whose path it is.
@Suite struct DialectEdgeTests {
    /// A path of each dialect, and how it says that a request is malformed.
    private static let dialects: [(path: String, malformed: JSONValue)] = [
        ("/api/auth/info/strangers/uid/", ["code": 400, "message": "请求格式错误"]),
        ("/login/", ["code": 400, "message": "请求格式错误"]),
        ("/ws/chat/", ["message": "malformed request"]),
        ("/api/group/", ["message": "malformed request"]),
        ("/user/", ["code": -2, "info": "Malformed request"]),
        ("/nobody/", ["code": -2, "info": "Malformed request"]),
    ]

    private func answer(_ port: Int, _ raw: String) async throws -> Reply {
        let client = HTTPClient(port: port)
        try await client.send(raw: raw)
        return try await Reply(client.response())
    }

    @Test func `what cannot be parsed is refused in the envelope of its path`() async throws {
        try await withGateway { site in
            for (path, malformed) in Self.dialects {
                for raw in [
                    "GET \(path)%ff HTTP/1.1\r\nHost: a\r\n\r\n", "GET \(path)x?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET \(path)x HTTP/1.1\r\nHost: a b/@\r\n\r\n", "GET \(path)x HTTP/1.1\r\nHost : a\r\n\r\n",
                    "POST \(path)x HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                    "POST \(path)x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                ] {
                    let reply = try await answer(site.port, raw)
                    #expect(reply.status == 400 && reply.json == malformed, "\(raw) \(reply)")
                    #expect(reply.headers["access-control-allow-origin"] == "*")
                }
                let coding = try await answer(
                    site.port, "POST \(path)x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
                #expect(
                    coding.status == 501
                        && coding.json.object?.members.map(\.name) == malformed.object?.members.map(\.name))
            }
        }
    }

    @Test func `a lone percent sign is part of the path and of the query`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let card = try await alice.ask("GET", "/api/auth/info/strangers/uid/100%")
            #expect(card.status == 400 && card.json == ["code": 400, "message": "找不到此人"])
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=100%")["user_list"].items.isEmpty)
            #expect(try await alice.ask("GET", "/user/100%").outcome == "404 -1 Not found")
            #expect(try await alice.ask("GET", "/ws/100%").json == ["message": "not found"])
        }
    }

    @Test func `a preflight is answered for any path`() async throws {
        try await withGateway { site in
            for (path, _) in Self.dialects {
                for target in [path, path + "100%", path + "%ff", path + "x?a=%", path + "x?a=%00", path + "%2f"] {
                    let reply = try await answer(
                        site.port,
                        "OPTIONS \(target) HTTP/1.1\r\nHost: a\r\nOrigin: https://a.org\r\nAccess-Control-Request-Method: GET\r\n\r\n"
                    )
                    #expect(reply.status == 204, "\(target) \(reply)")
                    #expect(reply.headers["access-control-allow-origin"] == "*")
                }
            }
        }
    }

    @Test func `a picture that is none is refused like everything at the root`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            for id in ["x", "99", "\(alice.id)", "-1", "99999999999999999999", "1%2f2", "%"] {
                for path in ["/media/pictures/\(id)", "/api/media/pictures/\(id)"] {
                    #expect(try await site.ask("GET", path).outcome == "404 -1 Not found", "\(path)")
                }
            }
            await site.stop(.auth)
            let away = try await site.ask("GET", "/media/pictures/98")
            #expect(away.outcome.hasPrefix("50") && away["info"].text.isEmpty == false)
        }
    }

    @Test func `an escaped slash does not lead to another path`() async throws {
        try await withGateway { site in
            for (method, path) in [
                ("POST", "/user%2flogin"), ("POST", "/user%2Flogin"), ("GET", "/media%2fpictures/default"),
                ("GET", "/friend/pull_friend_list%2f"),
            ] {
                let reply = try await site.ask(method, path)
                #expect(reply.outcome == "404 -1 Not found", "\(path)")
            }
            let login = try await site.ask("POST", "/api/auth%2flogin")
            #expect(login.status == 404)
        }
    }

    @Test func `a refusal for a while says once when to come back`() async throws {
        try await withGateway {
            $0.gateway.server.maxConnections = 1
        } _: { site in
            let first = HTTPClient(port: site.port)
            #expect(try await first.request("GET", "/nobody").status == 404)
            for (path, _) in Self.dialects {
                let reply = try await site.ask("GET", path)
                #expect(reply.status == 503)
                #expect(reply.headers["retry-after"] == "1", "\(path)")
            }
        }
    }
}
