import Shared
import TestSupport
import Testing

@testable import Gateway

/// The HTTP calls that belong to the dialect.
@Suite struct SocketHTTPTests {
    private let unauthorized: JSONValue = ["message": "unauthorized"]

    private func profile(
        _ id: JSONValue, _ name: String, key: String = "id", sex: JSONValue = "-1", sign: JSONValue = ""
    ) -> JSONValue {
        JSONValue.object([
            key: id, "username": .string(name), "nickname": .string(name + "!"),
            "headImg": "/media/pictures/default", "sex": sex, "sign": sign,
        ]).sorted
    }

    // MARK: - Sessions

    @Test func `registration logs in and sets the cookies`() async throws {
        try await withGateway { site in
            for (path, name, headers) in [
                ("/api/registe", "Alice", [:]), ("/api/register", "Bob", ["X-Forwarded-Proto": "https"]),
                ("/register/", "Carol", [:]),
            ] as [(String, String, [String: String])] {
                let body: JSONValue = [
                    "username": .string(name), "password": "a b c d", "nickname": .string(name + "!"), "sex": "0",
                    "sign": "hello",
                ]
                let reply = try await site.ask("POST", path, body, headers: headers)
                #expect(reply.status == 200 && reply["message"] == "success" && reply.json.object?["code"] == nil)
                let id = reply["data"]["id"]
                #expect(reply["data"].sorted == profile(id, name, sex: "0", sign: "hello"))
                let cookies = try #require(reply.headers["set-cookie"])
                let secure = headers.isEmpty ? "" : "; Secure"
                let token = try #require(cookies.split(separator: ";").first)
                #expect(token.hasPrefix("token=eyJ"))
                #expect(
                    cookies == "\(token); Path=/; Max-Age=86400; SameSite=Lax\(secure); HttpOnly, "
                        + "uid=\(id.text); Path=/; Max-Age=86400; SameSite=Lax\(secure)")
                let own = try await site.ask(
                    "GET", "/api/user/get_info", headers: ["Cookie": "\(token); uid=\(id.text)"])
                #expect(own["data"].sorted == profile(id, name, sex: "0", sign: "hello"))
            }
        }
    }

    @Test func `refusals of registration and log-in`() async throws {
        try await withGateway { site in
            _ = try await site.socketUser("Alice")
            func post(_ path: String, _ body: JSONValue) async throws -> String {
                let reply = try await site.ask("POST", path, body)
                #expect(reply.headers["set-cookie"] == nil)
                return "\(reply.status) \(reply["code"].text) \(reply["message"].text)"
            }
            let registration: JSONObject = ["username": "Alice", "password": "xxxxxx", "nickname": "A"]
            #expect(try await post("/api/registe", .object(registration)) == "200 1005 user exists")
            #expect(try await post("/api/register", .object(registration)) == "200 1005 user exists")
            for (field, value) in [
                ("username", ""), ("username", "a b"), ("password", ""), ("nickname", ""), ("sex", 2), ("sex", "x"),
                ("sign", 1), ("nickname", .string(String(repeating: "n", count: 256))), ("password", .null),
                ("password", "12345"), ("nickname", "\u{200B}"), ("nickname", "a\u{202E}b"),
                ("nickname", .null),
            ] as [(String, JSONValue)] {
                var body: JSONObject = ["username": "New", "password": "xxxxxx", "nickname": "N"]
                body.append(field, value)
                #expect(try await post("/api/registe", .object(body)) == "400 null bad parameter: \(field)")
            }
            #expect(
                try await post("/api/login", ["username": "Nobody", "password": "x"]) == "200 1000 no such account")
            #expect(try await post("/api/login", ["username": "a b", "password": "x"]) == "200 1000 no such account")
            #expect(try await post("/api/login", ["username": "Alice", "password": "x"]) == "200 1001 wrong password")
            #expect(try await post("/api/login", ["username": "Alice"]) == "400 null bad parameter: password")
            let malformed = try await site.ask("POST", "/api/login", "[]")
            #expect(malformed.status == 400 && malformed.json == ["message": "invalid JSON body"])
            // Without the field it is the other dialect's to refuse.
            #expect(try await site.ask("POST", "/api/register", [:])["code"] == 400)
        }
    }

    @Test func `user names have letters, digits, underscores and hyphens, 64 at most`() async throws {
        try await withGateway { site in
            func register(_ name: String) async throws -> Reply {
                try await site.ask(
                    "POST", "/api/registe", ["username": .string(name), "password": "secret", "nickname": "N"])
            }
            for name in ["a_b-c", "-", "_", "__", String(repeating: "x", count: 64)] {
                #expect(try await register(name)["data"]["username"] == .string(name), "\(name)")
                #expect(
                    try await site.ask(
                        "POST", "/user/login", ["userName": .string(name), "password": "secret"])["userName"]
                        == .string(name))
            }
            let searcher = try await site.person("Searcher")
            for (query, name) in [("userName=a_b-c", "a_b-c"), ("userName=a_&match=prefix", "a_b-c")] {
                let found = try await searcher.ask("GET", "/user/pull_user_info?" + query)["user_list"]
                #expect(found.items.map { $0["user_name"] } == [.string(name)])
            }
            for name in ["a.b", "é", "a b", String(repeating: "x", count: 65)] {
                let reply = try await register(name)
                #expect(reply.status == 400 && reply["message"] == "bad parameter: username", "\(name)")
            }
            // In the document of another dialect they have not.
            #expect(
                try await site.register("a_b").outcome == "400 4 only alphabets and number are allowed in userName")
        }
    }

    @Test func `several sessions live side by side and log-out ends one`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let other = try await site.logInBySocket("Alice")
            let reply = try await alice.http("POST", "/api/logout")
            #expect(reply.json.sorted == ["message": "success"])
            #expect(
                reply.headers["set-cookie"]
                    == "token=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly, uid=; Path=/; Max-Age=0; SameSite=Lax")
            for (method, path) in [("POST", "/api/logout"), ("GET", "/api/user/get_info")] {
                let refused = try await alice.http(method, path)
                #expect(refused.status == 401 && refused.json == unauthorized)
            }
            #expect(try await other.http("GET", "/api/user/get_info").status == 200)
        }
    }

    @Test func `cookies change something only for pages of the same host`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let body: JSONValue = ["groupName": "G", "groupNickname": "G"]
            let foreign = ["Origin": "https://evil.example.com"]
            let refused = try await alice.http("POST", "/api/group/create", body, headers: foreign)
            #expect(refused.status == 401 && refused.json == unauthorized)
            #expect(try await alice.http("POST", "/api/logout", headers: foreign).status == 401)
            #expect(try await alice.http("GET", "/api/user/get_info", headers: foreign).status == 200)
            let header = foreign.merging(["Authorization": alice.token]) { $1 }
            #expect(try await alice.http("POST", "/api/group/create", body, headers: header).status == 200)
            #expect(try await alice.http("POST", "/api/logout", headers: ["Origin": "http://localhost"]).status == 200)
        }
    }

    @Test func `a page elsewhere cannot log its visitor in`() async throws {
        try await withGateway {
            $0.gateway.allowedOrigins = [try #require(WebOrigin("https://chat.example.com"))]
        } _: { site in
            _ = try await site.socketUser("Alice")
            let logIn: JSONValue = ["username": "Alice", "password": .string(SocketUser.password)]
            let registration: JSONValue = ["username": "Bob", "password": "xxxxxx", "nickname": "B"]
            for origin in ["https://evil.example.com", "http://localhost:81", "null"] {
                for (path, body) in [
                    ("/api/login", logIn), ("/api/registe", registration), ("/api/register", registration),
                ] {
                    // As a form would send it.
                    let headers = ["Origin": origin, "Content-Type": "text/plain"]
                    let reply = try await site.ask("POST", path, body, headers: headers)
                    #expect(reply.status == 403 && reply.json == ["message": "forbidden origin"], "\(path) \(origin)")
                    #expect(reply.headers["set-cookie"] == nil)
                }
            }
            for origin in ["http://localhost", "https://chat.example.com"] {
                let reply = try await site.ask("POST", "/api/login", logIn, headers: ["Origin": origin])
                #expect(reply.status == 200 && reply.headers["set-cookie"] != nil, "\(origin)")
            }
            let own = try await site.ask("POST", "/api/registe", registration, headers: ["Origin": "http://localhost"])
            #expect(own["message"] == "success")
        }
    }

    @Test func `a registration whose log-in fails tells that the account exists`() async throws {
        let auth = try StubAuth()
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.on(AuthAPI.Register.self, from: [.gateway]) { _, _ throws(ServiceError) in
                    AuthAPI.Register.Reply(profile: .test(1))
                }
                $0.on(AuthAPI.LogIn.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    switch request.password {
                    case "unavailable": throw ServiceError(.unavailable)
                    case "limited": throw ServiceError(.rateLimited, detail: "60")
                    case "unknown": throw ServiceError(.outcomeUnknown)
                    default: throw ServiceError(.internal)
                    }
                }
            }
        } _: { site in
            for (failure, status) in [("unavailable", 504), ("limited", 504), ("unknown", 504), ("defect", 500)] {
                let body: JSONValue = ["username": "Alice", "password": .string(failure), "nickname": "A"]
                let reply = try await site.ask("POST", "/api/registe", body)
                #expect(reply.status == status, "\(failure)")
                #expect(reply.json == ["message": "the account exists now, log in"])
                #expect(reply.headers["set-cookie"] == nil && reply.headers["retry-after"] == nil)
            }
        }
    }

    @Test func `every call but the first two needs a session, and methods are checked`() async throws {
        try await withGateway { site in
            for (method, path) in [
                ("POST", "/api/logout"), ("GET", "/api/user/get_info"), ("GET", "/api/friend/get_friend_list"),
                ("GET", "/api/friend/search_user"), ("GET", "/api/user/friend_apply_list"),
                ("GET", "/api/user/group_apply_list"), ("POST", "/api/group/create"), ("GET", "/api/group/search"),
                ("GET", "/api/group/get_group_list"), ("GET", "/api/group/get_group_user_list"),
            ] {
                for headers in [[:], ["Cookie": "token=x; uid=1"], ["Authorization": "x"]] as [[String: String]] {
                    let reply = try await site.ask(method, path, "{", headers: headers)
                    #expect(reply.status == 401 && reply.json == unauthorized, "\(path)")
                }
                let wrong = try await site.ask(method == "GET" ? "POST" : "GET", path)
                #expect(wrong.status == 405 && wrong.json == ["message": "method not allowed"], "\(path)")
            }
            let unknown = try await site.ask("GET", "/api/group/nope")
            #expect(unknown.status == 404 && unknown.json == ["message": "not found"])
        }
    }

    // MARK: - Lists

    @Test func `people are found by user name or by a part of the nickname`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.socketUser("Bob"))
            func found(_ query: String) async throws -> JSONValue {
                try await alice.http("GET", "/api/friend/search_user?" + query)["data"]["list"].sorted
            }
            let entry = profile(.string(bob.id), "Bob", key: "userId")
            for query in ["username=Bob", "nickname=oB!", "nickname=BOB"] {
                #expect(try await found(query) == [entry], "\(query)")
            }
            for query in ["username=bob", "username=Bo", "nickname=x"] { #expect(try await found(query) == []) }
            #expect(try await found("nickname=!").items.count == 2)
            let missing = try await alice.http("GET", "/api/friend/search_user?username=")
            #expect(missing.status == 400 && missing.json == ["message": "bad parameter: username"])
        }
    }

    @Test func `the friend list shows who is there`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob", "Carol")
            let socket = try await users[1].listen()
            try await site.untilOnline(users[1])
            let list = try await users[0].http("GET", "/api/friend/get_friend_list")["data"]["list"].items
            #expect(list.map { $0["userId"].text }.sorted() == [users[1].id, users[2].id].sorted())
            for entry in list {
                let isBob = entry["userId"] == .string(users[1].id)
                var expected = profile(entry["userId"], isBob ? "Bob" : "Carol", key: "userId").object ?? [:]
                expected.append("remark", "")
                expected.append("status", isBob ? "1" : "0")
                #expect(entry.sorted == JSONValue.object(expected).sorted)
            }
            socket.cut()
        }
    }

    @Test func `pending friend requests are listed until they are answered`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.socketUser("Bob"))
            let request = try await alice.add(bob, remark: "it is me")
            let list = try await bob.http("GET", "/api/user/friend_apply_list")["data"]["list"]
            var expected = profile(.string(alice.id), "Alice", key: "fromUserId").object ?? [:]
            expected.append("friendApplyId", .string(request))
            expected.append("remark", "it is me")
            expected.append("createTime", list[0]["createTime"])
            #expect(list.sorted == [JSONValue.object(expected).sorted])
            #expect(list[0]["createTime"].integer != nil)
            // Seeing it does not answer it.
            #expect(try await bob.http("GET", "/api/user/friend_apply_list")["data"]["list"] == list)
            let refusal: JSONValue = ["friendApplyId": .string(request), "agree": false]
            #expect(try await bob.code("/friend/add_reply", refusal) == "0000")
            #expect(try await bob.http("GET", "/api/user/friend_apply_list")["data"]["list"] == [])
        }
    }

    @Test func `groups are made, found and listed with their members`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.socketUser("Bob"))
            let group = try await alice.createGroup("swift", "about Swift")
            func info(_ count: JSONValue, _ role: JSONValue? = nil) -> JSONValue {
                var info: JSONObject = [
                    "groupId": .string(group), "groupName": "swift", "groupNickname": "Group swift",
                    "groupHeadImg": "/media/pictures/default", "introduction": "about Swift",
                    "ownerUserId": .string(alice.id), "memberCount": count,
                ]
                if let role { info.append("role", role) }
                return JSONValue.object(info).sorted
            }
            func list(_ user: SocketUser, _ path: String) async throws -> JSONValue {
                try await user.http("GET", "/api/group/" + path)["data"]["list"].sorted
            }
            for query in ["groupName=swift", "groupNickname=SWIFT", "groupNickname=group"] {
                #expect(try await list(bob, "search?" + query) == [info(1)], "\(query)")
            }
            #expect(try await list(bob, "search?groupName=swif") == [])
            #expect(try await bob.http("GET", "/api/group/search").status == 400)
            let taken = try await bob.http(
                "POST", "/api/group/create", ["groupName": "swift", "groupNickname": "Mine"])
            #expect(taken.status == 200 && taken.json.sorted == ["code": "1007", "message": "group name exists"])
            // Nobody may choose what looks like the account of a group that has none chosen.
            let reserved = try await bob.http(
                "POST", "/api/group/create", ["groupName": "g99", "groupNickname": "Mine"])
            #expect(reserved.status == 200 && reserved["code"] == "1007")
            #expect(
                try await bob.http("POST", "/api/group/create", ["groupName": "x"]).json
                    == ["message": "bad parameter: groupNickname"])

            let request = try await bob.ask("/group/add", ["groupId": .string(group), "remark": "hi"])["data"][
                "groupApplyId"]
            let pending = try await alice.http("GET", "/api/user/group_apply_list")["data"]["list"]
            #expect(
                pending.sorted == [
                    JSONValue.object([
                        "groupApplyId": request, "fromUserId": .string(bob.id), "userId": .string(bob.id),
                        "username": "Bob", "nickname": "Bob!", "headImg": "/media/pictures/default",
                        "groupId": .string(group), "groupName": "swift", "groupNickname": "Group swift",
                        "groupHeadImg": "/media/pictures/default", "remark": "hi",
                        "createTime": pending[0]["createTime"],
                    ]).sorted
                ])
            #expect(try await bob.http("GET", "/api/user/group_apply_list")["data"]["list"] == [])
            #expect(try await alice.code("/group/add_reply", ["groupApplyId": request, "agree": true]) == "0000")

            let made = try await bob.http(
                "POST", "/api/group/create", ["groupName": "own", "groupNickname": "Mine", "introduction": "all of it"])
            let own = made["data"]["groupId"].text
            #expect(
                made.json.sorted
                    == JSONValue.object([
                        "message": "success",
                        "data": [
                            "groupId": .string(own), "groupName": "own", "groupNickname": "Mine",
                            "groupHeadImg": "/media/pictures/default", "introduction": "all of it",
                            "ownerUserId": .string(bob.id),
                        ],
                    ]).sorted)
            for (type, ids) in [
                ("", [group, own]), ("?type=1", [group, own]), ("?type=2", [own]), ("?type=x", [group, own]),
            ] {
                #expect(try await list(bob, "get_group_list" + type).items.map { $0["groupId"].text } == ids, "\(type)")
            }
            #expect(try await list(alice, "get_group_list") == [info(2, "owner")])

            let members = try await bob.http("GET", "/api/group/get_group_user_list?groupId=\(group)")["data"]
            func member(_ user: SocketUser, _ role: JSONValue) -> JSONValue {
                var entry = profile(.string(user.id), user.name, key: "userId").object ?? [:]
                entry.append("role", role)
                return JSONValue.object(entry).sorted
            }
            #expect(members.sorted == .object([group: [member(alice, "owner"), member(bob, "member")]]))
            let both = try await bob.http(
                "GET", "/api/group/get_group_user_list?groupId=\(own)&groupId=\(group)&groupId=\(own)")
            #expect(
                both["data"].sorted
                    == JSONValue.object([
                        own: [member(bob, "owner")], group: [member(alice, "owner"), member(bob, "member")],
                    ]).sorted)
            for (query, message) in [
                ("groupId=\(own)", "not a member of this group"),
                ("groupId=\(group)&groupId=\(own)", "not a member of this group"),
                ("groupId=\(group)&groupId=x", "bad parameter: groupId"), ("", "bad parameter: groupId"),
                (String(repeating: "groupId=\(group)&", count: 501), "bad parameter: groupId"),
            ] {
                let refused = try await alice.http("GET", "/api/group/get_group_user_list?" + query)
                #expect(refused.status == 400 && refused.json == ["message": .string(message)], "\(query.prefix(40))")
            }
        }
    }

    @Test func `who has no picture is shown one that everybody can fetch`() async throws {
        try await withGateway { site in
            for path in ["/media/pictures/default", "/api/media/pictures/default"] {
                let reply = try await HTTPClient(port: site.port).request("GET", path)
                #expect(reply.status == 200 && reply.headers["content-type"] == "image/svg+xml")
                #expect(String(decoding: reply.body, as: UTF8.self).hasPrefix("<svg "))
                #expect(reply.headers["x-content-type-options"] == "nosniff")
            }
            let painter = try await site.person("Painter", picture: Self.pixel)
            let own = try await site.ask("GET", "/api/user/get_info", headers: ["Authorization": painter.token])
            #expect(own["data"]["headImg"] == .string("/media/pictures/\(painter.id)?v=1"))
        }
    }

    /// A picture as `classic` takes it.
    private static let pixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

    // MARK: - Origins

    @Test func `allowed origins are read from the configuration, and what is none stops the process`() throws {
        func origins(_ text: String) throws -> Set<WebOrigin> {
            var configuration = try Configuration(
                arguments: ["--gateway-allowed-origins", text], environment: [:])
            return try GatewayConfiguration(reading: &configuration, runtimePath: "/run").allowedOrigins
        }
        let first = try #require(WebOrigin("https://a.example.com"))
        let second = try #require(WebOrigin("http://b:8080"))
        #expect(try origins("https://A.example.com:443, http://b:8080,") == [first, second])
        #expect(try origins("") == [])
        #expect(throws: Configuration.Invalid.self) { try origins("https://a.example.com,b.example.com") }
    }

    @Test(arguments: [
        "", "null", "localhost", "ftp://host", "https://", "https://host/", "https://host/path", "https://a@host",
    ])
    func `what is no origin of a host is none`(text: String) {
        #expect(WebOrigin(text) == nil)
    }
}
