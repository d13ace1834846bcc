import Shared
import TestSupport
import Testing

@testable import Gateway

/// Joining the stream of messages without a hole or a repetition.
@Suite(.timeLimit(.minutes(5))) struct PushResumeTests {
    @Test func `since gives what was missed, then goes live`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            for number in 2...5 { try await alice.send("\(number)", to: conversation) }
            for (since, missed) in [(0, 1...5), (1, 2...5), (4, 5...5)] as [(Int64, ClosedRange<Int64>)] {
                let socket = try await bob.listen("?since=\(since)")
                #expect(try await socket.nextMessageIDs(missed.count) == Array(missed))
            }
            let sockets = [
                try await bob.listen("?since=3"), try await bob.listen("?since=5"), try await bob.listen("?since=99"),
                try await bob.listen("?since=9223372036854775807"), try await bob.listen("?since=-1"),
                try await bob.listen(),
            ]
            try await alice.send("6", to: conversation)
            for (socket, ids) in zip(sockets, [[4, 5, 6], [6], [6], [6], Array(1...6), [6]] as [[Int64]]) {
                #expect(try await socket.nextMessageIDs(ids.count) == ids)
            }
        }
    }

    @Test func `since shows the account's conversations and no others`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let carol = try await site.person("Carol")
            let other = try await site.befriend(bob, carol)
            for round in 0..<10 { try await bob.send("\(round)", to: round % 2 == 0 ? conversation : other) }

            let (forAlice, forBob) = (try await alice.listen("?since=0"), try await bob.listen("?since=0"))
            var texts: [JSONValue] = []
            #expect(try await forAlice.nextPush()["type"] == "friend_application_agreed")
            for _ in 0..<6 { texts.append(try await forAlice.nextPush()["message"]["message"]) }
            #expect(texts.dropFirst() == ["0", "2", "4", "6", "8"])
            #expect(try await forBob.nextMessageIDs(12) == Array(1...12))
        }
    }

    @Test func `a socket hears everything that is sent after its handshake`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let noise = Task {
                while !Task.isCancelled { try await alice.again.sendAll((0..<32).map { "\($0)" }, to: conversation) }
            }
            for round in 0..<60 {
                let socket = try await bob.listen()
                let id = try await bob.send("round \(round)", to: conversation)
                var heard: [Int64] = []
                while heard.last.map({ $0 < id }) ?? true { heard += try await socket.nextMessageIDs(1) }
                #expect(heard.last == id)
                #expect(zip(heard, heard.dropFirst()).allSatisfy { $0 + 1 == $1 })
                socket.cut()
            }
            noise.cancel()
            _ = await noise.result
        }
    }

    @Test func `sockets that open with since while messages flow miss none and double none`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let total: Int64 = 1_500
            try await withThrowingTaskGroup(of: Void.self) { group in
                for person in [alice, bob] {
                    group.addTask {
                        let texts = (0..<Int(total) / 2).map { "\($0)" }
                        try await person.sendAll(texts, to: conversation, connections: 8)
                    }
                }
                for reader in 0..<6 {
                    group.addTask {
                        // Reads a while, is cut, and resumes after the last message it has.
                        var last: Int64 = 0
                        while last < total + 1 {
                            let socket = try await (reader % 2 == 0 ? alice : bob).listen("?since=\(last)")
                            for _ in 0..<Int.random(in: 1...250) where last < total + 1 {
                                let id = try #require(try await socket.nextMessageIDs(1).first)
                                #expect(id == last + 1)
                                last = id
                            }
                            socket.cut()
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `thousands of missed messages reach a slow reader whole`() async throws {
        try await withGateway {
            $0.gateway.server.webSocket.maxQueuedBytes = 64 << 10
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            let text = String(repeating: "x", count: 2_000)
            try await alice.sendAll([String](repeating: text, count: 3_000), to: conversation)

            let slow = try await bob.listen("?since=1", receiveBufferBytes: 65_536)
            // Live messages come in while the old ones are being read.
            let live = Task { for _ in 0..<20 { try await alice.again.send("live", to: conversation) } }
            #expect(try await slow.nextMessageIDs(3_020) == Array(2...3_021))
            try await live.value
        }
    }

    @Test func `a restart of message-svc under an open socket loses nothing`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            let socket = try await bob.listen("?since=1")
            var last: Int64 = 1
            for round in 0..<3 {
                last = try await alice.send("before \(round)", to: conversation)
                await site.stop(.message)
                try await site.start(.message)
                try await site.untilReady()
                last = try await alice.send("after \(round)", to: conversation)
            }
            #expect(try await socket.nextMessageIDs(Int(last) - 1) == Array(2...last))
        }
    }

    @Test func `a socket opened while message-svc is away goes live when it is back`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            let early = try await bob.listen("?since=1")
            try await alice.send("missed", to: conversation)
            // The gateway has heard of it: nobody is pushed it who does not ask.
            #expect(try await early.nextMessageIDs(1) == [2])
            await site.stop(.message)
            let sockets = [try await bob.listen("?since=1"), try await bob.listen()]
            try await site.start(.message)
            try await site.untilReady()
            try await alice.send("live", to: conversation)
            #expect(try await sockets[0].nextMessageIDs(2) == [2, 3])
            #expect(try await sockets[1].nextMessageIDs(1) == [3])
        }
    }
}
