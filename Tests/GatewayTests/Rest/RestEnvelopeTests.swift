import Shared
import TestSupport
import Testing

@testable import Gateway

/// What holds for every path: methods, tokens, bodies, fields, headers.
@Suite struct RestEnvelopeTests {
    struct Endpoint: Sendable, CustomTestStringConvertible {
        let method: String
        /// Behind the optional `/api`.
        let path: String
        var isOpen = false
        /// A body that passes the checks of fields.
        var body: JSONObject = [:]
        var texts: [String] = []
        var ids: [String] = []
        /// A path with an id that is none, and what the id is called.
        var spoiled: (path: String, name: String)?

        init(
            _ method: String, _ path: String, isOpen: Bool = false, _ body: JSONObject = [:], texts: [String] = [],
            ids: [String] = [], spoiled: (path: String, name: String)? = nil
        ) {
            self.method = method
            self.path = path
            self.isOpen = isOpen
            self.body = body
            self.texts = texts
            self.ids = ids
            self.spoiled = spoiled
        }

        var testDescription: String { "\(method) \(path)" }
    }

    static let endpoints = general + ofProfiles + ofMessages

    private static let general: [Endpoint] = [
        Endpoint(
            "POST", "/register", isOpen: true, ["name": "A", "password": "1", "phone_number": "1"],
            texts: ["name", "password", "phone_number"]),
        Endpoint(
            "POST", "/login/uid", isOpen: true, ["uid": "nobody", "password": "x"], texts: ["uid", "password"]),
        Endpoint(
            "POST", "/login/phone_number", isOpen: true, ["phone_number": "13900000000", "password": "x"],
            texts: ["phone_number", "password"]),
        Endpoint("POST", "/auth/login", isOpen: true, ["uid": "nobody", "password": "x"], texts: ["password"]),
        Endpoint("GET", "/auth/sessions"),
        Endpoint("DELETE", "/auth/sessions/999999", spoiled: ("/auth/sessions/x", "id")),
        Endpoint("GET", "/auth/me"),
        Endpoint("GET", "/auth/friendships"),
        Endpoint("DELETE", "/auth/friendships/999999", spoiled: ("/auth/friendships/1.5", "friend_id")),
        Endpoint(
            "POST", "/auth/friendships/remark/999999", ["remark": "x"], texts: ["remark"],
            spoiled: ("/auth/friendships/remark/x", "friend_id")),
        Endpoint("GET", "/auth/friendship_requests"),
        Endpoint("POST", "/auth/friendship_requests", ["receiver_id": 999_999], ids: ["receiver_id"]),
        Endpoint(
            "POST", "/auth/friendship_requests/999999", ["status": "accepted"], texts: ["status"],
            spoiled: ("/auth/friendship_requests/+1", "request_id")),
        Endpoint(
            "DELETE", "/auth/friendship_requests/999999", spoiled: ("/auth/friendship_requests/%20", "request_id")),
        Endpoint("GET", "/auth/info/strangers/id/999999", spoiled: ("/auth/info/strangers/id/x", "id")),
        Endpoint("GET", "/auth/info/strangers/uid/x"),
        Endpoint("GET", "/auth/info/friends/id/999999", spoiled: ("/auth/info/friends/id/x", "id")),
        Endpoint("GET", "/auth/info/friends/uid/x"),
        Endpoint("GET", "/auth/blocks"),
        Endpoint("PUT", "/auth/blocks/999999", spoiled: ("/auth/blocks/x", "user_id")),
        Endpoint("DELETE", "/auth/blocks/999999", spoiled: ("/auth/blocks/x", "user_id")),
        Endpoint("GET", "/auth/conversations"),
        Endpoint("POST", "/auth/conversations/private", ["id": 999_999], ids: ["id"]),
        Endpoint("GET", "/auth/conversations/999999", spoiled: ("/auth/conversations/x", "conversation_id")),
        Endpoint(
            "POST", "/auth/conversations/999999/read", ["message_id": 1], ids: ["message_id"],
            spoiled: ("/auth/conversations/x/read", "conversation_id")),
    ]

    private static let ofProfiles: [Endpoint] = [
        Endpoint("PATCH", "/auth/me/uid", ["new_uid": "new"], texts: ["new_uid"]),
        Endpoint("POST", "/auth/me/uid", ["new_uid": "new"], texts: ["new_uid"]),
        Endpoint("PATCH", "/auth/me/name", ["new_name": "new"], texts: ["new_name"]),
        Endpoint("POST", "/auth/me/name", ["new_name": "new"], texts: ["new_name"]),
        Endpoint(
            "PATCH", "/auth/me/password", ["prev_password": "x", "new_password": "y"],
            texts: ["prev_password", "new_password"]),
        Endpoint(
            "POST", "/auth/me/password", ["prev_password": "x", "new_password": "y"],
            texts: ["prev_password", "new_password"]),
        Endpoint("POST", "/auth/logout"),
    ]

    private static let ofMessages: [Endpoint] = [
        Endpoint("POST", "/auth/messages", ["conversation_id": 999_999, "content": "x"], texts: ["content"]),
        Endpoint("POST", "/auth/messages/text", ["conversation_id": 999_999, "content": "x"], texts: ["content"]),
        Endpoint("POST", "/auth/messages/texts", ["conversation_id": 999_999, "content": "x"], texts: ["content"]),
        Endpoint("DELETE", "/auth/message/recall", ["message_id": 999_999], ids: ["message_id"]),
        Endpoint("DELETE", "/auth/messages/recall", ["message_id": 999_999], ids: ["message_id"]),
        Endpoint("DELETE", "/auth/message/delete", ["message_id": 999_999], ids: ["message_id"]),
        Endpoint("DELETE", "/auth/messages/delete", ["message_id": 999_999], ids: ["message_id"]),
    ]

    private static func spellings(of path: String) -> [String] { [path, path + "/", "/api" + path, "/api\(path)/"] }

    private let noToken = "401 token格式错误或失效"

    @Test func `every path answers with and without its prefix, and only to its methods`() async throws {
        try await withGateway { site in
            let http = HTTPClient(port: site.port)
            for (path, endpoints) in Dictionary(grouping: Self.endpoints, by: \.path) {
                let allowed = endpoints.map(\.method).sorted()
                for spelling in Self.spellings(of: path) {
                    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] where !allowed.contains(method) {
                        let reply = try await Reply(http.request(method, spelling, body: "{"))
                        #expect(reply.restOutcome == "405 请求方法错误", "\(method) \(spelling) \(reply)")
                        #expect(reply.headers["allow"] == allowed.joined(separator: ", "), "\(spelling)")
                    }
                }
            }
        }
    }

    @Test func `without a token nothing but registration, log-in and refresh is answered`() async throws {
        try await withGateway { site in
            let http = HTTPClient(port: site.port)
            for endpoint in Self.endpoints where !endpoint.isOpen {
                for spelling in Self.spellings(of: endpoint.path) {
                    for headers in [[:], ["Authorization": "x"], ["Authorization": "Bearer a.b.c"]] {
                        let reply = try await Reply(
                            http.request(endpoint.method, spelling, headers: headers, body: "{"))
                        #expect(reply.restOutcome == noToken, "\(endpoint.method) \(spelling)")
                    }
                }
            }
        }
    }

    @Test func `a refresh token is refused with 403, and an access token is taken raw and as Bearer`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            for endpoint in Self.endpoints where !endpoint.isOpen {
                for prefix in ["", "Bearer ", "bearer "] {
                    let reply = try await Reply(
                        alice.http.request(
                            endpoint.method, endpoint.path, headers: ["Authorization": prefix + alice.refreshToken]))
                    #expect(reply.restOutcome == "403 refresh_token只能用于刷新token", "\(endpoint.path)")
                }
            }
            for prefix in ["", "Bearer ", "bearer "] {
                let reply = try await alice.ask("GET", "/me", headers: ["Authorization": prefix + alice.token])
                #expect(reply.status == 200)
            }
        }
    }

    @Test func `bodies and fields are named when they are not what they should be`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            func outcome(_ endpoint: Endpoint, _ body: String, path: String? = nil) async throws -> String {
                try await Reply(
                    alice.http.request(
                        endpoint.method, path ?? "/api" + endpoint.path,
                        headers: endpoint.isOpen ? [:] : ["Authorization": alice.token], body: body)
                ).restOutcome
            }
            for endpoint in Self.endpoints where endpoint.method != "GET" && endpoint.path != "/auth/logout" {
                for body in ["{", "x", "[]", "1", "null", "{}x"] {
                    #expect(try await outcome(endpoint, body) == "400 请求体不是JSON对象", "\(endpoint.path)")
                }
            }
            for endpoint in Self.endpoints {
                let noText: [JSONValue] = [.null, 1, true, [], [:]]
                let noID: [JSONValue] = ["", "x", "1.5", " 1", "+1", .number(1.5), true, [], [:]]
                let texts = endpoint.texts.flatMap { name in noText.map { (name, $0) } }
                for (name, value) in texts + endpoint.ids.flatMap({ name in noID.map { (name, $0) } }) {
                    var body = endpoint.body
                    body.append(name, value)
                    let answer = try await outcome(endpoint, JSONValue.object(body).text)
                    #expect(answer == "400 请求参数错误：\(name)", "\(endpoint.path) \(value)")
                }
                if let (path, name) = endpoint.spoiled {
                    let answer = try await outcome(endpoint, JSONValue.object(endpoint.body).text, path: path)
                    #expect(answer == "400 请求参数错误：\(name)", "\(path)")
                }
            }
        }
    }

    @Test func `what nobody handles is refused in this envelope under its prefixes`() async throws {
        try await withGateway { site in
            let paths = [
                "/auth/nope", "/api/auth", "/api/auth/nope/x", "/login/nope", "/api/login/nope", "/register/x",
            ]
            for path in paths {
                #expect(try await site.ask("GET", path).restOutcome == "404 接口不存在", "\(path)")
            }
            #expect(try await site.ask("GET", "/api/register").restOutcome == "405 请求方法错误")
            let large = String(repeating: "x", count: 3 << 20)
            let reply = try await site.ask("POST", "/api/auth/messages", ["content": .string(large)])
            #expect(reply.restOutcome == "413 请求体过大")
        }
    }

    @Test func `a preflight needs no token and allows the methods of this dialect`() async throws {
        try await withGateway { site in
            let endpoints = [
                ("PATCH", "/api/auth/me/uid"), ("DELETE", "/api/auth/message/recall"), ("PUT", "/api/auth/blocks/1"),
            ]
            for (method, path) in endpoints {
                let reply = try await site.ask(
                    "OPTIONS", path, headers: ["Origin": "https://a.org", "Access-Control-Request-Method": method])
                #expect(reply.status == 204)
                #expect(reply.headers["access-control-allow-methods"]?.contains(method) == true)
                #expect(reply.headers["access-control-allow-headers"]?.contains("Idempotency-Key") == true)
            }
            #expect(try await site.ask("GET", "/api/auth/me").headers["access-control-allow-origin"] == "*")
        }
    }

    @Test func `answers and refusals carry a request id, the caller's if it is sane`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            for path in ["/me", "/friendships/x", "/nope"] {
                let named = try await alice.ask("GET", path, headers: ["X-Request-Id": "my-id.1"])
                #expect(named.headers["x-request-id"] == "my-id.1", "\(path)")
                for headers in [[:], ["X-Request-Id": "a b"]] {
                    let reply = try await alice.ask("GET", path, headers: headers)
                    #expect(reply.headers["x-request-id"]?.utf8.count == 16, "\(path)")
                }
            }
            #expect(try await site.ask("GET", "/auth/me").headers["x-request-id"]?.utf8.count == 16)
        }
    }

    // MARK: - Rates

    /// Checks that at least `limit` of four times as many requests pass, and the next one is told when to come back.
    private func expectLimit(
        _ limit: Int, of person: RestPerson, passes: String,
        _ ask: @escaping @Sendable (RestPerson) async throws -> Reply
    ) async throws {
        let replies = try await withThrowingTaskGroup(of: [Reply].self) { group in
            for _ in 0..<8 {
                let person = person.again
                group.addTask {
                    var replies: [Reply] = []
                    for _ in 0..<(limit / 2) { replies.append(try await ask(person)) }
                    return replies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let limited = replies.filter { $0.status == 429 }
        #expect(replies.filter { $0.restOutcome == passes }.count == replies.count - limited.count)
        #expect(replies.count - limited.count >= limit)
        #expect(limited.count > 0)
        for reply in limited {
            #expect(reply.restOutcome == "429 请求过于频繁")
            #expect(reply.headers["retry-after"].flatMap { Int($0) }.map { (1...60).contains($0) } == true)
        }
    }

    private func withLimits(_ body: (Site) async throws -> Void) async throws {
        try await withGateway({ $0.gateway.limitsRates = true }, body)
    }

    @Test func `what tells whether somebody exists is limited together`() async throws {
        try await withLimits { site in
            let (alice, bob, _) = try await site.restFriends()
            try await expectLimit(60, of: alice, passes: "400 找不到此人") {
                try await $0.ask("GET", "/info/strangers/uid/x")
            }
            let others: [(method: String, path: String, body: JSONValue?)] = [
                ("GET", "/info/strangers/id/999", nil), ("GET", "/info/friends/uid/x", nil),
                ("PUT", "/blocks/999", nil), ("PATCH", "/me/uid", ["new_uid": "taken"]),
            ]
            // A permit comes every second, so one of them may pass.
            var refused = 0
            for (method, path, body) in others {
                if try await alice.ask(method, path, body).status == 429 { refused += 1 }
            }
            #expect(refused >= 3)
            // One's own friends are no secret.
            for _ in 0..<3 { try await alice.data("GET", "/info/friends/id/\(bob.id)") }
            try await bob.data("GET", "/info/strangers/id/\(alice.id)")
        }
    }

    @Test func `the cards of friends use up no search`() async throws {
        try await withLimits { site in
            let (alice, bob, _) = try await site.restFriends()
            for _ in 0..<70 { try await alice.data("GET", "/info/friends/id/\(bob.id)") }
            for _ in 0..<55 { try await alice.data("GET", "/info/strangers/id/\(bob.id)") }
        }
    }

    @Test func `changes of name and blocks are limited`() async throws {
        try await withLimits { site in
            let alice = try await site.restPerson("Alice")
            try await expectLimit(60, of: alice, passes: "200 成功") {
                try await $0.ask("PATCH", "/me/name", ["new_name": "A"])
            }
            var refused = 0
            for _ in 0..<3 where try await alice.ask("DELETE", "/blocks/2").status == 429 { refused += 1 }
            #expect(refused >= 2)
        }
    }

    @Test func `friend requests are limited`() async throws {
        try await withLimits { site in
            let alice = try await site.restPerson("Alice")
            try await expectLimit(60, of: alice, passes: "400 找不到此人") {
                try await $0.ask("POST", "/friendship_requests", ["receiver_id": 999])
            }
        }
    }

    @Test func `messages are limited to a burst of two hundred`() async throws {
        try await withLimits { site in
            let alice = try await site.restPerson("Alice")
            let message: JSONValue = ["conversation_id": 999, "content": "x"]
            try await expectLimit(200, of: alice, passes: "400 不在此会话中") {
                try await $0.ask("POST", "/messages", message)
            }
        }
    }

    @Test func `passwords tried with a session are limited`() async throws {
        try await withLimits { site in
            let alice = try await site.restPerson("Alice")
            let change: JSONValue = ["prev_password": "wrong!", "new_password": "654321"]
            try await expectLimit(10, of: alice, passes: "400 密码错误") {
                try await $0.ask("PATCH", "/me/password", change)
            }
        }
    }

    @Test func `a service that is away is 503 with Retry-After`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            await site.stop(.social)
            let reply = try await alice.ask("GET", "/friendships")
            #expect(reply.restOutcome == "503 服务暂不可用")
            #expect(reply.headers["retry-after"] == "1")
        }
    }
}

/// The wording of refusals.
@Suite struct RestErrorTests {
    @Test(arguments: ServiceError.Code.allCases)
    func `every refusal has a status of the contract, and only the token's is 401`(_ code: ServiceError.Code) {
        let error = RestError(ServiceError(code, detail: "7"))
        #expect([400, 401, 403, 409, 429, 500, 503, 504].contains(error.status))
        #expect((error.status == 401) == (code == .sessionOver))
        #expect((error.retryAfter != nil) == [429, 503].contains(error.status))
        #expect(error.isDefect == (code == .internal || code == .badRequest))
        #expect(!error.message.isEmpty)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_709_207_999_007, "2024-02-29T11:59:59.007Z"),
        (4_102_444_800_120, "2100-01-01T00:00:00.120Z"),
    ])
    func `times are written as RFC 3339`(_ milliseconds: Int64, _ text: String) {
        #expect(WallClock.text(of: milliseconds) == text)
    }
}
