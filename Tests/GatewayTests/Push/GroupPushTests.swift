import TestSupport
import Testing

@testable import Gateway

/// What is pushed about groups, friendships and reading, and to whom.
///
/// Whoever is not concerned hears of something later first: a message to himself ends each look.
@Suite struct GroupPushTests {
    private let done = "200 0 Succeed"

    /// What a socket is pushed before a message to its person's conversation, sorted by type and content.
    private func pushes(_ socket: WebSocketClient, before text: String) async throws -> [JSONValue] {
        var pushes: [JSONValue] = []
        while true {
            let push = try await socket.nextPush().sorted
            if push["type"] == "receive_message", push["message"]["message"] == .string(text) {
                return pushes.sorted { $0.text < $1.text }
            }
            pushes.append(push)
        }
    }

    /// The next push about a conversation: the greeting of a friendship may still be under way when a socket opens.
    private func nextPush(_ socket: WebSocketClient, of conversation: Int64) async throws -> JSONValue {
        while true {
            let push = try await socket.nextPush().sorted
            if push["message"]["conversation_id"] == .integer(conversation) { return push }
        }
    }

    private func frame(_ type: JSONValue, _ message: JSONObject) -> JSONValue {
        JSONValue.object(["type": type, "message": .object(message)]).sorted
    }

    /// A group of which everything that its beginning pushes has been pushed.
    private func group(
        of site: Site, _ owner: String, _ others: String..., named name: String = "G"
    ) async throws -> (owner: Person, others: [Person], conversation: Int64) {
        let owner = try await site.person(owner)
        var members: [Person] = []
        for name in others { members.append(try await site.friend(name, of: owner)) }
        let watcher = try await members[0].listen()
        let group = try await owner.createGroup(name, with: members)
        try await owner.send("begin", to: group)
        var types: Set<String> = []
        while !types.isSuperset(of: ["invited_to_conversation", "begin"]) {
            let push = try await watcher.nextPush()
            types.formUnion([push["type"].text, push["message"]["message"].text])
        }
        watcher.cut()
        return (owner, members, group)
    }

    @Test func `who is added to a group by another is told, and the adder is not`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let (bob, carol) = (try await site.friend("Bob", of: alice), try await site.friend("Carol", of: alice))
            let sockets = [try await bob.listen(), try await carol.listen()]
            let own = try await alice.listen()
            let group = try await alice.createGroup("Conversation_1", with: [bob, carol])
            try await alice.send("hello", to: group)
            let invited = frame(
                "invited_to_conversation",
                ["conversation_id": .integer(group), "conversation_name": "Conversation_1"])
            let message = try await nextPush(own, of: group)
            #expect(message["message"]["conversation_name"] == "Conversation_1")
            #expect(message["message"]["message"] == "hello" && message["message"]["seq"] == 1)
            for socket in sockets {
                #expect(try await nextPush(socket, of: group) == invited)
                #expect(try await nextPush(socket, of: group) == message)
            }
            let pulled = try await bob.ask("GET", "/message/pull_user_chain")["user_chat_chain"].items.last
            for field in (message["message"].object?.members ?? []) {
                #expect(pulled?[field.name] == field.value, "\(field.name)")
            }
        }
    }

    @Test func `an application goes to owner and admins, and the approval to the new member`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await self.group(
                of: site, "Alice", "Bob", "Carol", named: "Conversation_1")
            let (bob, carol) = (others[0], others[1])
            #expect(try await alice.appoint([bob], in: group) == done)
            let (dave, eve) = (try await site.friend("Dave", of: carol), try await site.friend("Eve", of: carol))
            let (owner, admin) = (try await alice.listen(), try await bob.listen())
            let (inviter, newcomer, refused) = (
                try await carol.listen(), try await dave.listen(), try await eve.listen()
            )
            let application = frame(
                "receive_conversation_application",
                [
                    "applier_ids": [.integer(dave.id), .integer(eve.id)], "conversation_id": .integer(group),
                    "conversation_name": "Conversation_1",
                ])
            #expect(try await carol.invite([dave, eve], to: group) == done)
            for socket in [owner, admin] { #expect(try await socket.nextPush().sorted == application) }
            let listed = try await bob.ask("GET", "/conversation/pull_conversation_apply_chain")[
                "total_conversation_apply_chain"][0]["conversation_apply_chain"]
            #expect(listed.items.map { $0["invited_user_id"] } == [.integer(dave.id), .integer(eve.id)])

            #expect(try await bob.decideJoin(of: [eve], to: group, agree: "False").hasPrefix(done))
            #expect(try await bob.decideJoin(of: [dave], to: group).hasPrefix(done))
            let invited = frame(
                "invited_to_conversation",
                ["conversation_id": .integer(group), "conversation_name": "Conversation_1"])
            #expect(try await newcomer.nextPush().sorted == invited)
            try await alice.send("end", to: group)
            for socket in [owner, admin, inviter, newcomer] { #expect(try await pushes(socket, before: "end") == []) }
            #expect(try await alice.apply(to: "Eve").status == 200)
            #expect(try await refused.nextTypes(1) == ["receive_friend_application"])
        }
    }

    @Test func `who is removed is told by whom; who leaves is not, and nobody hears of the group again`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await self.group(of: site, "Alice", "Bob", "Carol", "Dave", named: "G")
            let (bob, carol, dave) = (others[0], others[1], others[2])
            let (removed, left, stays) = (try await bob.listen(), try await carol.listen(), try await dave.listen())
            #expect(try await alice.remove([bob], from: group) == done)
            #expect(try await carol.quit(group) == done)
            #expect(
                try await removed.nextPush().sorted
                    == frame(
                        "removed_from_conversation",
                        [
                            "conversation_id": .integer(group), "conversation_name": "G",
                            "operator_id": .integer(alice.id),
                        ]))
            try await alice.send("without them", to: group)
            #expect(try await pushes(stays, before: "without them") == [])
            try await alice.send("to Bob", to: 1)
            try await alice.send("to Carol", to: 2)
            #expect(try await pushes(removed, before: "to Bob") == [])
            #expect(try await pushes(left, before: "to Carol") == [])
        }
    }

    @Test func `roles and announcements are pushed to every member once`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await self.group(of: site, "Alice", "Bob", "Carol", named: "G")
            let (bob, carol) = (others[0], others[1])
            let outsider = try await site.friend("Outsider", of: alice)
            let sockets = [try await alice.listen(), try await bob.listen(), try await carol.listen()]
            // Each is live before anything is said.
            try await alice.send("start", to: group)
            for socket in sockets { #expect(try await pushes(socket, before: "start") == []) }
            let stranger = try await outsider.listen()
            func role(_ person: Person, _ role: JSONValue) -> JSONValue {
                frame(
                    "role_changed",
                    [
                        "conversation_id": .integer(group), "conversation_name": "G",
                        "member_id": .integer(person.id), "role": role,
                    ])
            }
            for _ in 0..<2 { #expect(try await alice.appoint([bob, alice], in: group) == done) }
            for socket in sockets { #expect(try await socket.nextPush().sorted == role(bob, "admin")) }
            #expect(try await alice.transfer(group, to: carol) == done)
            for socket in sockets {
                #expect(try await socket.nextPush().sorted == role(alice, "admin"))
                #expect(try await socket.nextPush().sorted == role(carol, "groupOwner"))
            }
            let put = try await bob.ask(
                "PUT", "/conversation/put_announcement",
                ["conversationId": .integer(group), "announcement": "AAA"])
            for socket in sockets {
                #expect(
                    try await socket.nextPush().sorted
                        == frame(
                            "announcement_published",
                            [
                                "announcement_body": "AAA", "announcement_id": put["announcement_id"],
                                "conversation_id": .integer(group),
                            ]))
            }
            #expect(try await alice.apply(to: "Stranger").status == 401)
            let newcomer = try await site.person("Newcomer")
            #expect(try await newcomer.apply(to: "Outsider").status == 200)
            #expect(try await stranger.nextTypes(1) == ["receive_friend_application"])
        }
    }

    @Test func `a read index is pushed to every member when it moves, and only then`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await self.group(of: site, "Alice", "Bob", "Carol")
            let first = try await alice.send("one", to: group)
            let second = try await alice.send("two", to: group)
            let sockets = [try await alice.listen(), try await others[0].listen(), try await others[1].listen()]
            for index in [first, first, 0, second + 1_000, first] {
                let body: JSONValue = ["conversationId": .integer(group), "readIndex": .integer(index)]
                #expect(try await others[0].ask("POST", "/message/mark_read_index", body).outcome == done)
            }
            try await alice.send("end", to: group)
            let moves = [first, second].map { index in
                frame(
                    "read_index_changed",
                    [
                        "conversation_id": .integer(group), "member_id": .integer(others[0].id),
                        "read_index": .integer(index),
                    ])
            }
            for socket in sockets { #expect(try await pushes(socket, before: "end") == moves) }
            let readers = try await alice.ask("GET", "/message/pull_reader_list?messageId=\(second)")["reader_list"]
            #expect(readers.items.map { $0["member_name"].text } == ["Alice", "Bob"])
        }
    }

    @Test func `the end of a friendship is pushed to the other one alone`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let carol = try await site.friend("Carol", of: alice)
            let (own, other, third) = (try await alice.listen(), try await bob.listen(), try await carol.listen())
            let body: JSONValue = ["friendUserId": .integer(bob.id)]
            #expect(try await alice.ask("DELETE", "/friend/delete_friend", body).outcome == done)
            #expect(
                try await other.nextPush().sorted
                    == frame(
                        "friend_deleted",
                        [
                            "conversation_id": .integer(conversation), "friend_id": .integer(alice.id),
                            "friend_name": "Alice",
                        ]))
            try await alice.send("end", to: conversation + 1)
            for socket in [own, third] { #expect(try await pushes(socket, before: "end") == []) }
        }
    }

    @Test func `messages missed in a group come with its name`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol", named: "G")
            let first = try await alice.send("one", to: group)
            try await alice.send("two", to: group)
            let push = try await others[0].listen("?since=\(first)").nextPush()["message"]
            #expect(push["message"] == "two" && push["conversation_name"] == "G" && push["seq"] == 2)
        }
    }

    @Test func `a cancelled owner's heir is pushed to those who stay`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await self.group(of: site, "Alice", "Bob", "Carol", named: "G")
            let sockets = [try await others[0].listen(), try await others[1].listen()]
            try await others[0].send("start", to: group)
            for socket in sockets { #expect(try await pushes(socket, before: "start") == []) }
            #expect(try await alice.ask("DELETE", "/user/cancel", ["password": "123456"]).outcome == done)
            let heir = frame(
                "role_changed",
                [
                    "conversation_id": .integer(group), "conversation_name": "G",
                    "member_id": .integer(others[0].id), "role": "groupOwner",
                ])
            for socket in sockets { #expect(try await socket.nextPush().sorted == heir) }
            try await others[0].send("end", to: group)
            for socket in sockets { #expect(try await pushes(socket, before: "end") == []) }
        }
    }

    @Test func `messages carry the sender's new name as soon as he has it`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await self.group(of: site, "Alice", "Bob", "Carol", named: "G")
            let socket = try await others[1].listen()
            try await others[0].send("one", to: group)
            #expect(try await socket.nextPush()["message"]["sender_name"] == "Bob")
            let body: JSONValue = ["oldPassword": "", "newUserName": "Robert"]
            #expect(try await others[0].ask("POST", "/user/modify_user_info", body).status == 200)
            try await others[0].send("two", to: group)
            #expect(try await socket.nextPush()["message"]["sender_name"] == "Robert")
            let chain = try await alice.ask("GET", "/conversation/pull_conversation_chain?conversationId=\(group)")
            #expect(chain["conversation_chain"].items.map { $0["sender_name"] } == ["Alice", "Robert", "Robert"])
        }
    }
}
