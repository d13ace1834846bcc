import Shared
import TestSupport
import Testing

@testable import Gateway

@Suite struct ClassicFriendTests {
    @Test func `apply_friend files an application once and refuses in order`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Nobody").outcome == "401 2 user doesn't exist")
            #expect(try await alice.apply(to: "").outcome == "401 2 user doesn't exist")
            #expect(try await alice.apply(to: "bob").outcome == "401 2 user doesn't exist")
            #expect(try await alice.apply(to: "Alice").outcome == "400 2 You cannot add yourself to friend list")
            #expect(
                try await alice.apply(to: "Bob", message: String(repeating: "é", count: 256)).outcome
                    == "400 3 message should be no longer than 255")
            for message in ["first", "second"] {
                #expect(try await alice.apply(to: "Bob", message: message).outcome == "200 0 Succeed")
            }
            let chain = try await bob.ask("GET", "/friend/pull_friend_chain")["friend_chain"]
            #expect(chain.items.map { $0["message"] } == ["first"])

            #expect(try await bob.decide(on: alice).status == 200)
            for (person, name) in [(alice, "Bob"), (bob, "Alice")] {
                #expect(
                    try await person.apply(to: name).outcome
                        == "400 2 You've already added \(name) to your friend list")
            }
        }
    }

    @Test func `pull_friend_chain hands each application out once, and all of them when asked`() async throws {
        try await withGateway { site in
            let bob = try await site.person("Bob")
            let alice = try await site.person("Alice", picture: Picture.png.base64)
            let carol = try await site.person("Carol")
            #expect(try await alice.apply(to: "Bob", message: "hi").status == 200)

            let entry: JSONValue = [
                "message": "hi", "sender_name": "Alice", "sender_picture": .string(Picture.png.base64),
                "sender_user_id": .string("\(alice.id)"),
            ]
            func chain(_ query: String = "") async throws -> JSONValue {
                try await bob.ask("GET", "/friend/pull_friend_chain" + query).json.sorted
            }
            func answer(_ entries: JSONValue...) -> JSONValue {
                ["code": 0, "friend_chain": .array(entries), "info": "Succeed"]
            }
            #expect(try await chain("?all=true") == answer(entry))
            #expect(try await chain() == answer(entry))
            #expect(try await chain() == answer())

            #expect(try await carol.apply(to: "Bob").status == 200)
            let second: JSONValue = [
                "message": "", "sender_name": "Carol", "sender_picture": "",
                "sender_user_id": .string("\(carol.id)"),
            ]
            #expect(try await chain() == answer(second))
            #expect(try await chain("?all=true") == answer(entry, second))

            #expect(try await bob.decide(on: alice, agree: "False").status == 200)
            #expect(try await chain("?all=true") == answer(second))
        }
    }

    @Test func `applying again makes an application new again`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            let socket = try await bob.listen()
            func chain() async throws -> [JSONValue] {
                try await bob.ask("GET", "/friend/pull_friend_chain")["friend_chain"].items.map { $0["message"] }
            }
            for round in 1...3 {
                #expect(try await alice.apply(to: "Bob", message: "round \(round)").status == 200)
                #expect(try await socket.nextPush()["type"] == "receive_friend_application")
                // It says what it said at first.
                #expect(try await chain() == ["round 1"], "\(round)")
                #expect(try await chain() == [], "\(round)")
            }
            #expect(try await bob.decide(on: alice).status == 200)
            #expect(try await chain() == [])
        }
    }

    @Test func `an operator may have every application given until it is decided`() async throws {
        try await withGateway {
            $0.gateway.repeatsApplications = true
        } _: { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Bob", message: "hi").status == 200)
            func chain() async throws -> [JSONValue] {
                try await bob.ask("GET", "/friend/pull_friend_chain")["friend_chain"].items.map { $0["message"] }
            }
            for _ in 0..<3 { #expect(try await chain() == ["hi"]) }
            #expect(try await bob.decide(on: alice, agree: "False").status == 200)
            #expect(try await chain() == [])
        }
    }

    @Test func `the friend chain is configured as once or pending, and nothing else`() throws {
        func repeats(_ text: String) throws -> Bool {
            var configuration = try Configuration(arguments: [], environment: ["MARTLET_CLASSIC_FRIEND_CHAIN": text])
            return try GatewayConfiguration(reading: &configuration, runtimePath: "/run").repeatsApplications
        }
        #expect(try !repeats("once"))
        #expect(try repeats("pending"))
        for text in ["Pending", "always"] { #expect(throws: Configuration.Invalid.self) { try repeats(text) } }
    }

    @Test(arguments: ["/friend/handel_apply", "/friend/handle_apply", "/friend/handle_friend_apply"], ["", "/api"])
    func `handel_apply opens a conversation with a greeting`(_ path: String, _ prefix: String) async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Bob").status == 200)
            let reply = try await bob.ask("POST", prefix + path, ["senderUserId": .integer(alice.id), "agree": true])
            #expect(reply.json.sorted == ["code": 0, "conversation_id": "1", "info": "Succeed"])
            let greeting = "I have accepted your friend request. Now let's start chatting."
            #expect(try await alice.texts(of: 1) == [greeting])
            #expect(try await bob.texts(of: 1) == [greeting])
        }
    }

    @Test func `handel_apply refuses what was not applied for, was decided, or is no decision`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            let carol = try await site.person("Carol")
            #expect(try await alice.apply(to: "Bob").status == 200)
            let invalid = "404 7 Application information invalid"
            let undecided = #"400 3 Invalid value for parameter [agree], expect "True" or "False"."#

            for agree in ["", "true", "TRUE", "yes", " True"] as [JSONValue] {
                #expect(try await bob.decide(on: alice, agree: agree).outcome == undecided)
                // What is not a decision is refused before it is asked whose it would be.
                #expect(try await bob.decide(on: carol, agree: agree).outcome == undecided)
            }
            for id in [0, -1, 4_096, .max] as [Int64] {
                for agree in ["True", "False"] as [JSONValue] {
                    let body: JSONValue = ["senderUserId": .integer(id), "agree": agree]
                    #expect(try await bob.ask("POST", "/friend/handel_apply", body).outcome == invalid)
                }
            }
            // Not the applicant himself, not a third person, not the other way round.
            #expect(try await alice.decide(on: alice).outcome == invalid)
            #expect(try await alice.decide(on: bob).outcome == invalid)
            #expect(try await carol.decide(on: alice).outcome == invalid)
            #expect(try await bob.decide(on: carol, agree: "False").outcome == invalid)

            #expect(try await bob.decide(on: alice).outcome == "200 0 Succeed +conversation_id")
            #expect(try await bob.decide(on: alice).outcome == "400 2 You've already added Alice to your friend list")
            // He has never applied to her, friend or not.
            #expect(try await alice.decide(on: bob).outcome == invalid)
        }
    }

    @Test func `a refusal answers without a conversation, and he may apply again`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            for agree in ["False", false] as [JSONValue] {
                #expect(try await alice.apply(to: "Bob").status == 200)
                #expect(try await bob.decide(on: alice, agree: agree).outcome == "200 0 Succeed")
                #expect(try await bob.decide(on: alice).outcome == "404 7 Application information invalid")
            }
            #expect(try await alice.ask("GET", "/conversation/pull_conversation_list")["conversation_list"] == [])
            #expect(try await site.befriend(alice, bob) == 1)
        }
    }

    @Test func `accepting one of two crossed applications settles both`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Bob").status == 200)
            #expect(try await bob.apply(to: "Alice").status == 200)
            #expect(try await bob.decide(on: alice).status == 200)
            #expect(try await alice.decide(on: bob).outcome == "400 2 You've already added Bob to your friend list")
            for person in [alice, bob] {
                #expect(try await person.ask("GET", "/friend/pull_friend_chain?all=true")["friend_chain"] == [])
                #expect(
                    try await person.ask("GET", "/conversation/pull_conversation_list")["conversation_list"].items.count
                        == 1)
            }
        }
    }

    @Test func `pull_friend_list shows friends in groups`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(
                try await alice.ask("GET", "/friend/pull_friend_list").json.sorted
                    == [
                        "code": 0, "info": "Succeed",
                        "total_friend_list": [["friend_list": [], "group_name": "MyFriends"]],
                    ])

            let bob = try await site.person("Bob", picture: Picture.png.base64)
            let carol = try await site.person("Carol")
            let first = try await site.befriend(alice, bob)
            let second = try await site.befriend(carol, alice)

            func friend(_ person: Person, _ picture: String, _ conversation: Int64) -> JSONValue {
                [
                    "conversation_id": .integer(conversation), "friend_id": .integer(person.id),
                    "friend_name": .string(person.name), "friend_picture": .string(picture),
                    "group_name": "MyFriends",
                ]
            }
            let groups: JSONValue = [
                [
                    "friend_list": [friend(bob, Picture.png.base64, first), friend(carol, "", second)],
                    "group_name": "MyFriends",
                ]
            ]
            #expect(
                try await alice.ask("GET", "/friend/pull_friend_list").json.sorted
                    == ["code": 0, "info": "Succeed", "total_friend_list": groups])
            let address = try await alice.ask("GET", "/friend/pull_friend_list?pictures=url")["total_friend_list"][0]
            #expect(address["friend_list"][0]["friend_picture"] == .string("/media/pictures/\(bob.id)?v=1"))
            #expect(address["friend_list"][1]["friend_picture"] == "")
        }
    }
}
