import TestSupport
import Testing

@testable import Gateway

/// How people come into a group that exists.
@Suite struct ClassicJoinTests {
    private let done = "200 0 Succeed"
    private let decided = "200 0 Succeed +conversation_id"
    private let noRight = "400 2 You have no right"
    private let invalid = "404 7 Application information invalid"

    private func chain(_ person: Person, _ query: String = "") async throws -> JSONValue {
        try await person.ask("GET", "/conversation/pull_conversation_apply_chain" + query).json.sorted
    }

    private func answer(_ groups: (id: Int64, name: String, entries: [(Person, Person)])...) -> JSONValue {
        let chains: [JSONValue] = groups.map { group in
            [
                "conversation_apply_chain": .array(
                    group.entries.map { inviter, invited in
                        [
                            "invited_user_id": .integer(invited.id), "invited_user_name": .string(invited.name),
                            "invitor_user_id": .integer(inviter.id), "invitor_user_name": .string(inviter.name),
                        ]
                    }), "conversation_id": .integer(group.id), "conversation_name": .string(group.name),
            ]
        }
        return ["code": 0, "info": "Succeed", "total_conversation_apply_chain": .array(chains)]
    }

    @Test func `invite_new_member refuses in the contract's order`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let bob = others[0]
            let (friend, gone) = (try await site.friend("Friend", of: bob), try await site.friend("Gone", of: bob))
            let stranger = try await site.person("Stranger")
            #expect(try await gone.ask("POST", "/user/cancel", ["password": "123456"]).status == 200)
            let notIn = "400 2 You are not in this conversation"
            let already = "401 6 You invite someone who's already in this conversation"
            let notFriend = "401 6 You invite someone who's not your friend"
            #expect(try await stranger.invite([alice], to: group) == notIn)
            #expect(try await alice.invite([bob], to: 1) == notIn)
            #expect(try await bob.invite([friend], to: 4_096) == notIn)
            #expect(try await bob.invite([alice, stranger], to: group) == already)
            #expect(try await bob.invite([friend, bob], to: group) == already)
            #expect(try await bob.invite([friend, stranger, gone], to: group) == notFriend)
            #expect(try await bob.invite([friend, gone], to: group) == "401 6 You invite someone who's canceled")
            for id in [0, -1, 4_096, .max] as [Int64] {
                let body: JSONValue = ["conversationId": .integer(group), "newMemberIds": [.integer(id)]]
                #expect(try await bob.ask("POST", "/conversation/invite_new_member", body).outcome == notFriend)
            }
            #expect(try await chain(alice) == answer())
        }
    }

    @Test func `an invitation waits for owner or admin, whoever invites`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (bob, carol) = (others[0], others[1])
            let dave = try await site.friend("Dave", of: bob)
            _ = try await site.befriend(dave, alice)
            let body: JSONValue = ["conversationId": .string("\(group)"), "newMemberIds": [.string("\(dave.id)")]]
            for _ in 0..<2 {
                let reply = try await bob.ask("POST", "/conversation/invite_new_member", body)
                #expect(reply.json.sorted == ["code": 0, "info": "Succeed"])
            }
            #expect(try await alice.invite([dave], to: group) == done)
            // Not even the owner brings anybody in without a decision.
            #expect(try await alice.roles(in: group).count == 3)
            let both = answer((group, "Quick_Meet", [(bob, dave), (alice, dave)]))
            #expect(try await chain(alice) == both)
            #expect(try await chain(alice, "?conversationId=\(group)") == both)
            #expect(try await chain(alice, "?conversationId=") == both)

            let hidden = "401 6 You're not the admin or group owner of this conversation"
            for person in [bob, carol, dave] {
                #expect(try await chain(person) == answer())
                let reply = try await person.ask(
                    "GET", "/conversation/pull_conversation_apply_chain?conversationId=\(group)")
                #expect(reply.outcome == hidden)
                #expect(try await person.decideJoin(of: [dave], to: group) == noRight)
            }
            for id in [1, 0, 4_096] {
                let path = "/conversation/pull_conversation_apply_chain?conversationId=\(id)"
                #expect(try await alice.ask("GET", path).outcome == hidden)
            }

            #expect(try await alice.appoint([carol], in: group) == done)
            #expect(try await chain(carol) == both)
            #expect(try await carol.decideJoin(of: [dave], to: group) == decided)
            #expect(try await chain(alice) == answer())
            #expect(try await alice.decideJoin(of: [dave], to: group) == invalid)
            #expect(
                try await dave.roles(in: group)
                    == ["Alice groupOwner", "Carol admin", "Bob commonUser", "Dave commonUser"])
        }
    }

    @Test func `an invitation is pushed when it is new, and not again while it waits`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let bob = others[0]
            let (dave, eve) = (try await site.friend("Dave", of: bob), try await site.friend("Eve", of: bob))
            let socket = try await alice.listen()
            for invited in [[dave], [dave], [dave, eve], [eve, dave], []] {
                #expect(try await bob.invite(invited, to: group) == done)
            }
            try await alice.send("end", to: group)
            var applicants: [JSONValue] = []
            while true {
                let push = try await socket.nextPush()
                if push["message"]["message"] == "end" { break }
                #expect(push["type"] == "receive_conversation_application")
                applicants.append(push["message"]["applier_ids"])
            }
            #expect(applicants == [[.integer(dave.id)], [.integer(eve.id)]])
            // One that was decided may be made again.
            #expect(try await alice.decideJoin(of: [dave], to: group, agree: "False") == decided)
            #expect(try await bob.invite([dave], to: group) == done)
            #expect(try await socket.nextPush()["message"]["applier_ids"] == [.integer(dave.id)])
        }
    }

    @Test(
        arguments: ["/friend/handel", "/friend/handle", "/conversation/handle", "/conversation/handel"], ["", "/api"])
    func `handel_conversation_apply is known by all its names`(_ path: String, _ prefix: String) async throws {
        try await withGateway { site in
            let (alice, _, group) = try await site.group("Alice", "Bob", "Carol")
            let dave = try await site.friend("Dave", of: alice)
            for agree in ["False", false, "True", true] as [JSONValue] {
                #expect(try await alice.invite([dave], to: group) == done)
                let reply = try await alice.ask(
                    "POST", prefix + path + "_conversation_apply",
                    ["conversationId": .string("\(group)"), "invitedUserIds": [.string("\(dave.id)")], "agree": agree])
                #expect(
                    reply.json.sorted == ["code": 0, "conversation_id": .string("\(group)"), "info": "Succeed"])
                let isIn = agree == "True" || agree == true
                #expect(try await alice.roles(in: group).contains("Dave commonUser") == isIn)
                #expect(try await chain(alice) == answer())
                if isIn { #expect(try await alice.remove([dave], from: group) == done) }
            }
        }
    }

    @Test func `handel_conversation_apply refuses in the contract's order and changes nothing`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (dave, eve) = (try await site.friend("Dave", of: alice), try await site.friend("Eve", of: alice))
            #expect(try await alice.invite([dave], to: group) == done)
            let undecided = #"400 3 Invalid value for parameter [agree], expect "True" or "False"."#
            for agree in ["", "true", "yes", " True"] as [JSONValue] {
                #expect(try await others[0].decideJoin(of: [dave], to: group, agree: agree) == noRight)
                #expect(try await dave.decideJoin(of: [dave], to: group, agree: agree) == noRight)
                #expect(try await alice.decideJoin(of: [eve], to: group, agree: agree) == undecided)
            }
            #expect(try await alice.decideJoin(of: [dave], to: 4_096) == noRight)
            #expect(try await alice.decideJoin(of: [dave], to: 1) == noRight)
            for agree in ["True", "False"] as [JSONValue] {
                #expect(try await alice.decideJoin(of: [dave, eve], to: group, agree: agree) == invalid)
                #expect(try await alice.decideJoin(of: [alice], to: group, agree: agree) == invalid)
            }
            #expect(try await chain(alice) == answer((group, "Quick_Meet", [(alice, dave)])))
            #expect(try await alice.roles(in: group).count == 3)
        }
    }

    @Test func `requests of several groups are listed by group, and lapse with the account`() async throws {
        try await withGateway { site in
            let (alice, others, first) = try await site.group("Alice", "Bob", "Carol", named: "First")
            let second = try await alice.createGroup("Second", with: others)
            let dave = try await site.friend("Dave", of: alice)
            let eve = try await site.friend("Eve", of: alice)
            #expect(try await alice.invite([dave, eve], to: first) == done)
            #expect(try await alice.invite([eve], to: second) == done)
            #expect(
                try await chain(alice)
                    == answer((first, "First", [(alice, dave), (alice, eve)]), (second, "Second", [(alice, eve)])))
            #expect(try await eve.ask("POST", "/user/cancel", ["password": "123456"]).status == 200)
            try await eventually("her requests lapse") {
                try await chain(alice) == answer((first, "First", [(alice, dave)]))
            }
            #expect(try await alice.decideJoin(of: [eve], to: second) == invalid)
        }
    }

    @Test func `invitations at once are one entry, and decisions at once one decision`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            #expect(try await alice.appoint([others[0]], in: group) == done)
            let dave = try await site.friend("Dave", of: alice)
            let invitations = try await withThrowingTaskGroup(of: String.self) { tasks in
                for _ in 0..<8 { tasks.addTask { try await alice.again.invite([dave], to: group) } }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(invitations == [String](repeating: done, count: 8))
            #expect(try await chain(alice) == answer((group, "Quick_Meet", [(alice, dave)])))

            let decisions = try await withThrowingTaskGroup(of: (Int, String).self) { tasks in
                for index in 0..<8 {
                    let decider = index < 4 ? alice.again : others[0].again
                    let agree: JSONValue = index % 2 == 0 ? "True" : "False"
                    tasks.addTask { (index, try await decider.decideJoin(of: [dave], to: group, agree: agree)) }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            let winners = decisions.filter { $0.1 == decided }
            #expect(winners.count == 1)
            #expect(decisions.filter { $0.1 == invalid }.count == 7)
            let isIn = try await alice.roles(in: group).contains("Dave commonUser")
            #expect(isIn == (winners.first.map { $0.0 % 2 == 0 }))
        }
    }

    @Test func `who comes in later sees and is handed what is sent from then on`() async throws {
        try await withGateway { site in
            let (alice, _, group) = try await site.group("Alice", "Bob", "Carol")
            let dave = try await site.friend("Dave", of: alice)
            try await alice.send("before", to: group)
            #expect(try await alice.invite([dave], to: group) == done)
            #expect(try await alice.decideJoin(of: [dave], to: group) == decided)
            try await alice.send("after", to: group)
            #expect(try await dave.pullTexts().last == "after")
            #expect(try await dave.pullTexts() == [])
            let list = try await dave.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
            #expect(list.items.last?["unread_count"] == 1)
            // He may be invited and removed again and again, and stays one member.
            #expect(try await alice.remove([dave], from: group) == done)
            #expect(try await alice.invite([dave], to: group) == done)
            #expect(try await alice.decideJoin(of: [dave], to: group) == decided)
            #expect(try await alice.roles(in: group).filter { $0 == "Dave commonUser" }.count == 1)
        }
    }
}
