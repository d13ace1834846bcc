import Shared
import TestSupport
import Testing

@testable import Gateway

@Suite struct RestAccountTests {
    // MARK: - Registration

    @Test func `a registration answers the account`() async throws {
        try await withGateway { site in
            let reply = try await site.restRegister("张三", "13912345678")
            #expect(reply.restOutcome == "200 成功")
            #expect(reply["data"] == ["id": 1, "uid": "m_1", "name": "张三"])
            let alice = try await site.restLogIn("phone_number", "13912345678")
            #expect(
                try await alice.data("GET", "/me") == [
                    "id": 1, "uid": "m_1", "name": "张三", "phone_number": "13912345678", "userName": "m1",
                ])
        }
    }

    @Test func `a registration is refused for what the account may not have`() async throws {
        try await withGateway { site in
            _ = try await site.restPerson("Alice")
            func outcome(_ changes: JSONObject) async throws -> String {
                var body: JSONObject = ["name": "Bob", "password": "123456", "phone_number": "13811112222"]
                for change in changes.members { body.append(change.name, change.value) }
                return try await site.ask("POST", "/register", .object(body)).restOutcome
            }
            for name in ["", String(repeating: "长", count: 65), "a\0b"] {
                #expect(try await outcome(["name": .string(name)]) == "400 昵称应为1到64个字符")
            }
            for password in ["", "12345"] {
                #expect(try await outcome(["password": .string(password)]) == "400 密码应为6到72个字符")
            }
            let long = String(repeating: "x", count: 73)
            #expect(try await outcome(["password": .string(long)]) == "400 密码不能超过72个字符")
            for number in ["", "1391234567", "139123456789", "1391234567x", "+8613912345", "１３９１２３４５６７８"] {
                #expect(try await outcome(["phone_number": .string(number)]) == "400 手机号应为11位数字", "\(number)")
            }
            #expect(try await outcome(["phone_number": 13_811_112_222]) == "400 请求参数错误：phone_number")
            #expect(try await outcome(["name": .string(String(repeating: "长", count: 64))]) == "200 成功")
            #expect(try await outcome([:]) == "400 手机号已存在")
        }
    }

    @Test func `of registrations of one number at once, one succeeds`() async throws {
        try await withGateway { site in
            let outcomes = try await atOnce(8) { try await site.restRegister("P\($0)", "13812345678") }
            #expect(outcomes == ["200 成功"] + [String](repeating: "400 手机号已存在", count: 7))
        }
    }

    // MARK: - Log-in

    @Test func `all three names log in, on both paths`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            #expect(try await alice.ask("PATCH", "/me/uid", ["new_uid": "wx_alice"]).restOutcome == "200 成功")
            let ways: [(path: String, name: String, value: String)] = [
                ("/api/auth/login", "uid", "wx_alice"), ("/auth/login", "phone_number", alice.phoneNumber),
                ("/api/auth/login", "userName", "m1"), ("/api/login/uid", "uid", "wx_alice"),
                ("/login/phone_number", "phone_number", alice.phoneNumber),
            ]
            for (path, name, value) in ways {
                var body: JSONObject = ["password": "123456"]
                body.append(name, .string(value))
                let reply = try await site.ask("POST", path, .object(body))
                #expect(reply.restOutcome == "200 成功", "\(path) \(name) \(reply)")
                #expect(reply["data"]["user_info"] == ["id": 1, "uid": "wx_alice", "name": "Alice"])
                #expect((895...900).contains(reply["data"]["token_class"]["expires_in"].integer ?? 0))

                for (spoiled, password) in [(value + "1", "123456"), (value, "1234567")] {
                    var body: JSONObject = ["password": .string(password)]
                    body.append(name, .string(spoiled))
                    #expect(
                        try await site.ask("POST", path, .object(body)).restOutcome == "400 账号或密码错误",
                        "\(path) \(name)")
                }
            }
            // What a form leaves empty is not given.
            let body: JSONValue = [
                "uid": "", "phone_number": .null, "userName": "m1", "password": "123456", "device": "phone",
            ]
            #expect(try await site.ask("POST", "/api/auth/login", body).restOutcome == "200 成功")
            #expect(
                try await site.ask("POST", "/api/auth/login", ["password": "123456"]).restOutcome
                    == "400 请求参数错误：userName")
        }
    }

    @Test func `several devices are logged in, listed, and ended one by one`() async throws {
        try await withGateway { site in
            let first = try await site.restPerson("Alice")
            let second = try await site.restLogIn("phone_number", first.phoneNumber, device: "平板")
            let third = try await Reply(
                HTTPClient(port: site.port).request(
                    "POST", "/api/auth/login", headers: ["User-Agent": "curl/8"],
                    body: #"{"userName":"m1","password":"123456"}"#))
            #expect(third.restOutcome == "200 成功")

            let sessions = try await second.data("GET", "/sessions").items
            #expect(sessions.map { $0["device"].text } == ["curl/8", "平板", "test"])
            #expect(sessions.map { $0["current"] } == [false, true, false])
            #expect(sessions.allSatisfy { $0["dialect"] == "rest" })
            for session in sessions {
                let names = session.object?.members.map(\.name)
                #expect(names == ["id", "dialect", "device", "created_at", "last_seen_at", "current"])
                #expect(session["created_at"].text.wholeMatch(of: rfc3339) != nil)
                #expect(session["last_seen_at"].text.wholeMatch(of: rfc3339) != nil)
            }
            let socket = try await first.listen()
            let last = try #require(sessions.last?["id"].integer)
            try await second.data("DELETE", "/sessions/\(last)")
            #expect(try await socket.end(within: .seconds(1)) == 4401)
            #expect(try await first.ask("GET", "/me").restOutcome == "401 token格式错误或失效")
            #expect(try await second.ask("DELETE", "/sessions/\(last)").restOutcome == "400 会话不存在或已失效")

            let stranger = try await site.restPerson("Bob")
            let current = try #require(sessions[1]["id"].integer)
            #expect(try await stranger.ask("DELETE", "/sessions/\(current)").restOutcome == "400 会话不存在或已失效")
            let own = try await second.listen()
            try await second.data("DELETE", "/sessions/\(current)")
            #expect(try await own.end(within: .seconds(1)) == 4401)
            #expect(try await second.ask("GET", "/me").status == 401)
        }
    }

    @Test func `logout ends this session alone`() async throws {
        try await withGateway { site in
            let first = try await site.restPerson("Alice")
            let second = try await site.restLogIn("phone_number", first.phoneNumber)
            let socket = try await first.listen()
            try await first.data("POST", "/logout")
            #expect(try await socket.end(within: .seconds(1)) == 4401)
            #expect(try await first.ask("POST", "/logout").restOutcome == "401 token格式错误或失效")
            #expect(try await site.restRefresh(first.refreshToken).restOutcome == "401 token格式错误或失效")
            try await second.data("GET", "/me")
        }
    }

    @Test func `a session whose tokens never arrived is ended`() async throws {
        let auth = try StubAuth()
        let (held, ended) = (Signal<Responder<AuthAPI.LogIn.Reply>>(), Signal<SessionID>())
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.onBusThread(AuthAPI.LogIn.self, from: [.gateway]) { _, _, respond in held.set(respond) }
                $0.on(AuthAPI.LogOut.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    ended.set(request.session)
                    return Done()
                }
            }
        } _: { site in
            let body = #"{"uid":"alice","password":"123456"}"#
            let cut = HTTPClient(port: site.port)
            try await cut.send(
                raw: "POST /login/uid HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let respond = await held.value
            cut.close()
            // An answer on another connection proves that the gateway has seen the end of the first.
            #expect(try await site.ask("GET", "/auth/nope").status == 404)
            respond(
                .success(
                    AuthAPI.LogIn.Reply(
                        session: SessionID(7), token: "a.b.c", expiresAt: 0, expiresIn: 0, refreshToken: "mrt_x",
                        profile: .test(1, "Alice"))))
            #expect(await ended.value == SessionID(7))
        }
    }

    // MARK: - The own profile

    @Test func `the own uid and name are changed and shown at once`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            // In everybody's memory before it changes.
            #expect(try await bob.data("GET", "/info/strangers/id/\(alice.id)")["uid"] == "m_1")
            for (method, field) in [("PATCH", "new_uid"), ("POST", "uid")] {
                var body = JSONObject()
                body.append(field, .string("wx-\(method)"))
                #expect(try await alice.data(method, "/me/uid", .object(body)) == .null)
                #expect(try await alice.data("GET", "/me")["uid"] == .string("wx-\(method)"))
                #expect(try await bob.data("GET", "/info/strangers/uid/wx-\(method)")["id"] == 1)
            }
            for (method, field) in [("PATCH", "new_name"), ("POST", "name")] {
                var body = JSONObject()
                body.append(field, .string("名\(method)"))
                #expect(try await alice.data(method, "/me/name", .object(body)) == .null)
                #expect(try await bob.data("GET", "/info/strangers/id/\(alice.id)")["name"] == .string("名\(method)"))
            }
            func outcome(_ uid: String) async throws -> String {
                try await bob.ask("PATCH", "/me/uid", ["new_uid": .string(uid)]).restOutcome
            }
            #expect(try await outcome("wx-POST") == "400 微信号重复")
            #expect(try await outcome("m_1") == "400 微信号重复")
            for uid in ["", String(repeating: "x", count: 21), "a b", "微信", "a.b"] {
                #expect(try await outcome(uid) == "400 微信号应为1到20个字母、数字、下划线或减号", "\(uid)")
            }
            #expect(try await bob.ask("POST", "/me/name", ["name": ""]).restOutcome == "400 昵称应为1到64个字符")
        }
    }

    @Test func `of changes to one uid at once, one succeeds`() async throws {
        try await withGateway { site in
            var people: [RestPerson] = []
            for index in 0..<6 { people.append(try await site.restPerson("P\(index)")) }
            let outcomes = try await atOnce(6) { [people] index in
                try await people[index].ask("PATCH", "/me/uid", ["new_uid": "wanted"])
            }
            #expect(outcomes == ["200 成功"] + [String](repeating: "400 微信号重复", count: 5))
        }
    }

    @Test func `a changed password ends the other sessions`() async throws {
        try await withGateway { site in
            let first = try await site.restPerson("Alice")
            let second = try await site.restLogIn("phone_number", first.phoneNumber)
            let socket = try await second.listen()
            let wrong: JSONValue = ["prev_password": "wrong!", "new_password": "654321"]
            #expect(try await first.ask("PATCH", "/me/password", wrong).restOutcome == "400 密码错误")
            let short: JSONValue = ["prev_password": "123456", "new_password": "6543"]
            #expect(try await first.ask("POST", "/me/password", short).restOutcome == "400 密码应为6到72个字符")
            try await second.data("GET", "/me")

            let body: JSONValue = ["prev_password": "123456", "new_password": "654321"]
            #expect(try await first.data("POST", "/me/password", body) == .null)
            #expect(try await socket.end(within: .seconds(2)) == 4401)
            #expect(try await second.ask("GET", "/me").status == 401)
            #expect(try await site.restRefresh(second.refreshToken).status == 401)
            try await first.data("GET", "/me")
            #expect(try await site.restRefresh(first.refreshToken).status == 200)
            _ = try await site.restLogIn("phone_number", first.phoneNumber, password: "654321")
        }
    }

    private var rfc3339: Regex<Substring> { /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/ }
}
