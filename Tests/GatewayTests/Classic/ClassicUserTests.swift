import TestSupport
import Testing

@testable import Gateway

@Suite struct ClassicUserTests {
    // MARK: - register

    @Test func `register creates an account once`() async throws {
        try await withGateway { site async throws in
            #expect(try await site.register("Ashitemaru").outcome == "200 0 Succeed")
            #expect(try await site.register("Ashitemaru").outcome == "400 2 userName Ashitemaru already exists")
            #expect(try await site.register("ashitemaru").outcome == "200 0 Succeed")
        }
    }

    /// Every line spoils one thing more than the next one, so that each refusal also shows what is checked first.
    @Test func `register refuses in the document's order`() async throws {
        let long = JSONValue.string(String(repeating: "a", count: 256))
        let lines: [(changes: JSONObject, outcome: String)] = [
            (
                ["userName": long, "password": long, "email": long, "phoneNumber": "1"],
                "400 2 password and ensurePassword are different"
            ),
            (
                ["userName": long, "password": long, "ensurePassword": long, "email": long, "phoneNumber": "1"],
                "400 3 userName should be no longer than 255"
            ),
            (
                ["userName": "Taken", "password": long, "ensurePassword": long, "email": long, "phoneNumber": "1"],
                "400 3 password should be no longer than 255"
            ),
            (
                [
                    "userName": "Taken", "password": "12345", "ensurePassword": "12345", "email": long,
                    "phoneNumber": "1",
                ], "400 3 password should be no shorter than 6"
            ),
            (
                ["userName": "Taken", "email": long, "phoneNumber": "1"],
                "400 3 email should be no longer than 255"
            ),
            (["userName": "Taken", "phoneNumber": "1"], "400 3 length of phone number should be 11"),
            (
                [
                    "userName": "Taken", "password": "$$$$$$", "ensurePassword": "$$$$$$", "email": "$",
                    "phoneNumber": "abcdefghijk",
                ],
                "400 2 userName Taken already exists"
            ),
            (
                [
                    "userName": "a b", "password": "$$$$$$", "ensurePassword": "$$$$$$", "email": "$",
                    "phoneNumber": "abcdefghijk",
                ],
                "400 4 only alphabets and number are allowed in userName"
            ),
            (
                ["password": "$$$$$$", "ensurePassword": "$$$$$$", "email": "$", "phoneNumber": "abcdefghijk"],
                "400 4 Only alphabets and numbers are allowed in password"
            ),
            (
                ["email": "$", "phoneNumber": "abcdefghijk"],
                "400 4 Only numbers, '-' and '+' are allowed in phoneNumber"
            ),
            (["email": "a$b"], "400 4 Only alphabets, numbers, '@' and '.' are allowed in email"),
            (["picture": "not base64!"], "400 4 Only base64 is allowed in picture"),
            ([:], "200 0 Succeed"),
        ]

        try await withGateway { site in
            try await site.register("Taken")
            for line in lines {
                #expect(try await site.register("New", line.changes).outcome == line.outcome)
            }
        }
    }

    @Test(arguments: [
        ("userName", "é", "only alphabets and number are allowed in userName"),
        ("userName", "名字", "only alphabets and number are allowed in userName"),
        ("userName", "a\u{0}b", "only alphabets and number are allowed in userName"),
        ("userName", "Robert'); DROP TABLE account;--", "only alphabets and number are allowed in userName"),
        ("phoneNumber", "1324321876", "length of phone number should be 11"),
        ("phoneNumber", "132432187655", "length of phone number should be 11"),
        ("phoneNumber", "1324321876543", "length of phone number should be 11"),
        ("phoneNumber", "１３２４３２１８７６５", "Only numbers, '-' and '+' are allowed in phoneNumber"),
        ("phoneNumber", "+1-324-3218", ""),
        ("email", "", ""),
        ("email", "a_b@c.d", "Only alphabets, numbers, '@' and '.' are allowed in email"),
    ])
    func `register keeps to ASCII alphabets and to eleven digits`(
        _ field: String, _ value: String, _ refusal: String
    ) async throws {
        try await withGateway { site in
            let observer = try await site.person("Observer")
            let reply = try await site.register("New", [field: .string(value)])
            #expect(reply["info"].string == (refusal.isEmpty ? "Succeed" : refusal))

            let accounts = try await observer.ask("GET", "/user/pull_user_info?userName=&match=prefix")["user_list"]
            #expect(accounts.items.count == (refusal.isEmpty ? 2 : 1))
        }
    }

    @Test func `longest texts are accepted`() async throws {
        try await withGateway { site in
            let longest = JSONValue.string(String(repeating: "a", count: 255))
            let changes: JSONObject = ["password": longest, "ensurePassword": longest, "email": longest]
            #expect(try await site.register(longest.text, changes).outcome == "200 0 Succeed")
            let reply = try await site.ask("POST", "/user/login", ["userName": longest, "password": longest])
            #expect(reply["email"] == longest)
        }
    }

    // MARK: - login

    @Test func `login answers with the account and a token that works`() async throws {
        try await withGateway { site in
            try await site.register("Ashitemaru")
            let reply = try await site.ask(
                "POST", "/user/login", ["userName": "Ashitemaru", "password": "123456", "device": "unknown field"])
            let token = reply["token"]
            #expect(
                reply.json.sorted
                    == [
                        "code": 0, "email": "12345678@qq.com", "info": "Succeed", "phoneNumber": "13243218765",
                        "picture": "", "token": token, "userId": 1, "userName": "Ashitemaru",
                    ])
            #expect(token.text.split(separator: ".").count == 3)
        }
    }

    @Test func `login refuses what does not match, and a second login`() async throws {
        try await withGateway { site in
            try await site.register("Ashitemaru")
            let wrong = "401 2 password or userName wrong"
            func logIn(_ name: String, _ password: String) async throws -> String {
                try await site.ask("POST", "/user/login", ["userName": .string(name), "password": .string(password)])
                    .outcome
            }
            #expect(try await logIn("Ashitemaru", "1234567") == wrong)
            #expect(try await logIn("Ashitemaru", "123456\u{0}") == wrong)
            #expect(try await logIn("ashitemaru", "123456") == wrong)
            #expect(try await logIn("Ashitemaru ", "123456") == wrong)
            #expect(try await logIn("Ashitemaru\u{0}", "123456") == wrong)
            #expect(try await logIn("' OR 1=1 --", "123456") == wrong)
            #expect(try await logIn("Nobody", "123456") == wrong)

            let person = try await site.logIn("Ashitemaru")
            #expect(try await logIn("Ashitemaru", "123456") == "400 5 can't login twice")
            #expect(try await logIn("Ashitemaru", "654321") == wrong)
            #expect(try await person.ask("POST", "/user/logout", [:]).outcome == "200 0 Succeed")
            #expect(try await site.logIn("Ashitemaru").id == person.id)
        }
    }

    // MARK: - pull_user_info

    @Test func `pull_user_info finds exactly one name, or all with a prefix`() async throws {
        try await withGateway { site in
            let bob = try await site.person("Bob")
            for name in ["Bobby", "bob", "Alice"] { try await site.register(name) }
            func names(_ query: String) async throws -> [String] {
                try await bob.ask("GET", "/user/pull_user_info?" + query)["user_list"].items
                    .map { $0["user_name"].text }
            }

            let reply = try await bob.ask("GET", "/user/pull_user_info?userName=Bob&unknown=1")
            let profile: JSONValue = [
                "user_email": "12345678@qq.com", "user_id": .integer(bob.id), "user_name": "Bob",
                "user_phone_number": "13243218765", "user_picture": "",
            ]
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed", "user_list": [profile]])
            #expect(try await names("userName=bob") == ["bob"])
            #expect(try await names("userName=Bo") == [])
            #expect(try await names("userName=") == [])
            #expect(try await names("userName=Bo&&match=prefix") == ["Bob", "Bobby"])
            #expect(try await names("userName=Bo%25&match=prefix") == [])
            #expect(try await names("userName=_ob&match=prefix") == [])
        }
    }

    // MARK: - logout

    @Test(arguments: ["", "{}", #"{"userName":"Alice"}"#, #"{"userName":null,"extra":[1]}"#])
    func `logout ends the session at once`(_ body: String) async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(try await alice.askRaw("POST", "/user/logout", body).outcome == "200 0 Succeed")
            #expect(try await alice.ask("POST", "/user/logout").outcome == "400 5 please login first")
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").outcome == "401 6 invalid or expired JWT")
        }
    }

    @Test func `logout refuses another's name, an unknown name and a wrong type`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            try await site.register("Bob")
            let lines: [(body: String, outcome: String)] = [
                (#"{"userName":"Bob"}"#, "401 6 invalid or expired JWT"),
                (#"{"userName":"Nobody"}"#, "400 5 please login first"),
                (#"{"userName":""}"#, "400 5 please login first"),
                (#"{"userName":"alice"}"#, "400 5 please login first"),
                (#"{"userName":5}"#, "400 -2 Missing or error type of [userName]"),
                (#"{"userName":"#, "400 -2 Invalid JSON body"),
            ]
            for line in lines {
                #expect(try await alice.askRaw("POST", "/user/logout", line.body).outcome == line.outcome)
            }
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").status == 200)
        }
    }

    @Test func `logout judges the token before the body, and names before the session's end`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            try await site.register("Bob")
            let stranger = "401 6 invalid or expired JWT"
            #expect(try await site.askRaw("POST", "/user/logout", "{").outcome == stranger)
            #expect(try await alice.askRaw("POST", "/user/logout", "{", token: "a.b.c").outcome == stranger)

            #expect(try await alice.ask("POST", "/user/logout").status == 200)
            let lines: [(body: String, outcome: String)] = [
                ("{", "400 -2 Invalid JSON body"),
                (#"{"userName":5}"#, "400 -2 Missing or error type of [userName]"),
                (#"{"userName":"Bob"}"#, stranger),
                (#"{"userName":"Nobody"}"#, "400 5 please login first"),
                (#"{"userName":"Alice"}"#, "400 5 please login first"),
            ]
            for line in lines {
                #expect(try await alice.askRaw("POST", "/user/logout", line.body).outcome == line.outcome)
            }
        }
    }
}

extension Person {
    /// Sends a body that need not be JSON.
    func askRaw(_ method: String, _ path: String, _ body: String, token: String? = nil) async throws -> Reply {
        try await Reply(
            http.request(method, path, headers: ["Authorization": token ?? self.token], body: Array(body.utf8)))
    }
}

extension Site {
    /// Sends a body that need not be JSON, without a token.
    func askRaw(_ method: String, _ path: String, _ body: String) async throws -> Reply {
        try await Reply(HTTPClient(port: port).request(method, path, body: Array(body.utf8)))
    }
}
