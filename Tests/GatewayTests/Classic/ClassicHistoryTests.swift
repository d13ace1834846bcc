import TestSupport
import Testing

@testable import Gateway

/// The chain of a conversation, filtered by time and sender.
@Suite struct ClassicHistoryTests {
    private struct History {
        let reader: Person
        let group: Int64

        func ask(_ query: String = "") async throws -> Reply {
            try await reader.ask(
                "GET", "/conversation/pull_conversation_chain_history?conversationId=\(group)&&" + query)
        }

        func texts(_ query: String) async throws -> [String] {
            try await ask(query)["conversation_chain"].items.map { $0["message"].text }
        }
    }

    @Test func `an unfiltered history is the chain without readers and unread count`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let first = try await alice.send("one", to: group)
            try await others[0].send("two", to: group, replyTo: first)
            let history = History(reader: others[1], group: group)
            let reply = try await history.ask()
            let times = reply["conversation_chain"].items.map { $0["send_time"] }
            #expect(times.count == 2 && times.allSatisfy { $0.number != nil })
            func item(_ text: String, _ sender: Person, replyTo: Int64, replies: Int64, _ index: Int) -> JSONValue {
                [
                    "conversation_id": .integer(group), "conversation_name": "Quick_Meet", "message": .string(text),
                    "message_id": .integer(first + Int64(index)), "reply_count": .integer(replies),
                    "reply_id": .integer(replyTo), "send_time": times[index], "sender_id": .integer(sender.id),
                    "sender_name": .string(sender.name), "sender_picture": "", "seq": .integer(Int64(index) + 1),
                ]
            }
            let items = [
                item("one", alice, replyTo: -1, replies: 1, 0), item("two", others[0], replyTo: first, replies: 0, 1),
            ]
            #expect(
                reply.json.sorted == ["code": 0, "conversation_chain": .array(items), "info": "Succeed"])
            for query in ["startTime=&endTime=&memberNames=", "earliestTime=&latestTime=&memberName=&memberId="] {
                #expect(try await history.ask(query).json == reply.json)
            }
            let page = try await history.ask("limit=1")
            #expect(page["conversation_chain"] == .array([reply["conversation_chain"][1]]))
            #expect(page["has_more"] == true)
            #expect(try await history.texts("beforeMessageId=\(first + 1)") == ["one"])
        }
    }

    @Test func `a history is filtered by senders, by name or by id`() async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            let (bob, carol) = (others[0], others[1])
            for person in [alice, bob, carol] { try await person.send("by " + person.name, to: group) }
            let history = History(reader: alice, group: group)
            let lines: [(query: String, senders: [String])] = [
                ("memberNames=Alice", ["Alice"]), ("memberNames=Alice|Bob", ["Alice", "Bob"]),
                ("memberNames=Bob%7CAlice", ["Alice", "Bob"]), ("memberName=Carol", ["Carol"]),
                ("memberNames=Nobody", []), ("memberNames=Nobody|Bob", ["Bob"]), ("memberNames=alice", []),
                ("memberNames=|Bob|", ["Bob"]), ("memberNames=Bob|Bob", ["Bob"]),
                ("memberId=\(bob.id)", ["Bob"]), ("memberId=4096", []), ("memberId=-1", []),
                ("memberId=\(bob.id)&memberNames=Carol", ["Bob", "Carol"]),
                ("memberNames=&memberId=\(carol.id)", ["Carol"]),
            ]
            for line in lines {
                #expect(try await history.texts(line.query) == line.senders.map { "by " + $0 }, "\(line.query)")
            }
            #expect(
                try await history.ask("memberId=x").outcome == "400 -2 Missing or error type of [memberId]")
            let many = (0..<51).map { "User\($0)" }.joined(separator: "|")
            for name in ["memberNames", "memberName"] {
                #expect(
                    try await history.ask("\(name)=\(many)").outcome == "400 -2 Missing or error type of [\(name)]")
            }
            // Who has left is still found.
            #expect(try await bob.quit(group) == "200 0 Succeed")
            #expect(try await history.texts("memberNames=Bob") == ["by Bob"])
        }
    }

    @Test(arguments: [("startTime", "endTime"), ("earliestTime", "latestTime")])
    func `a history is filtered by time, both ends included`(_ start: String, _ end: String) async throws {
        try await withGateway { site in
            let (alice, others, group) = try await site.group("Alice", "Bob", "Carol")
            for text in ["one", "two"] { try await alice.send(text, to: group) }
            let history = History(reader: others[0], group: group)
            let times = try await history.ask()["conversation_chain"].items.map { $0["send_time"] }
            let (first, last) = (try #require(times[0].number), try #require(times[1].number))
            let all = ["one", "two"]
            #expect(try await history.texts("\(start)=\(first)&\(end)=\(last)") == all)
            #expect(try await history.texts("\(start)=\(first)&\(end)=") == all)
            #expect(try await history.texts("\(end)=\(last)") == all)
            #expect(try await history.texts("\(start)=0&\(end)=9999999999.5") == all)
            #expect(try await history.texts("\(start)=\(Int(last) + 1)") == [])
            #expect(try await history.texts("\(end)=\(Int(first) - 1)") == [])
            #expect(try await history.texts("\(start)=\(first)&\(end)=\(last)&memberNames=Bob") == [])
            #expect(try await history.texts("\(start)=\(first)&\(end)=\(first)").first == "one")
            for (name, other) in [(start, end), (end, start)] {
                for value in ["x", "nan", "inf", "1e300", "1,5"] {
                    let reply = try await history.ask("\(name)=\(value)&\(other)=1")
                    #expect(reply.outcome == "400 -2 Missing or error type of [\(name)]", "\(value)")
                }
            }
        }
    }

    @Test func `reversed times are refused before an outsider is`() async throws {
        try await withGateway { site in
            let (alice, _, group) = try await site.group("Alice", "Bob", "Carol")
            let outsider = try await site.person("Outsider")
            let reversed = "400 2 end time shouldn't be earlier than start time"
            for person in [alice, outsider] {
                let history = History(reader: person, group: group)
                #expect(try await history.ask("startTime=2&endTime=1.999").outcome == reversed)
                #expect(try await history.ask("earliestTime=2&latestTime=1").outcome == reversed)
            }
            #expect(try await History(reader: alice, group: group).texts("startTime=1&endTime=1") == [])
            for id in [group, 1, 4_096, 0, -1, .max] {
                let reply = try await History(reader: outsider, group: id).ask("memberNames=Alice")
                #expect(reply.outcome == "401 6 You're not in this conversation")
            }
        }
    }
}
