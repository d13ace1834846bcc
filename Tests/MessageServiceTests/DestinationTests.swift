import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct DestinationTests {
    @Test func `a message to a friend goes to the private conversation of the two, whoever opened it`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 30])
            try await service.openConversation(3, [10, 20, 30], kind: .group)

            let there = try await service.send("a", from: 10, to: .friend(20))
            let back = try await service.send("b", from: 20, to: .friend(10))
            let plain = try await service.send("c", from: 10, to: .conversation(1))
            let other = try await service.send("d", from: 10, to: .friend(30))

            #expect([there, back, plain].map(\.conversation) == Array(repeating: ConversationID(1), count: 3))
            #expect([there, back, plain].map(\.sequence) == [1, 2, 3])
            #expect(other.conversation == ConversationID(2))
            #expect(try await service.history(of: 1, for: 20).messages.map(\.message.text) == ["a", "b", "c"])
        }
    }

    @Test func `a group takes its members' messages only, and is a conversation of its kind`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20, 30], kind: .group)

            #expect(try await service.send("a", from: 10, to: .group(2)).conversation == ConversationID(2))
            for (sender, group) in [(10, 1), (40, 2), (10, 9), (10, -1)] as [(Int64, Int64)] {
                #expect(await service.code(ofSendFrom: sender, to: .group(group)) == .notGroupMember)
            }
            try await service.change(2, left: [30])
            #expect(await service.code(ofSendFrom: 30, to: .group(2)) == .notGroupMember)
        }
    }

    @Test func `who has no private conversation with somebody is not his friend`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 30, 40], kind: .group)
            try await service.openConversation(3, [20, 30], kind: .group)
            try await service.openConversation(4, [50])

            for (sender, friend) in [(10, 30), (20, 30), (30, 20), (10, 10), (50, 50), (10, 99), (10, -1)]
                as [(Int64, Int64)]
            {
                #expect(await service.code(ofSendFrom: sender, to: .friend(friend)) == .notFriends)
            }
        }
    }

    @Test func `a new friendship is a new conversation, also after a restart`() async throws {
        let bus = try TestBus()
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            try await service.send("a", from: 10, to: .friend(20))
            try await service.close(1)
            #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)

            try await service.openConversation(2, [20, 10])
            #expect(try await service.send("b", from: 10, to: .friend(20)).conversation == ConversationID(2))
        }
        try await withMessageService(inFolderOf: bus) { service in
            let reply = try await service.send("c", from: 20, to: .friend(10))
            #expect(reply.conversation == ConversationID(2))
            #expect(reply.sequence == 2)
        }
    }

    @Test func `of two that are open the newer one counts, whatever memory held`() async throws {
        try await withMessageService { service in
            try await service.openConversation(5, [10, 20])
            try await service.send("a", from: 10, to: .friend(20))
            try await service.openConversation(6, [10, 20])
            #expect(try await service.send("b", from: 10, to: .friend(20)).conversation == ConversationID(6))
            // The older one in memory again, by its own name.
            try await service.send("c", from: 10, to: 5)
            #expect(try await service.send("d", from: 10, to: .friend(20)).conversation == ConversationID(6))
            try await service.openConversation(4, [10, 20])
            #expect(try await service.send("e", from: 10, to: .friend(20)).conversation == ConversationID(6))

            try await service.close(6)
            #expect(try await service.send("f", from: 10, to: .friend(20)).conversation == ConversationID(5))
        }
    }

    @Test func `a private conversation that one of the two has left makes no friends`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.send("a", from: 10, to: .friend(20))

            try await service.change(1, joined: [30], left: [20])
            for (sender, friend) in [(10, 20), (20, 10), (10, 30), (30, 10)] as [(Int64, Int64)] {
                #expect(await service.code(ofSendFrom: sender, to: .friend(friend)) == .notFriends)
            }
            try await service.change(1, joined: [20])
            try await service.send("b", from: 20, to: .friend(10))
            try await service.close(1)
            #expect(await service.code(ofSendFrom: 20, to: .friend(10)) == .notFriends)
        }
    }

    @Test func `a client id belongs to the conversation, by whatever name a message was sent there`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            let first = try await service.send("once", from: 10, to: .friend(20), clientID: "k")

            #expect(try await service.send("once", from: 10, to: .conversation(1), clientID: "k") == first)
            #expect(try await service.send("once", from: 10, to: .friend(20), clientID: "k") == first)
            #expect(
                await service.code(ofSendFrom: 10, to: .conversation(1), "other", clientID: "k")
                    == .conflictingClientID)
            #expect(try await service.history(of: 1, for: 10).messages.count == 1)
        }
    }

    @Test(arguments: [MessageAPI.Destination.friend(20), .conversation(1), .group(2)])
    func `who comes before to what, that before the text, and the client id last`(
        destination: MessageAPI.Destination
    ) async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20], kind: .group)
            try await service.send("first", from: 10, to: destination, clientID: "k")
            let nowhere = MessageID(99)

            let stranger = await service.code(
                ofSendFrom: 30, to: destination, "", replyTo: nowhere, clientID: "k")
            #expect([.notFriends, .notParticipant, .notGroupMember].contains(stranger))
            func code(_ text: String, _ replyTo: MessageID?) async -> ServiceError.Code? {
                await service.code(ofSendFrom: 10, to: destination, text, replyTo: replyTo, clientID: "k")
            }
            #expect(await code("", nowhere) == .invalidReply)
            #expect(await code("", nil) == .invalidText)
            #expect(await code("second", nil) == .conflictingClientID)
            #expect(await code("first", nil) == nil)
        }
    }

    // MARK: - Memory

    @Test func `a send reads nothing that memory holds, and a friend is looked up once`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            try await store.openGroup(2, [10, 20, 30])
            let statements = Recorder()
            _ = try await store.database.write { transaction in
                transaction.db.trace { event in statements.add("\(event)") }
            }

            try await store.send("first", from: 10, to: .friend(20))
            let reads = statements.lines.filter { $0.hasPrefix("SELECT") }
            #expect(reads.count { $0.contains("FROM conversation WHERE smallerID = ?") } == 1)
            for index in 1...5 {
                try await store.send("\(index)", from: 20, to: .friend(10))
                try await store.send("\(index)", from: 10, to: .conversation(1))
                try await store.send("\(index)", from: 30, to: .group(2))
            }

            #expect(statements.lines.filter { $0.hasPrefix("SELECT") } == reads)
            #expect(statements.lines.count { $0.hasPrefix("INSERT INTO message ") } == 16)
            #expect(statements.lines.count { $0.hasPrefix("INSERT INTO event ") } == 16)
        }
    }

    @Test func `the conversation of a pair is found by its index`() async throws {
        try await withMessageStore { store in
            let plan = try await store.database.read { db in
                try Row.fetchAll(
                    db, sql: "EXPLAIN QUERY PLAN \(MessageStore.conversationOfPair)", arguments: [1, 2]
                ).map { $0["detail"] as String }
            }

            #expect(
                plan == ["SEARCH conversation USING INDEX conversationByPair (smallerID=? AND greaterID=?)"])
        }
    }

    @Test func `pairs do not outgrow the memory of the writer`() async throws {
        try await withMessageStore(maxCachedParticipants: 6) { store in
            for id in 1...5 { try await store.openConversation(Int64(id), [10, Int64(10 + id)]) }
            for round in 1...3 {
                for id in 1...5 {
                    let reply = try await store.send("a", from: 10, to: .friend(Int64(10 + id)))
                    #expect(reply.conversation == ConversationID(Int64(id)))
                    #expect(reply.sequence == Int64(round))
                    store.timelines.withState { state in
                        #expect(state.cachedParticipants <= 6)
                        #expect(state.byPair.count <= state.byConversation.count)
                        #expect(state.byPair.values.allSatisfy { state.byConversation[$0] != nil })
                    }
                }
            }
        }
    }

    @Test func `what was rolled back is not remembered of a pair`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            try await store.send("a", from: 10, to: .friend(20))
            let opening = MessageAPI.OpenConversation(
                conversation: ConversationID(2), conversationKind: .private,
                participants: [AccountID(10), AccountID(30)], greeting: "", greeter: AccountID(10))
            let early = MessageAPI.Send(
                sender: AccountID(10), to: .friend(30), text: "x", replyTo: nil, clientID: nil)
            let silence = MessageAPI.ChangeSilence(
                conversation: ConversationID(1), account: AccountID(10), isSilenced: true)

            await #expect(throws: ServiceError(.internal)) {
                try await store.database.write { transaction in
                    #expect(try store.close(MessageAPI.CloseConversation(conversation: ConversationID(1)), transaction))
                    #expect(try store.open(opening, transaction))
                    #expect(try store.append(early, transaction) {}.conversation == ConversationID(2))
                    throw ServiceError(.internal)
                }
            }
            await #expect(throws: ServiceError(.internal)) {
                try await store.database.write { transaction in
                    #expect(try store.changeSilence(silence, transaction))
                    throw ServiceError(.internal)
                }
            }

            await #expect(throws: ServiceError(.notFriends)) { try await store.send("x", from: 10, to: .friend(30)) }
            #expect(try await store.send("b", from: 10, to: .friend(20)).sequence == 2)
        }
    }

    // MARK: - At once

    @Test func `a send to a friend is stored before the friendship ends or refused, never lost between`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let replies = try await withThrowingTaskGroup(of: MessageAPI.Send.Reply?.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        do throws(ServiceError) {
                            return try await service.send("\(index)", from: 10, to: .friend(20))
                        } catch {
                            #expect(error.code == .notFriends)
                            return nil
                        }
                    }
                }
                try await service.close(1)
                #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)
                try await service.openConversation(2, [10, 20])
                #expect(try await service.send("again", from: 20, to: .friend(10)).conversation == ConversationID(2))
                return try await group.reduce(into: []) { $0.append($1) }
            }

            let first = replies.compactMap { $0 }.filter { $0.conversation == ConversationID(1) }
            #expect(first.map(\.sequence).sorted() == (0..<first.count).map { Int64($0 + 1) })
            let second = replies.compactMap { $0 }.filter { $0.conversation == ConversationID(2) }
            let history = try await service.history(of: 2, for: 20).messages.map(\.message)
            #expect(history.map(\.sequence) == (0...second.count).map { Int64($0 + 1) })
            #expect(Set(history.map(\.id)).isSuperset(of: second.map(\.message)))
        }
    }
}
