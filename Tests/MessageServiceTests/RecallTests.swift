import Foundation
import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import MessageService

@Suite struct RecallTests {
    @Test func `a recalled message leaves every list and count of everyone`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let first = try await service.send("first", from: 20, to: 1).message
            let gone = try await service.send("gone", from: 20, to: 1, replyTo: first).message
            let answer = try await service.send("answer", from: 30, to: 1, replyTo: gone).message
            let last = try await service.send("last", from: 20, to: 1).message

            try await service.recall(gone, by: 20)
            try await service.recall(last, by: 20)

            let history = try await service.history(of: 1, for: 10)
            #expect(history.messages.map(\.message.text) == ["first", "answer"])
            #expect(history.messages.map(\.replyCount) == [0, 0])
            #expect(history.messages[1].message.replyTo == gone)
            #expect(history.unreadCount == 2)
            #expect(
                try await service.history(of: 1, for: 10, before: last, limit: 1).messages.map(\.message.id) == [answer]
            )
            let entry = try #require(try await service.conversations(of: 10, includesLast: true).first)
            #expect(entry.unreadCount == 2)
            #expect(entry.last?.id == answer)
            for missed in [.after(MessageID(0)), .unnoticed] as [MessageAPI.Missed] {
                let attached = try await service.attach(10, missed)
                #expect(attached.missed.map(\.text) == ["first", "answer"])
                #expect(attached.last == last)
            }
            #expect(try await service.pull(10).messages.map(\.message.text) == ["first", "answer"])
            #expect(try await service.details(of: first, for: 10).replyCount == 0)
            for message in [gone, last] {
                #expect(
                    await service.code(of: MessageAPI.MessageDetails(account: AccountID(20), message: message))
                        == .invalidMessage)
                #expect(
                    await service.code(ofSendFrom: 10, to: .group(1), replyTo: message) == .invalidReply)
            }
        }
    }

    @Test func `its id and sequence stay, reads go on over it, and it is published once`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let gone = try await service.send("gone", from: 20, to: 1)
            let events = try await service.bus.follow(.message)
            let before = WallClock.milliseconds

            try await service.recall(gone.message, by: 20)

            let event = try await events.next(MessageAPI.MessageRecalled.self)
            #expect(event.conversation == ConversationID(1))
            #expect(event.message == gone.message)
            #expect(event.operator == AccountID(20))
            #expect((max(before, gone.sentAt)...WallClock.milliseconds + 1_000).contains(event.recalledAt))
            let next = try await service.send("next", from: 20, to: 1)
            #expect(next.message > gone.message)
            #expect(next.sequence == 2)
            try await service.markRead(1, by: 10, upTo: gone.message)
            #expect(try await service.history(of: 1, for: 10).readIndexes[0].message == gone.message)
            let position = try await service.attach(10).position
            let again = MessageAPI.Recall(account: AccountID(20), message: gone.message, isModerator: false)
            #expect(await service.code(of: again) == .alreadyRecalled)
            #expect(try await service.attach(10).position == position)
        }
    }

    @Test func `the client id of a recalled message answers as before and stores nothing, also after a restart`()
        async throws
    {
        let bus = try TestBus()
        var first: MessageAPI.Send.Reply?
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            first = try await service.send("once", from: 10, to: .friend(20), clientID: "k")
            try await service.recall(try #require(first).message, by: 10)
            #expect(try await service.send("once", from: 10, to: .friend(20), clientID: "k") == first)
        }
        try await withMessageService(inFolderOf: bus) { service in
            #expect(try await service.send("once", from: 10, to: .friend(20), clientID: "k") == first)
            #expect(try await service.history(of: 1, for: 10).messages.isEmpty)
            let again = MessageAPI.Recall(
                account: AccountID(10), message: try #require(first).message, isModerator: false)
            #expect(await service.code(of: again) == .alreadyRecalled)
        }
    }

    @Test func `refusals come in the order of the contract`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            try await store.openGroup(2, [10, 20, 30])
            try await store.openGroup(3, [10, 20, 30])
            let sent = try await store.send("private", from: 20, to: 1)
            let inGroup = try await store.send("group", from: 20, to: 2).message
            let closed = try await store.send("closed", from: 20, to: 3).message
            _ = try await store.database.write {
                try store.close(MessageAPI.CloseConversation(conversation: ConversationID(3)), $0)
            }
            let late = sent.sentAt + 1_000_000

            func code(
                _ message: MessageID, _ account: Int64, isModerator: Bool = false, at now: Int64
            ) async -> ServiceError.Code? {
                await refusal { () throws(ServiceError) in
                    try await store.recall(message, by: account, isModerator: isModerator, at: now)
                }?.code
            }
            for unknown in [MessageID(99), MessageID(0), MessageID(-1), closed] {
                #expect(await code(unknown, 20, isModerator: true, at: sent.sentAt) == .invalidMessage)
            }
            #expect(await code(sent.message, 30, isModerator: true, at: sent.sentAt) == .invalidMessage)
            #expect(await code(inGroup, 40, isModerator: true, at: sent.sentAt) == .invalidMessage)
            // A moderator is one in groups only.
            #expect(await code(sent.message, 10, isModerator: true, at: late) == .notAllowed)
            #expect(await code(inGroup, 10, at: late) == .notAllowed)
            #expect(await code(inGroup, 20, at: late) == .tooLate)
            #expect(await code(sent.message, 20, isModerator: true, at: late) == .tooLate)
            #expect(await code(inGroup, 10, isModerator: true, at: late) == nil)
            // What is gone is gone for everyone in it, allowed or not, late or not.
            for account in [10, 20, 30] as [Int64] {
                #expect(await code(inGroup, account, at: late) == .alreadyRecalled)
            }
            #expect(await code(inGroup, 40, at: late) == .invalidMessage)
        }
    }

    @Test func `who has left cannot take anything back`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let mine = try await service.send("mine", from: 10, to: 1).message
            try await service.change(1, left: [10])

            let recall = MessageAPI.Recall(account: AccountID(10), message: mine, isModerator: true)
            #expect(await service.code(of: recall) == .invalidMessage)
            #expect(try await service.history(of: 1, for: 20).messages.count == 1)
        }
    }

    @Test func `the window is the configured one, and a recall that nobody waits for does nothing`() async throws {
        var configuration = MessageConfiguration.unlimited
        configuration.recallWindow = 0
        try await withMessageService(configuration: configuration) { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            let id = try await service.send("a", from: 10, to: 1).message

            let mine = MessageAPI.Recall(account: AccountID(10), message: id, isModerator: false)
            #expect(await service.code(of: mine) == .tooLate)
            try await service.recall(id, by: 20, isModerator: true)
            #expect(try await service.history(of: 1, for: 10).messages.isEmpty)
        }
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            let id = try await store.send("a", from: 10, to: 1).message
            let recall = MessageAPI.Recall(account: AccountID(10), message: id, isModerator: false)
            await #expect(throws: ServiceError(.unavailable)) {
                try await store.recall(
                    recall, rules: RecallRules(window: 120_000), now: WallClock.milliseconds, deadline: .now)
            }
            #expect(try await store.conversations(of: AccountID(10), includesLast: true).first?.last?.id == id)
        }
    }

    @Test func `a clock that was set back neither reopens the window nor closes it`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            let old = try await store.send("old", from: 10, to: 1)
            let day: Int64 = 86_400_000
            try await store.execute("UPDATE message SET sentAt = sentAt - 600000")
            let fresh = try await store.send("fresh", from: 10, to: 1)

            await #expect(throws: ServiceError(.tooLate)) {
                try await store.recall(old.message, by: 10, at: old.sentAt - 600_000)
            }
            await #expect(throws: ServiceError(.tooLate)) {
                try await store.recall(old.message, by: 10, at: old.sentAt - day)
            }
            try await store.recall(fresh.message, by: 10, at: fresh.sentAt - day)
        }
    }

    @Test func `a clock that was set forward and back is a day ahead for messages and recalls alike`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            let early = try await store.send("early", from: 10, to: 1)
            let day: Int64 = 86_400_000

            for time in [early.sentAt + day, early.sentAt] {
                await #expect(throws: ServiceError(.tooLate)) {
                    try await store.recall(early.message, by: 10, at: time)
                }
            }
            let late = try await store.send("late", from: 10, to: 1)
            #expect(late.sentAt >= early.sentAt + day)
            try await store.recall(late.message, by: 10, at: early.sentAt)
        }
    }

    @Test func `a clock that was set back during a restart changes neither send times nor the window`() async throws {
        try await withMessageStore { store in
            try await store.openConversation(1, [10, 20])
            let old = try await store.send("old", from: 10, to: 1).message
            let newest = try await store.send("newest", from: 10, to: 1).message
            let ahead = WallClock.milliseconds + 86_400_000
            try await store.execute("UPDATE message SET sentAt = \(ahead - 600_000) WHERE id = \(old)")
            try await store.execute("UPDATE message SET sentAt = \(ahead) WHERE id = \(newest)")
            store.timelines.forgetAll()

            await #expect(throws: ServiceError(.tooLate)) { try await store.recall(old, by: 10) }
            try await store.recall(newest, by: 10)
            #expect((ahead..<ahead + 60_000).contains(try await store.send("next", from: 10, to: 1).sentAt))
        }
    }

    // MARK: - Traces

    @Test func `the event log tells of the recall and keeps no text`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20], greeting: "")
            let gone = try await service.send("secret words", from: 10, to: 1).message
            try await service.recall(gone, by: 10)

            let log = try await service.gateway.call(EventLogAPI.Read(after: 0, limit: 100), .test()).batch.events
            #expect(log.map(\.kind) == [MessageAPI.ConversationChanged.kind, "", MessageAPI.MessageRecalled.kind])
            #expect(log[1].payload.bytes.isEmpty)
            #expect(!log.contains { String(decoding: $0.payload.bytes, as: UTF8.self).contains("secret") })
        }
    }

    @Test func `nothing of an erased text is left in the files once they are closed`() async throws {
        let bus = try TestBus()
        func text(_ word: String, _ count: Int) -> String { String(repeating: word, count: count) }
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            // One that shares its page, one that fills several of its own.
            let short = try await service.send(text("short secret ", 5), from: 10, to: 1).message
            try await service.send(text("kept ", 5), from: 10, to: 1)
            let long = try await service.send(text("long secret ", 800), from: 10, to: 1).message
            for index in 1...50 { try await service.send("filling \(index)", from: 20, to: 1) }

            try await service.recall(short, by: 10)
            try await service.recall(long, by: 10)
        }

        let folder = URL(fileURLWithPath: bus.configuration.dataPath)
        let content = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasPrefix("message-svc.db")
        }.reduce(into: Data()) { $0 += try Data(contentsOf: folder.appendingPathComponent($1)) }
        #expect(content.range(of: Data("kept kept".utf8)) != nil)
        #expect(content.range(of: Data("secret".utf8)) == nil)
    }

    @Test func `SQLite overwrites what is erased, whatever it was built to do`() async throws {
        try await withMessageStore { store in
            let setting = try await store.database.write { transaction in
                try Int.fetchOne(transaction.db, sql: "PRAGMA secure_delete")
            }
            #expect(setting == 1)
        }
    }

    // MARK: - At once

    @Test func `a recall beside reads, marks and replies leaves each of them whole`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20, 30], kind: .group)
            for _ in 1...15 {
                let target = try await service.send("target", from: 10, to: 1).message
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...4 {
                        group.addTask {
                            let code = await service.code(ofSendFrom: 20, to: .group(1), replyTo: target)
                            #expect(code == nil || code == .invalidReply)
                        }
                        group.addTask {
                            let messages = try await service.history(of: 1, for: 30).messages.map(\.message)
                            #expect(messages.filter { $0.id == target }.allSatisfy { $0.text == "target" })
                            #expect(messages.allSatisfy { !$0.text.isEmpty })
                        }
                        group.addTask { try await service.markRead(1, by: 30, upTo: target) }
                    }
                    group.addTask { try await service.recall(target, by: 10) }
                    try await group.waitForAll()
                }
                #expect(await service.code(ofSendFrom: 20, to: .group(1), replyTo: target) == .invalidReply)
                #expect(try await service.history(of: 1, for: 30).messages.allSatisfy { $0.message.id != target })
            }
        }
    }

    @Test func `of many recalls at once exactly one takes the message back`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let id = try await service.send("a", from: 10, to: 1).message
            let position = try await service.attach(10).position

            let codes = await withTaskGroup(of: ServiceError.Code?.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        await service.code(
                            of: MessageAPI.Recall(account: AccountID(10), message: id, isModerator: false))
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(codes.count { $0 == nil } == 1)
            #expect(codes.count { $0 == .alreadyRecalled } == 7)
            #expect(try await service.attach(10).position == position + 1)
        }
    }
}
