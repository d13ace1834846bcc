import TestSupport
import Testing

@testable import Gateway

/// What holds for every path: methods, tokens, bodies, fields, headers.
@Suite struct ClassicEnvelopeTests {
    struct Endpoint: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        var query = ""
        var isOpen = false
        /// A body that passes the checks of fields.
        var body: JSONObject = [:]
        var texts: [String] = []
        var ids: [String] = []

        var testDescription: String { path }
    }

    static let endpoints = [
        Endpoint(
            method: "POST", path: "/user/login", isOpen: true, body: ["userName": "Nobody", "password": "x"],
            texts: ["userName", "password"]),
        Endpoint(
            method: "PUT", path: "/user/register", isOpen: true,
            body: [
                "userName": "New", "password": "a", "ensurePassword": "b", "phoneNumber": "", "email": "",
                "picture": "",
            ], texts: ["userName", "password", "ensurePassword", "phoneNumber", "email", "picture"]),
        Endpoint(method: "POST", path: "/user/logout"),
        Endpoint(method: "GET", path: "/user/pull_user_info", query: "?userName=x"),
        Endpoint(
            method: "POST", path: "/friend/apply_friend", body: ["applyUserName": "Nobody"], texts: ["applyUserName"]),
        Endpoint(method: "GET", path: "/friend/pull_friend_chain"),
        Endpoint(
            method: "POST", path: "/friend/handel_apply", body: ["senderUserId": 9, "agree": "True"],
            ids: ["senderUserId"]),
        Endpoint(
            method: "POST", path: "/friend/handle_apply", body: ["senderUserId": 9, "agree": "True"],
            ids: ["senderUserId"]),
        Endpoint(
            method: "POST", path: "/friend/handle_friend_apply", body: ["senderUserId": 9, "agree": "True"],
            ids: ["senderUserId"]),
        Endpoint(method: "GET", path: "/friend/pull_friend_list"),
        Endpoint(
            method: "PUT", path: "/message/send_message", body: ["conversationId": 9, "message": "x", "replyId": -1],
            texts: ["message"], ids: ["conversationId", "replyId"]),
        Endpoint(method: "GET", path: "/message/pull_user_chain"),
        Endpoint(method: "GET", path: "/conversation/pull_conversation_list"),
        Endpoint(method: "GET", path: "/conversation/pull_conversation_chain", query: "?conversationId=1"),
    ]

    private static func spellings(of path: String) -> [String] { [path, path + "/", "/api" + path, "/api\(path)/"] }

    // MARK: - Paths and methods

    @Test(arguments: endpoints)
    func `the method is checked before anything else`(_ endpoint: Endpoint) async throws {
        try await withGateway { site in
            let http = HTTPClient(port: site.port)
            for path in Self.spellings(of: endpoint.path) {
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
                where method != endpoint.method {
                    let reply = try await Reply(http.request(method, path, body: "{"))
                    #expect(reply.outcome == "405 -3 Bad method", "\(method)")
                    #expect(reply.headers["allow"] == endpoint.method)
                }
            }
            let unheardOf = try await Reply(http.request("NONSENSE", endpoint.path))
            #expect(unheardOf.outcome == "405 -3 Bad method")
        }
    }

    @Test func `unknown paths are answered in the envelope`() async throws {
        try await withGateway { site async throws in
            let paths = [
                "/", "/nope", "/user", "/user/", "/api", "/api/", "/api/api/user/login", "/user/login/x", "/User/login",
                "//user/login", "/user//login", "/user/login//", "/media", "/../user/login", "/user%2Flogin/",
            ]
            for path in paths {
                for method in ["GET", "POST", "DELETE"] {
                    // %2F is a slash in a path that is looked up decoded.
                    guard path != "/user%2Flogin/" else { continue }
                    #expect(try await site.ask(method, path).outcome == "404 -1 Not found", "\(path)")
                }
            }
        }
    }

    // MARK: - Tokens

    @Test(arguments: endpoints.filter { !$0.isOpen })
    func `the token is checked before body and fields`(_ endpoint: Endpoint) async throws {
        try await withGateway { site in
            let refused = "401 6 invalid or expired JWT"
            let http = HTTPClient(port: site.port)
            for path in Self.spellings(of: endpoint.path) {
                for body in ["", "{", "[]", #"{"userName":1}"#] {
                    let plain = try await Reply(http.request(endpoint.method, path, body: body))
                    #expect(plain.outcome == refused, "\(path) \(body)")
                    let garbage = try await Reply(
                        http.request(endpoint.method, path, headers: ["Authorization": "a.b.c"], body: body))
                    #expect(garbage.outcome == refused, "\(path) \(body)")
                }
            }
        }
    }

    @Test(arguments: endpoints)
    func `every spelling of a path is the same path`(_ endpoint: Endpoint) async throws {
        try await withGateway { site in
            let person = try await site.person("Person")
            var outcomes: Set<String> = []
            for path in Self.spellings(of: endpoint.path) where endpoint.path != "/user/logout" {
                let body: JSONValue? = endpoint.method == "GET" ? nil : .object(endpoint.body)
                let reply = try await person.ask(endpoint.method, path + endpoint.query, body)
                #expect(reply.status != 404 && reply.status != 405 || reply["code"] == 7, "\(reply)")
                outcomes.insert(reply.outcome)
            }
            #expect(outcomes.count <= 1)
        }
    }

    // MARK: - Bodies and fields

    @Test(arguments: endpoints.filter { $0.method != "GET" })
    func `a body that is no JSON object is refused as such`(_ endpoint: Endpoint) async throws {
        let bodies = [
            "{", "}", "x", " ", "null", "true", "1", #""text""#, "[]", "{}{}", "{} x", "{'a':1}", "{a:1}", #"{"a":1,}"#,
            #"{"a":01}"#, #"{"a":1e999}"#, #"{"a":NaN}"#, #"{"a":"\ud800"}"#, #"{"a":"\x"}"#, "{\"a\":\"\n\"}",
            "\u{FEFF}{}", "a=1&b=2", String(repeating: "[", count: 1_000),
            #"{"a":"# + String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000) + "}",
        ]
        try await withGateway { site in
            let person = try await site.person("Person")
            for body in bodies {
                let reply = try await person.askRaw(endpoint.method, endpoint.path, body)
                #expect(reply.outcome == "400 -2 Invalid JSON body", "\(body.prefix(40))")
            }
            let notUTF8 = try await Reply(
                person.http.request(
                    endpoint.method, endpoint.path, headers: ["Authorization": person.token],
                    body: Array(#"{"a":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)))
            #expect(notUTF8.outcome == "400 -2 Invalid JSON body")
        }
    }

    @Test(arguments: endpoints.filter { !$0.texts.isEmpty || !$0.ids.isEmpty })
    func `a missing field or one of another type is named`(_ endpoint: Endpoint) async throws {
        let notText: [JSONValue?] = [nil, .null, 1, .number(1.5), true, [], [:], ["x"]]
        let notID: [JSONValue?] = [
            nil, .null, "", "x", "1.5", "+1", " 1", "1 ", "0x1", "１", "9223372036854775808", "1e3", .number(1.5), true,
            [], [:], [1], .number(9_223_372_036_854_775_808), .number(1e300),
        ]
        try await withGateway { site in
            let person = try await site.person("Person")
            for (names, values) in [(endpoint.texts, notText), (endpoint.ids, notID)] {
                for (name, value) in names.flatMap({ name in values.map { (name, $0) } }) {
                    var body = JSONObject(endpoint.body.members.filter { $0.name != name })
                    if let value { body.append(name, value) }
                    let reply = try await person.ask(endpoint.method, endpoint.path, .object(body))
                    let wanted = "400 -2 Missing or error type of [\(name)]"
                    #expect(reply.outcome == wanted, "\(value?.text ?? "missing")")
                }
            }
            for body in ["", "{}"] {
                let reply = try await person.askRaw(endpoint.method, endpoint.path, body)
                #expect(reply.status == 400)
                #expect(reply["info"].text.hasPrefix("Missing or error type of ["))
            }
        }
    }

    @Test func `empty names and passwords count as missing`() async throws {
        try await withGateway { site async throws in
            for name in ["userName", "password"] {
                let wanted = "400 -2 Missing or error type of [\(name)]"
                var body: JSONObject = ["userName": "a", "password": "b"]
                body.append(name, "")
                #expect(try await site.ask("POST", "/user/login", .object(body)).outcome == wanted)
                #expect(try await site.register("New", [name: ""]).outcome == wanted)
            }
        }
    }

    @Test func `the last of repeated names counts, and names are exact`() async throws {
        try await withGateway { site in
            try await site.register("Alice")
            let doubled = #"{"userName":"Nobody","password":1,"password":"123456","userName":"Alice"}"#
            #expect(try await site.askRaw("POST", "/user/login", doubled).status == 200)
            let other = #"{"username":"Alice","password":"123456"}"#
            #expect(
                try await site.askRaw("POST", "/user/login", other).outcome
                    == "400 -2 Missing or error type of [userName]")
        }
    }

    @Test(arguments: endpoints.filter { $0.method == "GET" })
    func `a body on GET does not count`(_ endpoint: Endpoint) async throws {
        try await withGateway { site in
            let (person, _, _) = try await site.friends()
            for body in ["", "{}", #"{"conversationId":7}"#, "{", String(repeating: "x", count: 10_000)] {
                let reply = try await person.askRaw("GET", endpoint.path + endpoint.query, body)
                #expect(reply.status == 200, "\(reply)")
            }
        }
    }

    @Test func `a body too large is refused in the envelope`() async throws {
        try await withGateway {
            $0.gateway.server.maxBodyBytes = 4_096
        } _: { site async throws in
            let large = String(repeating: " ", count: 4_097)
            #expect(try await site.askRaw("POST", "/user/login", large).outcome == "413 -4 Payload too large")
            #expect(
                try await site.askRaw("GET", "/friend/pull_friend_list", large).outcome == "413 -4 Payload too large")
            #expect(try await site.askRaw("POST", "/user/login", String(large.dropLast())).status == 400)
        }
    }

    // MARK: - Headers

    @Test func `every answer is JSON that nobody keeps`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let replies = [
                try await alice.ask("GET", "/friend/pull_friend_list"),
                try await site.ask("GET", "/friend/pull_friend_list"), try await site.ask("GET", "/nope"),
                try await site.ask("GET", "/user/login"), try await site.askRaw("POST", "/user/login", "{"),
            ]
            for reply in replies {
                #expect(reply.headers["content-type"] == "application/json; charset=utf-8")
                #expect(reply.headers["cache-control"] == "no-store")
                #expect(reply.headers["x-content-type-options"] == "nosniff")
                #expect(reply.headers["access-control-allow-origin"] == "*")
                #expect(reply.headers["access-control-allow-credentials"] == nil)
                #expect(reply.headers["server"] == nil)
                #expect(reply.headers["x-request-id"]?.utf8.count == 16)
            }
        }
    }

    @Test func `a sane request id comes back, another is replaced`() async throws {
        try await withGateway { site in
            for id in ["a", "0123-abc_DEF.9", String(repeating: "x", count: 64)] {
                for path in ["/nope", "/user/login", "/friend/pull_friend_list"] {
                    #expect(
                        try await site.ask("POST", path, headers: ["X-Request-Id": id]).headers["x-request-id"] == id)
                }
            }
            for id in ["", "a b", "é", "a\"b", String(repeating: "x", count: 65)] {
                let answered = try await site.ask("GET", "/nope", headers: ["X-Request-Id": id]).headers["x-request-id"]
                #expect(answered?.utf8.count == 16 && answered != id)
            }
        }
    }

    @Test(arguments: endpoints)
    func `a preflight needs no token`(_ endpoint: Endpoint) async throws {
        try await withGateway { site in
            let reply = try await site.ask(
                "OPTIONS", endpoint.path,
                headers: [
                    "Origin": "https://example.org", "Access-Control-Request-Method": endpoint.method,
                    "Access-Control-Request-Headers": "authorization, content-type",
                ])
            #expect(reply.status == 204)
            #expect(reply.headers["access-control-allow-origin"] == "*")
            #expect(reply.headers["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE")
            #expect(
                reply.headers["access-control-allow-headers"] == "Content-Type, Authorization, Idempotency-Key")
            #expect(reply.headers["access-control-allow-credentials"] == nil)
        }
    }

    @Test func `HEAD is a wrong method like any other, and hands nothing out`() async throws {
        try await withGateway { site in
            let (alice, _, _) = try await site.friends()
            let carol = try await site.person("Carol")
            #expect(try await carol.apply(to: "Alice").status == 200)
            for path in ["/message/pull_user_chain", "/friend/pull_friend_chain"] {
                let head = try await alice.ask("HEAD", path)
                let reply = try await alice.ask("GET", path)
                #expect(head.status == 405)
                #expect((reply["user_chat_chain"].array ?? reply["friend_chain"].array)?.count == 1)
            }
        }
    }
}
