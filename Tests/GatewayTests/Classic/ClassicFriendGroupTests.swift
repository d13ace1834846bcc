import TestSupport
import Testing

@testable import Gateway

/// Groups of a friend list, and the end of friendships.
@Suite struct ClassicFriendGroupTests {
    private let done = "200 0 Succeed"

    private func group(_ owner: Person, _ ids: [JSONValue], _ name: String) async throws -> String {
        try await owner.ask(
            "POST", "/friend/grouping_friend", ["friendIds": .array(ids), "groupName": .string(name)]
        ).outcome
    }

    private func delete(_ owner: Person, group name: String) async throws -> String {
        try await owner.ask("DELETE", "/friend/delete_group", ["groupName": .string(name)]).outcome
    }

    private func delete(_ owner: Person, friend id: JSONValue) async throws -> String {
        try await owner.ask("DELETE", "/friend/delete_friend", ["friendUserId": id]).outcome
    }

    /// `"Classmates: Bob Carol"` and so on.
    private func list(_ person: Person) async throws -> [String] {
        try await person.ask("GET", "/friend/pull_friend_list")["total_friend_list"].items.map { group in
            let friends = group["friend_list"].items
            #expect(friends.allSatisfy { $0["group_name"] == group["group_name"] })
            return ([group["group_name"].text + ":"] + friends.map { $0["friend_name"].text }).joined(separator: " ")
        }
    }

    @Test func `grouping_friend is one-sided, and a friend is in one group`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let (bob, carol) = (try await site.friend("Bob", of: alice), try await site.friend("Carol", of: alice))
            let stranger = try await site.person("Stranger")
            let invalid = "401 2 Invalid user id in friendIds"
            for id in [stranger.id, alice.id, 0, -1, 4_096, .max] {
                #expect(try await group(alice, [.integer(bob.id), .integer(id)], "Classmates") == invalid)
            }
            #expect(try await list(alice) == ["MyFriends: Bob Carol"])

            #expect(try await group(alice, [.string("\(bob.id)"), .integer(bob.id)], "Classmates") == done)
            #expect(try await list(alice) == ["MyFriends: Carol", "Classmates: Bob"])
            #expect(try await list(bob) == ["MyFriends: Alice"])
            #expect(try await group(alice, [], "Empty") == done)
            #expect(try await group(alice, [], "Classmates") == done)
            #expect(try await group(alice, [.integer(carol.id)], "Classmates") == done)
            #expect(try await list(alice) == ["Classmates: Bob Carol", "MyFriends:", "Empty:"])
            #expect(try await group(alice, [.integer(bob.id)], "名 字") == done)
            #expect(try await list(alice) == ["Classmates: Carol", "名 字: Bob", "MyFriends:", "Empty:"])
            // No name stands for the group that everybody has.
            #expect(try await group(alice, [.integer(bob.id)], "") == done)
            #expect(try await list(alice) == ["MyFriends: Bob", "Classmates: Carol", "Empty:", "名 字:"])
        }
    }

    @Test func `delete_group deletes what is empty, MyFriends too`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(try await list(alice) == ["MyFriends:"])
            #expect(try await delete(alice, group: "MyFriends") == done)
            #expect(try await list(alice) == [])
            for name in ["MyFriends", ""] {
                #expect(try await delete(alice, group: name) == "400 2 Invalid groupName")
            }
            #expect(try await group(alice, [], "") == done)
            #expect(try await list(alice) == ["MyFriends:"])
            let bob = try await site.friend("Bob", of: alice)
            #expect(try await delete(alice, group: "Nothing") == "400 2 Invalid groupName")
            #expect(try await delete(alice, group: "myfriends") == "400 2 Invalid groupName")
            for name in ["MyFriends", ""] {
                #expect(try await delete(alice, group: name) == "400 4 There're friends in MyFriends")
            }
            #expect(try await group(alice, [.integer(bob.id)], "Class mates") == done)
            #expect(try await delete(alice, group: "Class mates") == "400 4 There're friends in Class mates")
            let reply = try await alice.ask("DELETE", "/friend/delete_group", ["groupName": "MyFriends"])
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])
            #expect(try await delete(alice, group: "MyFriends") == "400 2 Invalid groupName")
            #expect(try await list(alice) == ["Class mates: Bob"])
            // Her group is not his.
            #expect(try await delete(bob, group: "Class mates") == "400 2 Invalid groupName")
            // It comes back when it is needed.
            _ = try await site.friend("Carol", of: alice)
            #expect(try await list(alice) == ["MyFriends: Carol", "Class mates: Bob"])
        }
    }

    @Test func `delete_friend ends the friendship and its conversation for both`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let stranger = try await site.person("Stranger")
            for id in [stranger.id, alice.id, 0, -1, 4_096, .max] {
                #expect(try await delete(alice, friend: .integer(id)) == "400 2 Invalid friend user id")
            }
            let reply = try await alice.ask(
                "DELETE", "/friend/delete_friend", ["friendUserId": .string("\(bob.id)")])
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])
            for (person, other) in [(alice, bob), (bob, alice)] {
                #expect(try await delete(person, friend: .integer(other.id)) == "400 2 Invalid friend user id")
                #expect(try await list(person) == ["MyFriends:"])
                let message: JSONValue = [
                    "conversationId": .integer(conversation), "message": "hello", "replyId": -1,
                ]
                #expect(
                    try await person.ask("PUT", "/message/send_message", message).outcome
                        == "400 2 You're not in this conversation.")
                let conversations = try await person.ask("GET", "/conversation/pull_conversation_list")
                #expect(conversations["conversation_list"] == [])
            }
            // They may become friends again, in another conversation.
            #expect(try await site.befriend(bob, alice) == conversation + 1)
            #expect(try await list(alice) == ["MyFriends: Bob"])
        }
    }
}
