import TestSupport
import Testing

@testable import Gateway

@Suite struct RestFriendTests {
    private let ok = "200 成功"

    // MARK: - Requests

    @Test func `a request is listed with its state, newest first, and filtered by it`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            var requests: [Int64] = []
            for index in 0..<4 {
                let other = try await site.restPerson("P\(index)")
                // A name a client claims to have is not believed.
                let body: JSONValue = [
                    "sender_name": "Root", "receiver_id": .string("\(alice.id)"), "verification_message": "hi",
                ]
                let request = try await other.data("POST", "/friendship_requests", body)["request_id"].integer
                requests.append(try #require(request))
                if index == 3 { try await other.data("DELETE", "/friendship_requests/\(requests[3])") }
            }
            try await alice.data("POST", "/friendship_requests/\(requests[1])", ["status": "accepted"])
            try await alice.data("POST", "/friendship_requests/\(requests[2])", ["status": "rejected"])

            let list = try await alice.data("GET", "/friendship_requests").items
            #expect(list.map { $0["request_id"].integer } == requests.reversed())
            #expect(list.map { $0["status"].text } == ["canceled", "rejected", "accepted", "pending"])
            #expect(list.map { $0["sender_name"].text } == ["P3", "P2", "P1", "P0"])
            #expect(list.allSatisfy { $0["verification_message"] == "hi" })
            for (status, index) in [("pending", 0), ("accepted", 1), ("rejected", 2), ("canceled", 3)] {
                let filtered = try await alice.data("GET", "/friendship_requests?status=\(status)").items
                #expect(filtered.map { $0["request_id"].integer } == [requests[index]])
            }
            let page = try await alice.data("GET", "/friendship_requests?before=\(requests[2])&limit=1").items
            #expect(page.map { $0["request_id"].integer } == [requests[1]])
            for (query, name) in [("status=x", "status"), ("limit=0", "limit"), ("before=x", "before")] {
                #expect(
                    try await alice.ask("GET", "/friendship_requests?" + query).restOutcome == "400 请求参数错误：\(name)")
            }
        }
    }

    @Test func `a request is refused to oneself, to nobody, twice and to a friend`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            func outcome(_ id: Int64, _ message: String = "") async throws -> String {
                let body: JSONValue = ["receiver_id": .integer(id), "verification_message": .string(message)]
                return try await alice.ask("POST", "/friendship_requests", body).restOutcome
            }
            #expect(try await outcome(alice.id) == "400 不能添加自己为好友")
            for id in [0, -1, 999] { #expect(try await outcome(Int64(id)) == "400 找不到此人") }
            #expect(try await outcome(bob.id, String(repeating: "长", count: 256)) == "400 内容不能超过255个字符")
            #expect(try await outcome(bob.id, String(repeating: "长", count: 255)) == ok)
            #expect(try await outcome(bob.id) == "409 申请已发送，等待对方处理")
            let request = try #require(
                try await bob.data("GET", "/friendship_requests")[0]["request_id"].integer)
            try await bob.data("POST", "/friendship_requests/\(request)")
            #expect(try await outcome(bob.id) == "409 已经是好友")

            let gone = try await site.person("Gone")
            #expect(try await gone.ask("POST", "/user/cancel", ["password": "123456"]).status == 200)
            #expect(try await outcome(gone.id) == "400 找不到此人")
        }
    }

    @Test func `only the one who was asked decides, and once`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let outsider = try await site.restPerson("Outsider")
            let request = try await alice.apply(to: bob.id)
            for person in [alice, outsider] {
                #expect(try await person.ask("POST", "/friendship_requests/\(request)").restOutcome == "400 好友申请不存在")
            }
            #expect(try await outsider.ask("DELETE", "/friendship_requests/\(request)").restOutcome == "400 好友申请不存在")
            #expect(
                try await bob.ask("POST", "/friendship_requests/\(request)", ["status": "maybe"]).restOutcome
                    == "400 请求参数错误：status")
            // An object that does not say it is not.
            for body in [[:], ["x": 1]] as [JSONValue] {
                #expect(
                    try await bob.ask("POST", "/friendship_requests/\(request)", body).restOutcome
                        == "400 请求参数错误：status")
            }
            // No body is consent.
            let data = try await bob.data("POST", "/friendship_requests/\(request)")
            #expect(data["friend_id"] == .integer(alice.id))
            for (person, method) in [(bob, "POST"), (alice, "DELETE")] {
                #expect(try await person.ask(method, "/friendship_requests/\(request)").restOutcome == "409 申请已处理")
            }
        }
    }

    @Test func `who was asked takes a decided request off the list, a pending one after refusing it`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            func states(of request: Int64) async throws -> [JSONValue] {
                try await bob.data("GET", "/friendship_requests").items
                    .filter { $0["request_id"] == .integer(request) }.map { $0["status"] }
            }
            let refused = try await alice.apply(to: bob.id)
            #expect(try await bob.data("DELETE", "/friendship_requests/\(refused)") == .null)
            #expect(try await states(of: refused) == ["rejected"])
            for _ in 0..<2 {
                #expect(try await bob.data("DELETE", "/friendship_requests/\(refused)") == .null)
                #expect(try await states(of: refused) == [])
                #expect(try await bob.data("GET", "/friendship_requests?status=rejected") == [])
            }
            #expect(try await bob.ask("POST", "/friendship_requests/\(refused)").restOutcome == "409 申请已处理")
            #expect(try await alice.ask("DELETE", "/friendship_requests/\(refused)").restOutcome == "409 申请已处理")

            let accepted = try await alice.apply(to: bob.id)
            try await bob.data("POST", "/friendship_requests/\(accepted)")
            #expect(try await states(of: accepted) == ["accepted"])
            #expect(try await bob.data("DELETE", "/friendship_requests/\(accepted)") == .null)
            #expect(try await bob.data("GET", "/friendship_requests") == [])
            // The friendship stays.
            #expect(try await bob.data("GET", "/friendships").items.count == 1)
        }
    }

    @Test func `of decisions at once one counts`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let request = try await alice.apply(to: bob.id)
            let outcomes = try await atOnce(8) { index in
                try await bob.again.ask(
                    "POST", "/friendship_requests/\(request)", ["status": index % 2 == 0 ? "accepted" : "rejected"])
            }
            #expect(outcomes == [ok] + [String](repeating: "409 申请已处理", count: 7))
            let status = try await bob.data("GET", "/friendship_requests")[0]["status"]
            let friends = try await alice.data("GET", "/friendships").items
            #expect(friends.count == (status == "accepted" ? 1 : 0))
        }
    }

    @Test func `of requests at once one is made`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            let outcomes = try await atOnce(8) { _ in
                try await alice.again.ask("POST", "/friendship_requests", ["receiver_id": .integer(bob.id)])
            }
            #expect(outcomes == [ok] + [String](repeating: "409 申请已发送，等待对方处理", count: 7))
            #expect(try await bob.data("GET", "/friendship_requests").items.count == 1)
        }
    }

    @Test func `a request that was dismissed may be made again`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.restPerson("Bob"))
            for dismisser in [bob, alice] {
                let request = try await alice.apply(to: bob.id)
                #expect(try await dismisser.data("DELETE", "/friendship_requests/\(request)") == .null)
            }
            let request = try await alice.apply(to: bob.id)
            #expect(try await bob.data("POST", "/friendship_requests/\(request)", ["status": "rejected"]) == .null)
            #expect(try await bob.data("GET", "/friendships") == [])
        }
    }

    // MARK: - Friendships

    @Test func `friends are listed with remarks, and the friendship is ended for both`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let friend: JSONObject = [
                "friendship_id": .integer(conversation), "friend_id": .integer(bob.id), "friend_name": "Bob",
                "name": "Bob", "friend_remark": "Bob", "remark": .null, "friend_uid": .string(bob.uid),
                "conversation_id": .integer(conversation),
            ]
            #expect(try await alice.data("GET", "/friendships").sorted == [JSONValue.object(friend).sorted])
            #expect(try await alice.data("POST", "/friendships/remark/\(bob.id)", ["remark": "老鲍"]) == .null)
            let listed = try await alice.data("GET", "/friendships")[0]
            #expect(listed["friend_remark"] == "老鲍" && listed["remark"] == "老鲍")
            #expect(listed["friend_name"] == "Bob" && listed["name"] == "Bob")
            #expect(try await bob.data("GET", "/friendships")[0]["friend_remark"] == "Alice")
            // Without a remark it is the name of the day, and an empty remark is none.
            #expect(try await alice.data("POST", "/friendships/remark/\(bob.id)", ["remark": ""]) == .null)
            try await bob.data("PATCH", "/me/name", ["name": "Robert"])
            #expect(try await alice.data("GET", "/friendships")[0]["friend_remark"] == "Robert")
            #expect(
                try await alice.ask(
                    "POST", "/friendships/remark/\(bob.id)", ["remark": .string(String(repeating: "x", count: 256))]
                ).restOutcome == "400 内容不能超过255个字符")
            #expect(
                try await alice.ask("POST", "/friendships/remark/999", ["remark": "x"]).restOutcome == "400 好友不存在")

            #expect(try await bob.data("DELETE", "/friendships/\(alice.id)") == .null)
            for person in [alice, bob] {
                #expect(try await person.data("GET", "/friendships") == [])
                #expect(try await person.data("GET", "/conversations") == [])
                #expect(try await person.ask("GET", "/conversations/\(conversation)").restOutcome == "400 不在此会话中")
            }
            #expect(try await alice.ask("DELETE", "/friendships/\(bob.id)").restOutcome == "400 好友不存在")
        }
    }

    // MARK: - Looking people up

    @Test func `strangers and friends are found by id and uid`() async throws {
        try await withGateway { site in
            let (alice, bob, _) = try await site.restFriends()
            let carol = try await site.restPerson("Carol")
            try await alice.data("POST", "/friendships/remark/\(bob.id)", ["remark": "B"])
            func person(_ person: RestPerson) -> JSONObject {
                ["id": .integer(person.id), "uid": .string(person.uid), "name": .string(person.name)]
            }
            for stranger in [bob, carol] {
                for path in ["id/\(stranger.id)", "uid/\(stranger.uid)"] {
                    #expect(try await alice.data("GET", "/info/strangers/" + path) == .object(person(stranger)))
                }
            }
            for path in ["id/\(bob.id)", "uid/\(bob.uid)"] {
                var friend = person(bob)
                friend.append("friend_name", "Bob")
                friend.append("friend_remark", "B")
                friend.append("remark", "B")
                #expect(try await alice.data("GET", "/info/friends/" + path).sorted == JSONValue.object(friend).sorted)
                let back = try await bob.data("GET", "/info/friends/id/\(alice.id)")
                #expect(back["friend_remark"] == "Alice" && back["remark"] == .null)
            }
            for path in ["id/999", "id/0", "uid/nobody", "uid/M_1", "uid/a%20b"] {
                #expect(try await alice.ask("GET", "/info/strangers/" + path).restOutcome == "400 找不到此人", "\(path)")
            }
            for path in ["id/\(carol.id)", "uid/\(carol.uid)", "id/999", "uid/nobody", "id/\(alice.id)"] {
                #expect(try await alice.ask("GET", "/info/friends/" + path).restOutcome == "400 找不到好友", "\(path)")
            }
        }
    }

    @Test func `a friend who has cancelled is listed until the friendship ends, and has no card`() async throws {
        try await withGateway { site in
            let (alice, bob, _) = try await site.restFriends()
            let reply = try await bob.asClassic().ask("POST", "/user/cancel", ["password": "123456"])
            #expect(reply.status == 200)
            for path in ["id/\(bob.id)", "uid/\(bob.uid)"] {
                #expect(try await alice.ask("GET", "/info/friends/" + path).restOutcome == "400 找不到好友", "\(path)")
            }
            #expect(try await alice.data("GET", "/friendships")[0]["friend_id"] == .integer(bob.id))
            try await alice.data("DELETE", "/friendships/\(bob.id)")
            #expect(try await alice.data("GET", "/friendships") == [])
        }
    }

    // MARK: - Blocks

    @Test func `who is blocked is told the ordinary refusal in classic`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.restPerson("Alice"), try await site.person("Bob"))
            let carol = try await site.person("Carol")
            let name = try await alice.data("GET", "/me")["userName"].text
            let aliceHere = try await alice.asClassic()
            let conversation = try await site.befriend(bob, aliceHere)
            _ = try await alice.apply(to: carol.id)
            for person in [bob, carol] { try await alice.data("PUT", "/blocks/\(person.id)") }

            let message: JSONValue = ["conversationId": .integer(conversation), "message": "x", "replyId": -1]
            let unknown: JSONValue = ["conversationId": 999, "message": "x", "replyId": -1]
            #expect(
                try await bob.ask("PUT", "/message/send_message", message).outcome
                    == bob.ask("PUT", "/message/send_message", unknown).outcome)
            for _ in 0..<2 { #expect(try await carol.apply(to: name).outcome == "200 0 Succeed") }
            #expect(try await aliceHere.ask("GET", "/friend/pull_friend_chain?all=true")["friend_chain"] == [])
            #expect(
                try await bob.apply(to: name).outcome == "400 2 You've already added \(name) to your friend list")
            // What Alice had asked for went with the block, and so did what she was asked.
            #expect(try await carol.decide(on: aliceHere).outcome == "404 7 Application information invalid")
            #expect(try await aliceHere.decide(on: carol).outcome == "404 7 Application information invalid")
        }
    }

    @Test func `who is blocked is told the ordinary refusal in socket`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            let bob = try await site.socketUser("Bob")
            let carol = try await site.socketUser("Carol")
            let (toAlice, alicesID) = (JSONValue.string("\(alice.id)"), alice.id)
            let request = try await alice.apply(to: try #require(Int64(bob.id)))
            let consent: JSONValue = ["friendApplyId": .string("\(request)"), "agree": true]
            #expect(try await bob.code("/friend/add_reply", consent) == "0000")
            for user in [bob, carol] { try await alice.data("PUT", "/blocks/\(user.id)") }

            #expect(try await bob.code("/chat/send_msg", ["toUserId": toAlice, "msg": "x"]) == "0001")
            #expect(try await carol.code("/chat/send_msg", ["toUserId": toAlice, "msg": "x"]) == "0001")
            #expect(try await carol.code("/friend/add", ["userId": toAlice]) == "0000")
            #expect(try await carol.code("/friend/add", ["userId": .integer(alicesID)]) == "0105")
            #expect(try await bob.code("/friend/add", ["userId": toAlice]) == "0103")
        }
    }

    @Test func `an applicant who is blocked hears what a stranger hears, and nobody hears of him`() async throws {
        try await withGateway { site in
            let alice = try await site.restPerson("Alice")
            let (blocked, stranger) = (try await site.restPerson("Blocked"), try await site.restPerson("Stranger"))
            try await alice.data("PUT", "/blocks/\(blocked.id)")
            let socket = try await alice.listen()
            var requests: [Int64] = []
            for person in [blocked, stranger] {
                func outcome(_ message: String) async throws -> String {
                    let body: JSONValue = [
                        "receiver_id": .integer(alice.id), "verification_message": .string(message),
                    ]
                    return try await person.ask("POST", "/friendship_requests", body).restOutcome
                }
                let over = "409 申请已处理"
                #expect(try await person.data("GET", "/info/strangers/id/\(alice.id)")["name"] == "Alice")
                #expect(try await outcome(String(repeating: "长", count: 256)) == "400 内容不能超过255个字符")
                for _ in 0..<2 {
                    let request = try await person.apply(to: alice.id)
                    #expect(try await outcome("again") == "409 申请已发送，等待对方处理")
                    #expect(try await person.data("DELETE", "/friendship_requests/\(request)") == .null)
                    #expect(try await person.ask("DELETE", "/friendship_requests/\(request)").restOutcome == over)
                }
                requests.append(try await person.apply(to: alice.id))
            }
            // What she blocked she neither sees nor decides on.
            let list = try await alice.data("GET", "/friendship_requests").items
            #expect(list.map { $0["sender_name"].text } == ["Stranger", "Stranger", "Stranger"])
            #expect(try await alice.data("GET", "/friendship_requests?status=canceled").items.count == 2)
            for method in ["POST", "DELETE"] {
                #expect(try await alice.ask(method, "/friendship_requests/\(requests[0])").restOutcome == "400 好友申请不存在")
            }
            let decisions: Set<String> = ["friend_request_decided"]
            for _ in 0..<3 {
                let push = try await socket.nextData("new_friend_request", skipping: decisions)
                #expect(push["sender_name"] == "Stranger")
            }

            // When she lets him, what waits is new.
            try await alice.data("DELETE", "/blocks/\(blocked.id)")
            #expect(
                try await socket.nextData("new_friend_request", skipping: decisions) == [
                    "request_id": .integer(requests[0]), "sender_id": .integer(blocked.id), "sender_name": "Blocked",
                    "message": "hi",
                ])
            try await alice.data("POST", "/friendship_requests/\(requests[0])")
            #expect(try await blocked.data("GET", "/friendships").items.count == 1)
        }
    }

    @Test func `the blocked can neither apply nor send, and is not told why`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.restFriends()
            let carol = try await site.restPerson("Carol")
            for person in [bob, carol] {
                #expect(try await alice.data("PUT", "/blocks/\(person.id)") == .null)
                #expect(try await alice.data("PUT", "/blocks/\(person.id)") == .null)
            }
            #expect(
                try await alice.data("GET", "/blocks") == [
                    ["id": .integer(carol.id), "uid": .string(carol.uid), "name": "Carol"],
                    ["id": .integer(bob.id), "uid": .string(bob.uid), "name": "Bob"],
                ])
            let toAlice: JSONValue = ["receiver_id": .integer(alice.id), "content": "x", "verification_message": "x"]
            #expect(try await bob.ask("POST", "/messages", toAlice).restOutcome == "400 不是好友")
            let toConversation: JSONValue = ["conversation_id": .integer(conversation), "content": "x"]
            #expect(try await bob.ask("POST", "/messages", toConversation).restOutcome == "400 不在此会话中")
            #expect(try await bob.data("GET", "/blocks") == [])

            for person in [bob, carol] {
                #expect(try await alice.data("DELETE", "/blocks/\(person.id)") == .null)
                #expect(try await alice.data("DELETE", "/blocks/\(person.id)") == .null)
            }
            try await bob.data("POST", "/messages", toAlice)
            #expect(try await alice.ask("PUT", "/blocks/\(alice.id)").restOutcome == "400 不能拉黑自己")
            #expect(try await alice.ask("PUT", "/blocks/999").restOutcome == "400 找不到此人")
        }
    }
}
