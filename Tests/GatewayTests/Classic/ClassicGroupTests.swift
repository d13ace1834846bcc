import TestSupport
import Testing

@testable import Gateway

/// How groups begin, what they announce, and what holds for every path about them.
@Suite struct ClassicGroupTests {
    private static let conversation = ["conversationId"]

    private static let endpoints: [SecondPartEndpoint] =
        [
            .init("POST", "/user/cancel", ["password": "x"], texts: ["password"]),
            .init("DELETE", "/user/cancel", ["password": "x"], texts: ["password"]),
            .init("POST", "/user/modify_user_info", ["oldPassword": ""], texts: ["oldPassword"]),
            .init(
                "POST", "/friend/grouping_friend", ["friendIds": [9], "groupName": "x"], texts: ["groupName"],
                lists: ["friendIds"]),
            .init("DELETE", "/friend/delete_friend", ["friendUserId": 9], ids: ["friendUserId"]),
            .init("DELETE", "/friend/delete_group", ["groupName": "x"], texts: ["groupName"]),
            .init("GET", "/message/pull_reply_count", queryID: "messageId"),
            .init("GET", "/message/pull_reader_list", queryID: "messageId"),
            .init(
                "POST", "/message/mark_read_index", ["conversationId": 9, "readIndex": 1],
                ids: ["conversationId", "readIndex"]),
            .init("DELETE", "/message/delete_message", ["messageId": 9], ids: ["messageId"]),
            .init(
                "PUT", "/conversation/create_conversation", ["friendIds": [9], "conversationName": "x"],
                texts: ["conversationName"], lists: ["friendIds"]),
            .init("GET", "/conversation/pull_announcement", queryID: "conversationId"),
            .init(
                "PUT", "/conversation/put_announcement", ["conversationId": 9, "announcement": "x"],
                texts: ["announcement"], ids: conversation),
            .init("GET", "/conversation/pull_conversation_chain_history", queryID: "conversationId"),
            .init("GET", "/conversation/pull_conversation_member_list", queryID: "conversationId"),
            .init(
                "POST", "/conversation/appoint_admin", ["conversationId": 9, "adminIds": [9]], ids: conversation,
                lists: ["adminIds"]),
            .init(
                "POST", "/conversation/transfer_ownership", ["conversationId": 9, "memberId": 9],
                ids: ["conversationId", "memberId"]),
            .init("DELETE", "/conversation/quit_conversation", ["conversationId": 9], ids: conversation),
            .init(
                "DELETE", "/conversation/remove_member", ["conversationId": 9, "removeMemberIds": [9]],
                ids: conversation,
                lists: ["removeMemberIds"]),
            .init(
                "POST", "/conversation/invite_new_member", ["conversationId": 9, "newMemberIds": [9]],
                ids: conversation,
                lists: ["newMemberIds"]),
            .init("GET", "/conversation/pull_conversation_apply_chain"),
        ]
        + ["/friend/handel", "/friend/handle", "/conversation/handle", "/conversation/handel"].map { path in
            .init(
                "POST", path + "_conversation_apply", ["conversationId": 9, "invitedUserIds": [9], "agree": "True"],
                ids: conversation, lists: ["invitedUserIds"])
        }

    @Test(arguments: endpoints)
    func `method, token, body and fields are checked in this order`(_ endpoint: SecondPartEndpoint) async throws {
        try await withGateway { site in
            let person = try await site.person("Person")
            let ended = try await site.person("Ended")
            #expect(try await ended.ask("POST", "/user/logout").status == 200)
            for path in [endpoint.path, endpoint.path + "/", "/api" + endpoint.path] {
                let wrong = endpoint.method == "PUT" ? "POST" : "PUT"
                #expect(try await site.ask(wrong, path).outcome == "405 -3 Bad method")
                for token in [nil, "", "x", person.token + "x", ended.token] {
                    let headers = token.map { ["Authorization": $0] } ?? [:]
                    let reply = try await site.ask(endpoint.method, path, headers: headers)
                    #expect(reply.outcome == "401 6 invalid or expired JWT", "\(token ?? "none")")
                }
            }
            if endpoint.method != "GET" {
                let reply = try await person.ask(endpoint.method, endpoint.path, [])
                #expect(reply.outcome == "400 -2 Invalid JSON body")
            }
            if let name = endpoint.queryID {
                for query in ["", "?\(name)=", "?\(name)=x", "?\(name)=1.5", "?\(name)=[1]"] {
                    let reply = try await person.ask("GET", endpoint.path + query)
                    #expect(reply.outcome == "400 -2 Missing or error type of [\(name)]", "\(query)")
                }
            }
            for (name, value) in endpoint.spoiled {
                var body = JSONObject(endpoint.body.members.filter { $0.name != name })
                if let value { body.append(name, value) }
                let reply = try await person.ask(endpoint.method, endpoint.path, .object(body))
                #expect(
                    reply.outcome == "400 -2 Missing or error type of [\(name)]", "\(name) \(value?.text ?? "missing")")
            }
        }
    }

    // MARK: - create_conversation

    @Test func `create_conversation makes everyone named a member at once`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let (bob, carol) = (try await site.friend("Bob", of: alice), try await site.friend("Carol", of: alice))
            let reply = try await alice.ask(
                "PUT", "/conversation/create_conversation",
                [
                    "friendIds": [.string("\(bob.id)"), .integer(carol.id), .integer(bob.id)],
                    "conversationName": "Quick_Meet",
                ])
            #expect(reply.status == 200)
            #expect(reply.json.sorted == ["code": 0, "conversation_id": 3, "info": "Succeed"])
            for person in [alice, bob, carol] {
                let list = try await person.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
                let entry = list.items.last
                #expect(
                    entry?.sorted == [
                        "conversation_id": 3, "conversation_name": "Quick_Meet", "private": "False",
                        "unread_count": 0,
                    ])
                #expect(
                    try await person.roles(in: 3) == ["Alice groupOwner", "Bob commonUser", "Carol commonUser"])
                #expect(try await person.texts(of: 3) == [])
            }
            // Two groups may have the same name.
            #expect(try await alice.createGroup("Quick_Meet", with: [bob, carol]) == 4)
        }
    }

    @Test func `a group without a name is called by its members`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let (bob, carol) = (try await site.friend("Bob", of: alice), try await site.friend("Carol", of: alice))
            let socket = try await bob.listen()
            let group = try await alice.createGroup("", with: [carol, bob])
            let title: JSONValue = "Alice、Carol、Bob"
            let invited = try await socket.nextPush()
            #expect(invited["type"] == "invited_to_conversation" && invited["message"]["conversation_name"] == title)
            for person in [alice, bob, carol] {
                let list = try await person.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
                #expect(list.items.last?["conversation_name"] == title)
                #expect(list.items.last?["conversation_id"] == .integer(group))
            }
            // Nobody is cut in two: whole names as far as they fit.
            let long = try await site.friend(String(repeating: "L", count: 255), of: alice)
            let second = try await alice.createGroup("", with: [bob, long, carol])
            let list = try await alice.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
            #expect(list.items.last?["conversation_id"] == .integer(second))
            #expect(list.items.last?["conversation_name"] == "Alice、Bob…")
        }
    }

    @Test func `a private conversation has its two people as members and no announcements`() async throws {
        try await withGateway { site in
            let bob = try await site.person("Bob", picture: Picture.png.base64)
            let alice = try await site.person("Alice")
            let conversation = try await site.befriend(alice, bob)
            let outsider = try await site.person("Outsider")
            func member(_ person: Person, _ picture: String) -> JSONValue {
                [
                    "member_id": .integer(person.id), "member_name": .string(person.name),
                    "member_picture": .string(picture), "role": "commonUser",
                ]
            }
            let members = "/conversation/pull_conversation_member_list?conversationId=\(conversation)"
            let announcements = "/conversation/pull_announcement?conversationId=\(conversation)"
            for person in [alice, bob] {
                #expect(
                    try await person.ask("GET", members).json.sorted == [
                        "announcement_chain": [], "code": 0, "info": "Succeed",
                        "member_list": [member(bob, Picture.png.base64), member(alice, "")],
                    ])
                #expect(
                    try await person.ask("GET", announcements).json.sorted
                        == ["announcement_chain": [], "code": 0, "info": "Succeed"])
                let body: JSONValue = ["conversationId": .integer(conversation), "announcement": "x"]
                #expect(
                    try await person.ask("PUT", "/conversation/put_announcement", body).outcome
                        == "400 2 You have no right to put announcement")
                let quit: JSONValue = ["conversationId": .integer(conversation)]
                #expect(
                    try await person.ask("DELETE", "/conversation/quit_conversation", quit).outcome
                        == "400 2 You are not in this conversation")
            }
            let hidden = "401 6 You're not in this conversation"
            for path in [members, announcements] { #expect(try await outsider.ask("GET", path).outcome == hidden) }
            // It is no group in the dialect that lists members of groups.
            let inSocket = try await site.ask(
                "GET", "/api/group/get_group_user_list?groupId=\(conversation)", headers: ["Authorization": alice.token]
            )
            #expect(inSocket.status == 400)

            let end: JSONValue = ["friendUserId": .integer(bob.id)]
            #expect(try await alice.ask("DELETE", "/friend/delete_friend", end).status == 200)
            for path in [members, announcements] { #expect(try await alice.ask("GET", path).outcome == hidden) }
        }
    }

    @Test func `create_conversation refuses in the contract's order`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let (bob, carol) = (try await site.friend("Bob", of: alice), try await site.friend("Carol", of: alice))
            let gone = try await site.friend("Gone", of: alice)
            let stranger = try await site.person("Stranger")
            #expect(try await gone.ask("POST", "/user/cancel", ["password": "123456"]).status == 200)
            let tooFew = "400 4 You cannot create a group chat less than 3 people"
            let notFriend = "401 6 You invite someone who's not your friend"
            let lines: [(ids: [Int64], outcome: String)] = [
                ([], tooFew), ([bob.id], tooFew), ([bob.id, bob.id], tooFew), ([stranger.id], tooFew),
                ([bob.id, alice.id], tooFew), ([alice.id, alice.id], tooFew),
                ([bob.id, stranger.id], notFriend), ([bob.id, carol.id, 4_096], notFriend),
                ([bob.id, 0], notFriend), ([bob.id, -1], notFriend), ([bob.id, .max], notFriend),
                ([gone.id, stranger.id], notFriend), ([bob.id, carol.id, alice.id], notFriend),
                ([bob.id, gone.id], "401 6 You invite someone who's canceled"),
            ]
            for line in lines {
                let reply = try await alice.ask(
                    "PUT", "/conversation/create_conversation",
                    ["friendIds": .array(line.ids.map { .integer($0) }), "conversationName": "x"])
                #expect(reply.outcome == line.outcome, "\(line.ids)")
            }
            let list = try await bob.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
            #expect(list.items.count == 1)
        }
    }

    // MARK: - Announcements

    @Test(arguments: ["announcement", "announcementBody"])
    func `announcements are put by owner and admins and pulled by every member`(_ field: String) async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (bob, carol) = (others[0], others[1])
            let outsider = try await site.person("Outsider")
            func put(_ person: Person, _ conversation: JSONValue, _ text: String) async throws -> Reply {
                try await person.ask(
                    "PUT", "/conversation/put_announcement",
                    ["conversationId": conversation, field: .string(text)])
            }
            let path = "/conversation/pull_announcement?conversationId=\(group)"
            let empty: JSONValue = ["announcement_chain": [], "code": 0, "info": "Succeed"]
            #expect(try await carol.ask("GET", path).json.sorted == empty)

            #expect(
                try await put(alice, .integer(group), "AAA").json.sorted
                    == ["announcement_id": 1, "code": 0, "info": "Succeed"])
            let noRight = "400 2 You have no right to put announcement"
            #expect(try await put(bob, .integer(group), "no").outcome == noRight)
            #expect(try await put(outsider, .integer(group), "no").outcome == noRight)
            #expect(try await put(alice, 1, "private").outcome == noRight)
            #expect(try await put(alice, 4_096, "nowhere").outcome == noRight)
            #expect(try await put(bob, .integer(group), "").outcome == noRight)
            #expect(try await alice.appoint([bob], in: group) == "200 0 Succeed")
            for person in [alice, bob] {
                #expect(
                    try await put(person, .integer(group), "").outcome == "400 3 announcement should not be empty")
            }
            #expect(try await put(bob, .string("\(group)"), "BBB").status == 200)

            let chain: JSONValue = [
                ["announcement_body": "AAA", "announcement_id": 1],
                ["announcement_body": "BBB", "announcement_id": 2],
            ]
            for person in [alice, bob, carol] {
                #expect(
                    try await person.ask("GET", path).json.sorted
                        == ["announcement_chain": chain, "code": 0, "info": "Succeed"])
                let members = try await person.ask(
                    "GET", "/conversation/pull_conversation_member_list?conversationId=\(group)")
                #expect(members["announcement_chain"].sorted == chain)
            }
            for id in [group, 1, 4_096, 0, -1, .max] {
                let reply = try await outsider.ask("GET", "/conversation/pull_announcement?conversationId=\(id)")
                #expect(reply.outcome == "401 6 You're not in this conversation")
            }
        }
    }

    // MARK: - A large group

    @Test func `a group of two hundred takes a burst and shows it to everyone`() async throws {
        try await withGateway { site in
            let owner = try await site.person("Owner")
            // A few at a time: two cores have no use for more.
            let members = try await withThrowingTaskGroup(of: [Person].self) { tasks in
                for lane in 0..<8 {
                    tasks.addTask {
                        let owner = owner.again
                        var people: [Person] = []
                        for number in stride(from: lane, to: 199, by: 8) {
                            people.append(try await site.friend("Member\(number)", of: owner))
                        }
                        return people
                    }
                }
                return try await tasks.reduce(into: []) { $0 += $1 }
            }
            let group = try await owner.createGroup("Large", with: members)
            let path = "?conversationId=\(group)"
            let list = try await owner.ask("GET", "/conversation/pull_conversation_member_list" + path)["member_list"]
            #expect(list.items.count == 200)
            #expect(Set(list.items.map { $0["member_id"].integer }) == Set(members.map(\.id) + [owner.id]))

            let senders = [owner] + members.prefix(4)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for sender in senders {
                    tasks.addTask { for number in 0..<10 { try await sender.send("\(number)", to: group) } }
                }
                try await tasks.waitForAll()
            }
            let last = members[198]
            let chain = try await last.ask("GET", "/conversation/pull_conversation_chain" + path)
            let items = chain["conversation_chain"].items
            #expect(items.map { $0["seq"].integer } == (1...50).map { Int64($0) })
            #expect(chain["unread_count"] == 50)
            let newest = try #require(items.last?["message_id"].integer)
            for person in members.prefix(99) {
                let body: JSONValue = ["conversationId": .integer(group), "readIndex": .integer(newest)]
                #expect(try await person.ask("POST", "/message/mark_read_index", body).status == 200)
            }
            let readers = Set(members.prefix(99).map(\.id) + [items.last?["sender_id"].integer ?? 0])
            let details = try await last.ask("GET", "/message/pull_reader_list?messageId=\(newest)")["reader_list"]
            #expect(Set(details.items.compactMap { $0["member_user_id"].integer }) == readers)
            let shown = try await last.ask("GET", "/conversation/pull_conversation_chain" + path)
            #expect(shown["conversation_chain"].items.last?["reader_list"].sorted == details.sorted)

            let history = "/conversation/pull_conversation_chain_history" + path
            for sender in senders {
                let own = try await last.ask("GET", history + "&memberNames=\(sender.name)")["conversation_chain"]
                #expect(own.items.map { $0["message"].text } == (0..<10).map { "\($0)" })
            }
            let (from, until) = (items[10]["send_time"].text, items[39]["send_time"].text)
            let between = items.filter {
                $0["send_time"].number ?? 0 >= items[10]["send_time"].number ?? 0
                    && $0["send_time"].number ?? 0 <= items[39]["send_time"].number ?? 0
            }
            let part = try await last.ask("GET", history + "&startTime=\(from)&endTime=\(until)")["conversation_chain"]
            #expect(part.items.map { $0["message_id"] } == between.map { $0["message_id"] })
        }
    }
}

/// A path of the second part of the dialect, with a body that passes the checks of fields.
struct SecondPartEndpoint: Sendable, CustomTestStringConvertible {
    let method: String
    let path: String
    let body: JSONObject
    private let texts: [String]
    private let ids: [String]
    private let lists: [String]
    let queryID: String?

    init(
        _ method: String, _ path: String, _ body: JSONObject = [:], texts: [String] = [], ids: [String] = [],
        lists: [String] = [], queryID: String? = nil
    ) {
        self.method = method
        self.path = path
        self.body = body
        self.texts = texts
        self.ids = ids
        self.lists = lists
        self.queryID = queryID
    }

    var testDescription: String { method + " " + path }

    /// Every field with every value that it must not have.
    var spoiled: [(name: String, value: JSONValue?)] {
        let noText: [JSONValue?] = [nil, .null, 1, true, [], [:]]
        let noID: [JSONValue?] = [nil, .null, "", "x", "1.5", " 1", .number(1.5), true, [], [:], [1]]
        let noList: [JSONValue?] = [
            nil, .null, "", "1", 1, true, [:], [.null], ["x"], [true], [[1]], [.number(1.5)], [1, ""],
        ]
        let noAgreement: [JSONValue?] = [nil, .null, 1, [], [:]]
        let agreement = body["agree"] == nil ? [] : noAgreement.map { ("agree", $0) }
        return texts.flatMap { name in noText.map { (name, $0) } } + ids.flatMap { name in noID.map { (name, $0) } }
            + lists.flatMap { name in noList.map { (name, $0) } } + agreement
    }
}

extension Site {
    /// Registers a person whose application somebody accepts.
    func friend(_ name: String, of other: Person) async throws -> Person {
        let friend = try await person(name)
        _ = try await befriend(friend, other)
        return friend
    }

    /// A group of new people; the first one is its owner and the friend of all others.
    func group(
        _ owner: String, _ others: String..., named name: String = "Quick_Meet"
    ) async throws -> (owner: Person, others: [Person], conversation: Int64) {
        let owner = try await person(owner)
        var members: [Person] = []
        for name in others { members.append(try await friend(name, of: owner)) }
        return (owner, members, try await owner.createGroup(name, with: members))
    }
}

extension Person {
    func createGroup(_ name: String, with friends: [Person]) async throws -> Int64 {
        let reply = try await ask(
            "PUT", "/conversation/create_conversation",
            ["friendIds": .array(friends.map { .integer($0.id) }), "conversationName": .string(name)])
        return try #require(reply["conversation_id"].integer, "\(reply)")
    }

    /// A request about a group and a list of people.
    private func act(
        _ method: String, _ path: String, _ list: String, _ people: [Person], _ conversation: Int64
    ) async throws -> String {
        let ids = people.map { JSONValue.integer($0.id) }
        return try await ask(
            method, "/conversation/" + path,
            ["conversationId": .integer(conversation), list: .array(ids)]
        ).outcome
    }

    func appoint(_ people: [Person], in conversation: Int64) async throws -> String {
        try await act("POST", "appoint_admin", "adminIds", people, conversation)
    }

    func remove(_ people: [Person], from conversation: Int64) async throws -> String {
        try await act("DELETE", "remove_member", "removeMemberIds", people, conversation)
    }

    func invite(_ people: [Person], to conversation: Int64) async throws -> String {
        try await act("POST", "invite_new_member", "newMemberIds", people, conversation)
    }

    func transfer(_ conversation: Int64, to heir: Person) async throws -> String {
        try await ask(
            "POST", "/conversation/transfer_ownership",
            ["conversationId": .integer(conversation), "memberId": .integer(heir.id)]
        ).outcome
    }

    func quit(_ conversation: Int64) async throws -> String {
        try await ask("DELETE", "/conversation/quit_conversation", ["conversationId": .integer(conversation)]).outcome
    }

    func decideJoin(
        of people: [Person], to conversation: Int64, agree: JSONValue = "True"
    ) async throws -> String {
        try await ask(
            "POST", "/friend/handel_conversation_apply",
            [
                "conversationId": .integer(conversation),
                "invitedUserIds": .array(people.map { .integer($0.id) }), "agree": agree,
            ]
        ).outcome
    }

    /// `"Alice groupOwner"` and so on, as the member list has it.
    func roles(in conversation: Int64) async throws -> [String] {
        try await ask("GET", "/conversation/pull_conversation_member_list?conversationId=\(conversation)")[
            "member_list"
        ]
        .items.map { $0["member_name"].text + " " + $0["role"].text }
    }
}
