import TestSupport
import Testing

@testable import Gateway

/// Members, their roles, and who may do what.
@Suite struct ClassicGroupRoleTests {
    private let notOwner = "400 2 You are not the group owner of the conversation"
    private let notThere = "401 6 You appoint someone who's not in this conversation"
    private let notIn = "400 2 You are not in this conversation"
    private let noRight = "400 2 You have no right"
    private let done = "200 0 Succeed"

    @Test func `pull_conversation_member_list shows names, pictures and roles`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice", picture: Picture.png.base64)
            let (bob, carol) = (try await site.friend("Bob", of: alice), try await site.friend("Carol", of: alice))
            let group = try await alice.createGroup("Group", with: [bob, carol])
            func entry(_ person: Person, _ picture: String, _ role: String) -> JSONValue {
                [
                    "member_id": .integer(person.id), "member_name": .string(person.name),
                    "member_picture": .string(picture), "role": .string(role),
                ]
            }
            func answer(_ picture: String) -> JSONValue {
                [
                    "announcement_chain": [], "code": 0, "info": "Succeed",
                    "member_list": [
                        entry(alice, picture, "groupOwner"), entry(bob, "", "commonUser"),
                        entry(carol, "", "commonUser"),
                    ],
                ]
            }
            let path = "/conversation/pull_conversation_member_list?conversationId=\(group)"
            let outsider = try await site.person("Outsider")
            for person in [alice, bob, carol] {
                #expect(try await person.ask("GET", path).json.sorted == answer(Picture.png.base64))
            }
            #expect(
                try await bob.ask("GET", path + "&pictures=url").json.sorted
                    == answer("/media/pictures/\(alice.id)?v=1"))
            for id in [group, 0, -1, 4_096, .max] {
                let reply = try await outsider.ask(
                    "GET", "/conversation/pull_conversation_member_list?conversationId=\(id)")
                #expect(reply.outcome == "401 6 You're not in this conversation")
            }
        }
    }

    @Test func `appoint_admin is the owner's, all or nothing`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol", "Dave")
            let (bob, carol) = (others[0], others[1])
            let outsider = try await site.person("Outsider")
            #expect(try await bob.appoint([bob], in: group) == notOwner)
            #expect(try await outsider.appoint([outsider], in: group) == notOwner)
            #expect(try await alice.appoint([outsider], in: 4_096) == notOwner)
            #expect(try await alice.appoint([bob], in: 1) == notOwner)
            #expect(try await alice.appoint([bob, outsider], in: group) == notThere)
            let same = ["Alice groupOwner", "Bob commonUser", "Carol commonUser", "Dave commonUser"]
            #expect(try await bob.roles(in: group) == same)
            #expect(try await alice.appoint([], in: group) == done)
            #expect(try await alice.appoint([alice], in: group) == done)
            #expect(try await bob.roles(in: group) == same)

            for _ in 0..<2 { #expect(try await alice.appoint([carol, carol, alice], in: group) == done) }
            #expect(
                try await bob.roles(in: group)
                    == ["Alice groupOwner", "Carol admin", "Bob commonUser", "Dave commonUser"])
            #expect(try await carol.appoint([bob], in: group) == notOwner)
            let texts: JSONValue = ["conversationId": .string("\(group)"), "adminIds": [.string("\(bob.id)")]]
            let reply = try await alice.ask("POST", "/conversation/appoint_admin", texts)
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])
        }
    }

    @Test func `transfer_ownership makes the old owner an admin`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (bob, carol) = (others[0], others[1])
            let outsider = try await site.person("Outsider")
            #expect(try await bob.transfer(group, to: bob) == notOwner)
            #expect(try await outsider.transfer(group, to: bob) == notOwner)
            #expect(try await alice.transfer(4_096, to: outsider) == notOwner)
            #expect(try await alice.transfer(group, to: outsider) == notThere)
            #expect(try await alice.transfer(group, to: alice) == done)
            #expect(try await carol.roles(in: group).first == "Alice groupOwner")
            #expect(try await alice.transfer(group, to: carol) == done)
            #expect(try await bob.roles(in: group) == ["Carol groupOwner", "Alice admin", "Bob commonUser"])
            #expect(try await alice.transfer(group, to: alice) == notOwner)
            #expect(try await alice.quit(group) == done)
            #expect(try await carol.quit(group) == "400 2 Group owner cannot quit conversation")
        }
    }

    @Test func `of two transfers at once one happens`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            async let first = alice.again.transfer(group, to: others[0])
            async let second = alice.again.transfer(group, to: others[1])
            #expect(try await [first, second].sorted() == [done, notOwner])
            let roles = try await alice.roles(in: group)
            #expect(roles.filter { $0.hasSuffix(" groupOwner") }.count == 1)
            #expect(roles.contains("Alice admin") && roles.count == 3)
        }
    }

    @Test func `quit_conversation is for members other than the owner, and for groups`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let bob = others[0]
            let outsider = try await site.person("Outsider")
            #expect(try await outsider.quit(group) == notIn)
            #expect(try await alice.quit(1) == notIn)
            for id in [0, -1, 4_096, .max] as [Int64] { #expect(try await alice.quit(id) == notIn) }
            #expect(try await alice.quit(group) == "400 2 Group owner cannot quit conversation")
            try await bob.send("before", to: group)
            let text: JSONValue = ["conversationId": .string("\(group)")]
            let reply = try await bob.ask("DELETE", "/conversation/quit_conversation", text)
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])
            #expect(try await bob.quit(group) == notIn)

            #expect(try await alice.roles(in: group) == ["Alice groupOwner", "Carol commonUser"])
            let message: JSONValue = ["conversationId": .integer(group), "message": "after", "replyId": -1]
            #expect(
                try await bob.ask("PUT", "/message/send_message", message).outcome
                    == "400 2 You're not in this conversation.")
            let list = try await bob.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
            #expect(list.items.map { $0["conversation_id"] } == [1])
            #expect(try await alice.texts(of: group) == ["before"])
        }
    }

    @Test func `remove_member goes by role, all or nothing`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol", "Dave", "Eve")
            let (bob, carol, dave, eve) = (others[0], others[1], others[2], others[3])
            let outsider = try await site.person("Outsider")
            #expect(try await alice.appoint([bob, carol], in: group) == done)
            let lines: [(actor: Person, removed: [Person], conversation: Int64, outcome: String)] = [
                (outsider, [outsider], group, notIn), (alice, [bob], 4_096, notIn), (alice, [bob], 1, notIn),
                (dave, [eve], group, noRight), (dave, [dave], group, noRight), (dave, [], group, noRight),
                (bob, [carol], group, noRight), (bob, [bob], group, noRight), (bob, [alice], group, noRight),
                (bob, [dave, carol], group, noRight), (bob, [dave, outsider], group, noRight),
                (alice, [alice], group, noRight), (alice, [bob, alice], group, noRight),
                (alice, [dave, outsider], group, noRight),
            ]
            for line in lines {
                let outcome = try await line.actor.remove(line.removed, from: line.conversation)
                #expect(outcome == line.outcome, "\(line.actor.name) \(line.removed.map(\.name))")
            }
            #expect(try await alice.roles(in: group).count == 5)
            #expect(try await bob.remove([dave, dave], from: group) == done)
            let texts: JSONValue = [
                "conversationId": .string("\(group)"), "removeMemberIds": [.string("\(bob.id)"), .integer(eve.id)],
            ]
            let reply = try await alice.ask("DELETE", "/conversation/remove_member", texts)
            #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])
            #expect(try await carol.roles(in: group) == ["Alice groupOwner", "Carol admin"])
            #expect(try await alice.remove([dave], from: group) == noRight)
            for person in [bob, dave, eve] {
                let reply = try await person.ask(
                    "GET", "/conversation/pull_conversation_chain?conversationId=\(group)")
                #expect(reply.outcome == "401 6 You're not in this conversation")
            }
        }
    }
}
