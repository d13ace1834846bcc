import Shared
import TestSupport
import Testing

@testable import MessageService

@Suite struct SilenceTests {
    @Test func `who is silenced is refused like a stranger, the other one and other places are not`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 30])
            try await service.send("before", from: 10, to: .friend(20), clientID: "k")

            try await service.silence(10, in: 1)

            #expect(await service.code(ofSendFrom: 10, to: .conversation(1)) == .notParticipant)
            #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)
            #expect(
                await service.code(ofSendFrom: 10, to: .friend(20), "before", clientID: "k") == .notFriends)
            try await service.send("from the other", from: 20, to: .friend(10))
            try await service.send("elsewhere", from: 10, to: .friend(30))

            try await service.silence(10, in: 1, false)
            #expect(try await service.send("after", from: 10, to: .friend(20)).sequence == 3)
        }
    }

    @Test func `he reads, marks, hides, recalls and is told everything as before`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let mine = try await service.send("mine", from: 10, to: 1).message
            try await service.silence(10, in: 1)
            let events = try await service.bus.follow(.message)
            let theirs = try await service.send("theirs", from: 20, to: 1).message

            #expect(try await events.next(MessageAPI.MessageSent.self).message.id == theirs)
            #expect(try await service.history(of: 1, for: 10).messages.map(\.message.text) == ["mine", "theirs"])
            #expect(try await service.conversations(of: 10).map(\.unreadCount) == [1])
            #expect(try await service.attach(10, .unnoticed).missed.map(\.text) == ["mine", "theirs"])
            #expect(try await service.pull(10).messages.count == 2)
            try await service.markRead(1, by: 10, upTo: theirs)
            #expect(try await service.readers(of: theirs, for: 20) == [10, 20])
            try await service.hide(theirs, from: 10)
            try await service.recall(mine, by: 10)
            #expect(try await service.history(of: 1, for: 20).messages.map(\.message.text) == ["theirs"])
        }
    }

    @Test func `it is the same after a restart and when it is said again`() async throws {
        let bus = try TestBus()
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            for _ in 1...2 { try await service.silence(10, in: 1) }
            #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)
        }
        try await withMessageService(inFolderOf: bus) { service in
            #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)
            #expect(await service.code(ofSendFrom: 10, to: .conversation(1)) == .notParticipant)
            try await service.send("b", from: 20, to: .friend(10))
            try await service.silence(10, in: 1)
            #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)
            for _ in 1...2 { try await service.silence(10, in: 1, false) }
            try await service.send("c", from: 10, to: .friend(20))
        }
    }

    @Test func `in a group it is the group's refusal, and joining again is joining afresh`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            try await service.silence(10, in: 1)
            #expect(await service.code(ofSendFrom: 10, to: .group(1)) == .notGroupMember)

            try await service.change(1, joined: [40])
            #expect(await service.code(ofSendFrom: 10, to: .group(1)) == .notGroupMember)
            try await service.change(1, left: [10])
            try await service.change(1, joined: [10])
            try await service.send("a", from: 10, to: .group(1))
        }
    }

    @Test func `a silence that has nobody to silence changes nothing, is not published and holds up nobody`()
        async throws
    {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20])
            try await service.close(2)
            let announced = try await service.gateway.announced()

            for (account, conversation) in [(30, 1), (10, 2), (10, 9), (-1, -1)] as [(Int64, Int64)] {
                try await service.silence(account, in: conversation)
                try await service.silence(account, in: conversation, false)
            }
            try await service.silence(10, in: 1, false)

            #expect(try await service.gateway.announced() == announced)
            try await service.change(1, joined: [30])
            try await service.send("a", from: 30, to: 1)
            try await service.send("b", from: 10, to: .friend(20))
        }
    }

    @Test func `sends at once with a silence are whole before it and refused after it`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let accepted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        let code = await service.code(ofSendFrom: 10, to: .friend(20))
                        #expect(code == nil || code == .notFriends)
                        return code == nil
                    }
                }
                try await service.silence(10, in: 1)
                #expect(await service.code(ofSendFrom: 10, to: .friend(20)) == .notFriends)
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }

            let sequences = try await service.history(of: 1, for: 20).messages.map(\.message.sequence)
            #expect(sequences == (0..<accepted).map { Int64($0 + 1) })
        }
    }
}
