import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct ParticipantTests {
    @Test func `who joins finds the history, neither unread nor handed out`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            try await service.send("before", from: 20, to: 1)
            let events = try await service.bus.follow(.message)

            try await service.change(1, joined: [40])

            #expect(
                try await events.next(MessageAPI.ConversationChanged.self)
                    == MessageAPI.ConversationChanged(
                        conversation: ConversationID(1), joined: [AccountID(40)], left: [], reason: nil))
            #expect(try await service.history(of: 1, for: 40).messages.map(\.message.text) == ["before"])
            #expect(try await service.conversations(of: 40).map(\.unreadCount) == [0])
            #expect(try await service.pull(40).messages.isEmpty)
            #expect(try await service.attach(40, .after(MessageID(0))).missed.isEmpty)
            try await service.send("mine", from: 40, to: 1)
            try await service.send("after", from: 20, to: 1)
            #expect(try await service.conversations(of: 40).map(\.unreadCount) == [1])
            #expect(try await service.pull(40).messages.map(\.message.text) == ["mine", "after"])
        }
    }

    @Test func `messages of other conversations do not become history by joining one`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20], greeting: "")
            try await service.openConversation(2, [20, 30, 40], kind: .group)
            try await service.send("waits", from: 20, to: 1)
            try await service.send("history", from: 20, to: 2)

            try await service.change(2, joined: [10])

            #expect(try await service.pull(10).messages.map(\.message.text) == ["waits"])
        }
    }

    @Test func `who has left is refused everywhere at once`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            try await service.send("a", from: 30, to: 1)
            let events = try await service.bus.follow(.message)

            try await service.change(1, left: [30])

            #expect(try await events.next(MessageAPI.ConversationChanged.self).left == [AccountID(30)])
            #expect(
                await refusal { () throws(ServiceError) in try await service.send("b", from: 30, to: 1) }?.code
                    == .notParticipant)
            #expect(
                await refusal { () throws(ServiceError) in try await service.history(of: 1, for: 30) }?.code
                    == .notParticipant)
            #expect(try await service.conversations(of: 30).isEmpty)
            #expect(try await service.attach(30).conversations.isEmpty)
            #expect(try await service.pull(30).messages.isEmpty)
            try await service.send("b", from: 10, to: 1)
            #expect(
                try await service.history(of: 1, for: 10).readIndexes.map(\.account) == [AccountID(10), AccountID(20)])
        }
    }

    @Test func `joining again is joining afresh`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let first = try await service.send("a", from: 10, to: 1).message
            try await service.markRead(1, by: 30, upTo: first)
            try await service.change(1, left: [30])
            try await service.send("missed", from: 10, to: 1)

            try await service.change(1, joined: [30])

            #expect(try await service.pull(30).messages.isEmpty)
            #expect(try await service.conversations(of: 30).map(\.unreadCount) == [0])
            #expect(try await service.history(of: 1, for: 30).readIndexes.map(\.message.rawValue) == [0, 0, 0])
            #expect(try await service.history(of: 1, for: 30).messages.count == 2)
            try await service.send("new", from: 10, to: 1)
            #expect(try await service.pull(30).messages.map(\.message.text) == ["new"])
        }
    }

    @Test func `a closed conversation leaves every list and refuses everything`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20])
            try await service.send("a", from: 20, to: 1)
            let events = try await service.bus.follow(.message)

            try await service.close(1)

            let change = try await events.next(MessageAPI.ConversationChanged.self)
            #expect(change.left == [AccountID(10), AccountID(20)])
            #expect(change.joined.isEmpty)
            #expect(
                await refusal { () throws(ServiceError) in try await service.send("b", from: 10, to: 1) }?.code
                    == .notParticipant)
            #expect(
                await refusal { () throws(ServiceError) in try await service.history(of: 1, for: 10) }?.code
                    == .notParticipant)
            #expect(try await service.conversations(of: 10).map(\.conversation) == [ConversationID(2)])
            #expect(try await service.attach(10).conversations == [ConversationID(2)])
            #expect(try await service.pull(10).messages.isEmpty)
            // Nobody comes back into it.
            try await service.change(1, joined: [10])
            #expect(try await service.conversations(of: 10).count == 1)
        }
    }

    @Test func `memberships are the same after a restart`() async throws {
        let bus = try TestBus()
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            try await service.openConversation(2, [10, 20])
            try await service.send("a", from: 20, to: 1)
            try await service.change(1, joined: [40], left: [30])
            try await service.close(2)
        }
        try await withMessageService(inFolderOf: bus) { service in
            try await service.send("b", from: 40, to: 1)
            for (sender, conversation) in [(30, 1), (10, 2)] as [(Int64, Int64)] {
                #expect(
                    await refusal { () throws(ServiceError) in
                        try await service.send("x", from: sender, to: conversation)
                    }?.code == .notParticipant)
            }
            #expect(try await service.pull(40).messages.map(\.message.text) == ["b"])
        }
    }

    // MARK: - Odd payloads

    @Test func `effects that have nothing to change succeed, publish nothing and hold up nobody`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            try await service.openConversation(2, [10, 20])
            try await service.close(2)
            let last = try await service.send("a", from: 10, to: 1).message
            try await service.markRead(1, by: 20, upTo: last)
            let announced = try await service.gateway.announced()

            try await service.change(1, joined: [10, 20])
            try await service.change(1, left: [99, 0, -1])
            try await service.change(1)
            try await service.change(1, joined: [20, 40], left: [40, 20])
            try await service.change(2, joined: [10], left: [20])
            try await service.change(7, joined: [10], left: [20])
            try await service.close(2)
            try await service.close(7)
            try await service.openConversation(1, [50, 60], greeting: "again")
            try await service.openConversation(2, [50, 60])

            #expect(try await service.gateway.announced() == announced)
            let history = try await service.history(of: 1, for: 20)
            #expect(history.readIndexes.map(\.account.rawValue) == [10, 20, 30])
            #expect(history.readIndexes[1].message == last)
            #expect(try await service.conversations(of: 50).isEmpty)
            try await service.change(1, joined: [40])
            try await service.send("b", from: 40, to: 1)
        }
    }

    @Test func `the event names those who joined and left, once, and nobody else`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let events = try await service.bus.follow(.message)

            try await service.change(1, joined: [50, 10, 40, 50], left: [30, 99, 30])

            #expect(
                try await events.next(MessageAPI.ConversationChanged.self)
                    == MessageAPI.ConversationChanged(
                        conversation: ConversationID(1), joined: [AccountID(50), AccountID(40)], left: [AccountID(30)],
                        reason: nil))
        }
    }

    @Test func `a conversation may lose its last participant`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.change(1, left: [10, 20])
            try await service.change(1, joined: [10])
            #expect(
                try await service.conversations(of: 10) == [
                    MessageAPI.Conversations.Entry(
                        conversation: ConversationID(1), kind: .private, peer: nil, unreadCount: 0, last: nil)
                ])
        }
    }

    // MARK: - Memory

    @Test func `a change that was rolled back is not remembered`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, [10, 20, 30])
            try await store.send("a", from: 10, to: 1)
            let change = MessageAPI.ChangeParticipants(
                conversation: ConversationID(1), joined: [AccountID(40)], left: [AccountID(10)])

            await #expect(throws: ServiceError(.internal)) {
                try await store.database.write { transaction in
                    #expect(try store.changeParticipants(change, transaction))
                    throw ServiceError(.internal)
                }
            }
            await #expect(throws: ServiceError(.internal)) {
                try await store.database.write { transaction in
                    #expect(try store.close(MessageAPI.CloseConversation(conversation: ConversationID(1)), transaction))
                    throw ServiceError(.internal)
                }
            }

            await #expect(throws: ServiceError(.notParticipant)) { try await store.send("x", from: 40, to: 1) }
            #expect(try await store.send("b", from: 10, to: 1).sequence == 2)
        }
    }

    @Test func `changes count in what the writer may remember`() throws {
        let timelines = Timelines(maxCachedParticipants: 10)
        timelines.withState { state in
            for id in 1...2 {
                let timeline = Timeline(kind: .group, participants: [AccountID(1), AccountID(2)], lastSequence: 7)
                timelines.keep(timeline, for: ConversationID(Int64(id)), in: &state)
            }
            timelines.change(
                ConversationID(1), joined: (3...6).map { AccountID($0) }, left: [AccountID(1)], in: &state)
            #expect(state.cachedParticipants == 7)
            #expect(state.byConversation[ConversationID(1)]?.lastSequence == 7)
            timelines.change(ConversationID(9), joined: [AccountID(1)], left: [], in: &state)
            #expect(state.byConversation.count == 2)
            timelines.forget(ConversationID(1), in: &state)
            #expect(state.cachedParticipants == 2)
            // More than there is room for: all the others go.
            timelines.change(ConversationID(2), joined: (3...20).map { AccountID($0) }, left: [], in: &state)
            timelines.keep(
                Timeline(kind: .group, participants: [AccountID(1)], lastSequence: 0), for: ConversationID(3),
                in: &state)
            #expect(state.byConversation.count == 1)
            #expect(state.cachedParticipants == 1)
        }
    }

    @Test func `a send among five thousand reads no participant row`() async throws {
        try await withMessageStore { store in
            try await store.openGroup(1, 1...5_000)
            let join = MessageAPI.ChangeParticipants(
                conversation: ConversationID(1), joined: [AccountID(5_001)], left: [AccountID(1)])
            let statements = Recorder()
            _ = try await store.database.write { (transaction) throws in
                #expect(try store.changeParticipants(join, transaction))
                transaction.db.trace { event in statements.add("\(event)") }
            }

            for index in 1...20 { try await store.send("\(index)", from: 5_001, to: 1) }
            await #expect(throws: ServiceError(.notParticipant)) { try await store.send("x", from: 1, to: 1) }

            let recorded = statements.lines
            #expect(recorded.count { $0.contains("INSERT INTO message ") } == 20)
            #expect(!recorded.contains { $0.contains("participant") })
        }
    }

    // MARK: - Large and at once

    @Test func `a group of five hundred is opened, read, changed and closed`() async throws {
        try await withMessageService { service in
            let members = [Int64](1...500)
            try await service.openConversation(1, members, kind: .group)
            let id = try await service.send("hello", from: 1, to: 1).message

            try await withThrowingTaskGroup(of: Void.self) { group in
                for member in members {
                    group.addTask { try await service.markRead(1, by: member, upTo: id) }
                }
                try await group.waitForAll()
            }
            #expect(try await service.readers(of: id, for: 7) == members)
            #expect(try await service.history(of: 1, for: 7).readIndexes.allSatisfy { $0.message == id })

            try await service.change(1, joined: Array(501...1_000), left: Array(1...250))
            #expect(try await service.readers(of: id, for: 400) == [1] + Array(251...500))
            #expect(try await service.conversations(of: 1_000).map(\.unreadCount) == [0])
            try await service.close(1)
            for member in [1, 400, 1_000] as [Int64] { #expect(try await service.conversations(of: member).isEmpty) }
        }
    }

    @Test func `a send after the removal is refused, those before it are whole, whatever runs beside`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let (accepted, refused) = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        do throws(ServiceError) {
                            try await service.send("\(index)", from: 30, to: 1)
                            return true
                        } catch {
                            #expect(error.code == .notParticipant)
                            return false
                        }
                    }
                }
                try await service.change(1, left: [30])
                #expect(
                    await refusal { () throws(ServiceError) in try await service.send("late", from: 30, to: 1) }?.code
                        == .notParticipant)
                return try await group.reduce(into: (0, 0)) { counts, isAccepted in
                    if isAccepted { counts.0 += 1 } else { counts.1 += 1 }
                }
            }

            #expect(accepted + refused == 100)
            let history = try await service.history(of: 1, for: 10).messages.map(\.message)
            #expect(history.map(\.sequence) == (0..<accepted).map { Int64($0 + 1) })
        }
    }

    @Test func `joins, leaves and sends at once keep sequences whole and memory true to the database`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20], kind: .group)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for member in 100..<120 as Range<Int64> {
                    group.addTask {
                        for index in 1...5 { try await service.send("\(index)", from: 10, to: 1) }
                        _ = await refusal { () throws(ServiceError) in
                            try await service.send("perhaps", from: member, to: 1)
                        }
                    }
                }
                // Effects of one sender come one after the other.
                for member in 100..<120 as Range<Int64> {
                    try await service.change(1, joined: [member])
                    if member % 2 == 0 { try await service.change(1, left: [member]) }
                }
                try await group.waitForAll()
            }

            for member in 100..<120 as Range<Int64> {
                let refusal = await refusal { () throws(ServiceError) in
                    try await service.send("now", from: member, to: 1)
                }
                #expect(refusal?.code == (member % 2 == 0 ? .notParticipant : nil))
            }
            let sequences = try await service.history(of: 1, for: 10).messages.map(\.message.sequence)
            #expect(sequences == Array(1...Int64(sequences.count)))
        }
    }
}
