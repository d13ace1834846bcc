import TestSupport
import Testing

@testable import Gateway

/// Changed and cancelled accounts.
@Suite struct ClassicAccountTests {
    private let done = "200 0 Succeed"
    private let modified = "200 0 Succeed +email +phoneNumber +picture +token +userId +userName"

    private func modify(_ person: Person, _ body: JSONValue) async throws -> Reply {
        try await person.ask("POST", "/user/modify_user_info", body)
    }

    private func cancel(_ person: Person, _ password: String = Person.password) async throws -> String {
        try await person.ask("POST", "/user/cancel", ["password": .string(password)]).outcome
    }

    // MARK: - modify_user_info

    @Test func `modify_user_info changes what is given and keeps the token`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let reply = try await modify(
                alice,
                [
                    "oldPassword": "123456", "newUserName": "Alicia", "newPassword": "abcdef",
                    "newPhoneNumber": "+8612345678", "newEmail": "a@b.c", "newPicture": .string(Picture.png.base64),
                ])
            #expect(reply.status == 200)
            #expect(
                reply.json.sorted == [
                    "code": 0, "email": "a@b.c", "info": "Succeed", "phoneNumber": "+8612345678",
                    "picture": "/media/pictures/1?v=1", "token": .string(alice.token), "userId": 1,
                    "userName": "Alicia",
                ])
            let info = try await alice.ask("GET", "/user/pull_user_info?userName=Alicia")
            #expect(
                info["user_list"].sorted == [
                    [
                        "user_email": "a@b.c", "user_id": 1, "user_name": "Alicia",
                        "user_phone_number": "+8612345678", "user_picture": .string(Picture.png.base64),
                    ]
                ])
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=Alice")["user_list"] == [])
            #expect(try await site.register("Alice").outcome == done)
            #expect(try await alice.ask("POST", "/user/logout", ["userName": "Alicia"]).outcome == done)
            let old: JSONValue = ["userName": "Alicia", "password": "123456"]
            #expect(
                try await site.ask("POST", "/user/login", old).outcome == "401 2 password or userName wrong")
            let new: JSONValue = ["userName": "Alicia", "password": "abcdef"]
            #expect(try await site.ask("POST", "/user/login", new).status == 200)
        }
    }

    /// Every line spoils one thing more than the next one.
    @Test func `modify_user_info refuses in the contract's order and changes nothing`() async throws {
        let long = JSONValue.string(String(repeating: "a", count: 256))
        let wrong = "401 6 Password Wrong"
        let lines: [(body: JSONObject, outcome: String)] = [
            (["oldPassword": "wrong", "newUserName": long, "newPassword": long], wrong),
            (["oldPassword": "wrong"], wrong), (["oldPassword": "wrong", "newUserName": "New"], wrong),
            (["oldPassword": "", "newPassword": "x"], wrong), (["oldPassword": "", "newPhoneNumber": "1"], wrong),
            (["oldPassword": "", "newEmail": "a$b"], wrong),
            (
                ["newUserName": long, "newPassword": long, "newEmail": long, "newPhoneNumber": "1"],
                "400 3 userName should be no longer than 255"
            ),
            (
                ["newUserName": "Taken", "newPassword": long, "newEmail": long, "newPhoneNumber": "1"],
                "400 3 password should be no longer than 255"
            ),
            (
                ["newUserName": "Taken", "newEmail": long, "newPhoneNumber": "1"],
                "400 3 email should be no longer than 255"
            ),
            (
                ["newUserName": "Taken", "newPassword": "12345", "newPhoneNumber": "1"],
                "400 3 password should be no shorter than 6"
            ),
            (["newUserName": "Taken", "newPhoneNumber": "1"], "400 3 length of phone number should be 11"),
            (
                ["newUserName": "Taken", "newPassword": "$$$$$$", "newEmail": "$", "newPhoneNumber": "abcdefghijk"],
                "400 2 userName Taken already exists"
            ),
            (
                ["newUserName": "a b", "newPassword": "$$$$$$", "newEmail": "$", "newPhoneNumber": "abcdefghijk"],
                "400 4 only alphabets and number are allowed in userName"
            ),
            (
                ["newPassword": "$$$$$$", "newEmail": "$", "newPhoneNumber": "abcdefghijk"],
                "400 4 Only alphabets and numbers are allowed in password"
            ),
            (
                ["newEmail": "$", "newPhoneNumber": "abcdefghijk"],
                "400 4 Only numbers, '-' and '+' are allowed in phoneNumber"
            ),
            (["newEmail": "$"], "400 4 Only alphabets, numbers, '@' and '.' are allowed in email"),
            (["newPicture": "not base64!"], "400 4 Only base64 is allowed in picture"),
            (
                ["newPicture": .string([UInt8](repeating: 7, count: 524_289).base64)],
                "400 3 picture should be no larger than 524288 bytes"
            ),
            (["newUserName": 1], "400 -2 Missing or error type of [newUserName]"),
            (["newPicture": []], "400 -2 Missing or error type of [newPicture]"),
        ]
        try await withGateway { site in
            let alice = try await site.person("Alice")
            try await site.register("Taken")
            for line in lines {
                var body = line.body
                if !body.members.contains(where: { $0.name == "oldPassword" }) {
                    body.append("oldPassword", "123456")
                }
                #expect(try await modify(alice, .object(body)).outcome == line.outcome)
            }
            let info = try await alice.ask("GET", "/user/pull_user_info?userName=Alice")["user_list"]
            #expect(info[0]["user_phone_number"] == "13243218765" && info[0]["user_email"] == "12345678@qq.com")
            #expect(try await alice.ask("POST", "/user/logout").outcome == done)
            _ = try await site.logIn("Alice")
        }
    }

    @Test func `name and picture change without the old password, and empty means unchanged`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice", picture: Picture.png.base64)
            for body: JSONValue in [
                ["oldPassword": ""], ["oldPassword": "123456", "newUserName": .null],
                [
                    "oldPassword": "", "newUserName": "", "newPassword": "", "newPhoneNumber": "", "newEmail": "",
                    "newPicture": "",
                ], ["oldPassword": "", "newUserName": "Alice"],
            ] {
                let reply = try await modify(alice, body)
                #expect(reply.outcome == modified, "\(body.text)")
                #expect(reply["userName"] == "Alice" && reply["picture"] == "/media/pictures/1?v=1")
            }
            let reply = try await modify(
                alice, ["oldPassword": "", "newUserName": "Al", "newPicture": .string([1, 2, 3].base64)])
            #expect(reply["userName"] == "Al" && reply["picture"] == "/media/pictures/1?v=2")
            #expect(try await HTTPClient(port: site.port).request("GET", reply["picture"].text).body == [1, 2, 3])
        }
    }

    @Test func `a new name and a new picture show everywhere, in old messages too`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let bob = others[0]
            try await bob.send("old", to: group)
            #expect(try await alice.roles(in: group) == ["Alice groupOwner", "Bob commonUser", "Carol commonUser"])
            let picture = Picture.png.base64
            let reply = try await modify(
                bob, ["oldPassword": "", "newUserName": "Robert", "newPicture": .string(picture)])
            #expect(reply.outcome == modified)
            let shown: [(path: String, name: String, picture: String, item: (Reply) -> JSONValue)] = [
                (
                    "/friend/pull_friend_list", "friend_name", "friend_picture",
                    { $0["total_friend_list"][0]["friend_list"][0] }
                ),
                (
                    "/conversation/pull_conversation_chain?conversationId=\(group)", "sender_name", "sender_picture",
                    { $0["conversation_chain"][0] }
                ),
                (
                    "/conversation/pull_conversation_chain_history?conversationId=\(group)&memberNames=Robert",
                    "sender_name", "sender_picture", { $0["conversation_chain"][0] }
                ),
                (
                    "/conversation/pull_conversation_member_list?conversationId=\(group)", "member_name",
                    "member_picture", { $0["member_list"][1] }
                ),
            ]
            for line in shown {
                let item = line.item(try await alice.ask("GET", line.path))
                #expect(item[line.name] == "Robert" && item[line.picture] == .string(picture), "\(line.path)")
            }
        }
    }

    // MARK: - cancel

    @Test(arguments: ["POST", "DELETE"])
    func `cancel ends the account for good, and frees its name`(_ method: String) async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice", picture: Picture.png.base64)
            for password in ["", "wrong", "1234567"] {
                let reply = try await alice.ask(
                    method, "/user/cancel", ["password": .string(password), "userName": "Alice"])
                #expect(reply.outcome == "401 2 password wrong")
            }
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=Alice")["user_list"].items.count == 1)
            let reply = try await alice.ask(method, "/user/cancel", ["password": "123456", "userName": "Nobody"])
            #expect(reply.status == 200)
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])

            let invalid = "401 6 invalid or expired JWT"
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").outcome == invalid)
            #expect(try await cancel(alice) == invalid)
            let login: JSONValue = ["userName": "Alice", "password": "123456"]
            #expect(
                try await site.ask("POST", "/user/login", login).outcome == "401 2 password or userName wrong")
            let marked: JSONValue = ["userName": "Alice（已注销）", "password": "123456"]
            #expect(
                try await site.ask("POST", "/user/login", marked).outcome == "401 2 password or userName wrong")
            #expect(try await HTTPClient(port: site.port).request("GET", "/media/pictures/1").status == 404)

            let heir = try await site.person("Alice")
            #expect(heir.id != alice.id)
            for name in ["Alice", "Alice%EF%BC%88%E5%B7%B2%E6%B3%A8%E9%94%80%EF%BC%89"] {
                let found = try await heir.ask("GET", "/user/pull_user_info?match=prefix&userName=\(name)")["user_list"]
                #expect(found.items.allSatisfy { $0["user_id"] == .integer(heir.id) })
            }
            #expect(try await heir.apply(to: "Alice（已注销）").outcome == "401 2 user doesn't exist")
        }
    }

    @Test func `a cancelled friend stays, marked, until he is deleted`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let bob = try await site.person("Bob", picture: Picture.png.base64)
            let conversation = try await site.befriend(alice, bob)
            #expect(try await cancel(bob) == done)
            let marked: JSONValue = "Bob（已注销）"
            let list = try await alice.ask("GET", "/friend/pull_friend_list")["total_friend_list"]
            #expect(
                list.sorted == [
                    [
                        "friend_list": [
                            [
                                "conversation_id": .integer(conversation), "friend_id": .integer(bob.id),
                                "friend_name": marked, "friend_picture": "", "group_name": "MyFriends",
                            ]
                        ], "group_name": "MyFriends",
                    ]
                ])
            let chain = try await alice.ask(
                "GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)")["conversation_chain"]
            #expect(chain[0]["sender_name"] == marked && chain[0]["sender_picture"] == "")
            #expect(chain[0]["reader_list"][0]["member_name"] == marked)
            let pulled = try await alice.ask("GET", "/message/pull_user_chain")["user_chat_chain"]
            #expect(pulled[0]["sender_name"] == marked)
            let conversations = try await alice.ask("GET", "/conversation/pull_conversation_list")
            #expect(conversations["conversation_list"][0]["conversation_name"] == marked)
            // A new Bob is a stranger.
            _ = try await site.person("Bob")
            #expect(try await alice.apply(to: "Bob").outcome == done)
            let delete: JSONValue = ["friendUserId": .integer(bob.id)]
            #expect(try await alice.ask("DELETE", "/friend/delete_friend", delete).outcome == done)
            let after = try await alice.ask("GET", "/friend/pull_friend_list")["total_friend_list"]
            #expect(after.items.allSatisfy { $0["friend_list"] == [] })
        }
    }

    @Test func `a cancelled owner's group passes to its longest-serving admin, else member`() async throws {
        try await withGateway { site in
            let (alice, others, first) = try await site.group("Alice", "Bob", "Carol", "Dave")
            let (bob, carol, dave) = (others[0], others[1], others[2])
            let second = try await alice.createGroup("Second", with: others)
            #expect(try await alice.appoint([dave, carol], in: first) == done)
            try await alice.send("mine", to: first)
            #expect(try await cancel(alice) == done)
            try await eventually("she has left her groups") {
                let roles = [try await bob.roles(in: first), try await bob.roles(in: second)]
                return roles == [
                    ["Carol groupOwner", "Dave admin", "Bob commonUser"],
                    ["Bob groupOwner", "Carol commonUser", "Dave commonUser"],
                ]
            }
            let chain = try await bob.ask("GET", "/conversation/pull_conversation_chain?conversationId=\(first)")
            #expect(chain["conversation_chain"][0]["sender_name"] == "Alice（已注销）")
            let byID = try await bob.ask(
                "GET", "/conversation/pull_conversation_chain_history?conversationId=\(first)&memberId=\(alice.id)")
            #expect(byID["conversation_chain"].items.count == 1)
        }
    }

    @Test func `a group of cancelled members ends with the last one`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            for person in [alice, others[0]] { #expect(try await cancel(person) == done) }
            try await eventually("the last one owns it") {
                try await others[1].roles(in: group) == ["Carol groupOwner"]
            }
            #expect(try await others[1].quit(group) == "400 2 Group owner cannot quit conversation")
            #expect(try await cancel(others[1]) == done)
            // The name is free at once, and the new one has no part in it.
            let heir = try await site.person("Carol")
            #expect(try await heir.ask("GET", "/conversation/pull_conversation_list")["conversation_list"] == [])
        }
    }

    @Test func `a wrong password is told before a picture that is too large`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let large = JSONValue.string([UInt8](repeating: 7, count: 524_289).base64)
            #expect(
                try await modify(alice, ["oldPassword": "wrong", "newPicture": large]).outcome
                    == "401 6 Password Wrong")
        }
    }

    @Test func `of two people who take one name at once, one gets it`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            let body: JSONValue = ["oldPassword": "", "newUserName": "Same"]
            async let first = modify(alice, body)
            async let second = modify(bob, body)
            #expect(
                try await [first.outcome, second.outcome].sorted() == [modified, "400 2 userName Same already exists"])
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=Same")["user_list"].items.count == 1)
        }
    }
}

@Suite struct ClassicModificationOrderTests {
    @Test func `a wrong password is told before a picture that is not base64`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            func modify(_ password: String) async throws -> Reply {
                try await alice.ask(
                    "POST", "/user/modify_user_info",
                    ["oldPassword": .string(password), "newPicture": "%%%", "newUserName": "Other"])
            }

            #expect(try await modify("wrong1").outcome == "401 6 Password Wrong")
            #expect(try await modify("123456").outcome == "400 4 Only base64 is allowed in picture")
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=Alice")["user_list"].items.count == 1)
        }
    }
}
