import TestSupport
import Testing

@testable import Gateway

/// Several devices of one person, and several people at the same moment.
@Suite struct ClassicTogetherTests {
    private let done = "200 0 Succeed"

    private func pushes(_ socket: WebSocketClient, _ count: Int) async throws -> [JSONValue] {
        var pushes: [JSONValue] = []
        while pushes.count < count { pushes.append(try await socket.nextPush().sorted) }
        return pushes
    }

    private func friends(of person: Person) async throws -> Set<String> {
        let groups = try await person.ask("GET", "/friend/pull_friend_list")["total_friend_list"].items
        return Set(groups.flatMap { $0["friend_list"].items.map { $0["friend_name"].text } })
    }

    private func conversations(of person: Person) async throws -> Set<Int64> {
        let list = try await person.ask("GET", "/conversation/pull_conversation_list")["conversation_list"].items
        return Set(list.compactMap { $0["conversation_id"].integer })
    }

    @Test func `each device of a person is pushed everything about his groups`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (bob, carol) = (others[0], others[1])
            let devices = [try await bob.listen(), try await bob.listen(), try await bob.listen()]
            #expect(try await alice.appoint([bob], in: group) == done)
            let announcement: JSONValue = ["conversationId": .integer(group), "announcement": "AAA"]
            #expect(try await alice.ask("PUT", "/conversation/put_announcement", announcement).status == 200)
            #expect(try await alice.remove([carol], from: group) == done)
            try await alice.send("end", to: group)
            let first = try await pushes(devices[0], 3)
            #expect(first.map { $0["type"].text } == ["role_changed", "announcement_published", "receive_message"])
            for device in devices.dropFirst() { #expect(try await pushes(device, 3) == first) }
        }
    }

    @Test func `a friendship that is accepted and ended at once is the same for both, in every list`() async throws {
        try await withGateway { site in
            for round in 0..<6 {
                let (alice, bob) = (
                    try await site.person("Alice\(round)"), try await site.person("Bob\(round)")
                )
                #expect(try await alice.apply(to: bob.name).status == 200)
                async let accepting = bob.decide(on: alice)
                async let ending = alice.again.ask(
                    "DELETE", "/friend/delete_friend", ["friendUserId": .integer(bob.id)])
                let (accepted, ended) = (try await accepting, try await ending)
                #expect(accepted.status == 200)
                #expect(["200 0 Succeed", "400 2 Invalid friend user id"].contains(ended.outcome))
                let isOver = ended.status == 200
                #expect(try await friends(of: alice) == (isOver ? [] : [bob.name]))
                #expect(try await friends(of: bob) == (isOver ? [] : [alice.name]))
                let lists = [try await conversations(of: alice), try await conversations(of: bob)]
                #expect(lists[0] == lists[1] && lists[0].count == (isOver ? 0 : 1))
            }
        }
    }

    @Test func `a member who is admitted and removed at once is in the group and its conversation, or in neither`()
        async throws
    {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            #expect(try await alice.appoint([others[0]], in: group) == done)
            for round in 0..<6 {
                let dave = try await site.friend("Dave\(round)", of: alice)
                #expect(try await alice.invite([dave], to: group) == done)
                async let admitting = alice.decideJoin(of: [dave], to: group)
                async let removing = others[0].remove([dave], from: group)
                let (admitted, removed) = (try await admitting, try await removing)
                #expect(admitted == done + " +conversation_id")
                let isIn = removed != done
                #expect(try await conversations(of: dave).contains(group) == isIn)
                let members = try await alice.ask(
                    "GET", "/conversation/pull_conversation_member_list?conversationId=\(group)")["member_list"]
                #expect(members.items.contains { $0["member_id"].integer == dave.id } == isIn)
            }
        }
    }
}
