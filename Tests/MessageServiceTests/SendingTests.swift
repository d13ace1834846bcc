import MessageService
import Shared
import TestSupport
import Testing

@Suite struct SendingTests {
    @Test func `messages get contiguous sequences and ascending ids`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 30])

            var ids: [MessageID] = []
            for index in 1...5 {
                let first = try await service.send("a\(index)", from: 10, to: 1)
                let second = try await service.send("b\(index)", from: 30, to: 2)
                #expect(first.sequence == Int64(index))
                #expect(second.sequence == Int64(index))
                ids += [first.message, second.message]
            }

            #expect(ids == ids.sorted())
            #expect(Set(ids).count == 10)
        }
    }

    @Test func `an account sends so much in a second, and others do not wait for it`() async throws {
        try await withMessageService(configuration: MessageConfiguration()) { service in
            try await service.openConversation(1, [10, 20])
            let start = MonotonicTime.now
            var (accepted, refused) = (0, 0)
            for _ in 1...600 {
                do throws(ServiceError) {
                    // A conversation that is not theirs: what is refused counts as well.
                    _ = try await service.send("x", from: 10, to: accepted % 2 == 0 ? 1 : 2)
                    accepted += 1
                } catch {
                    if error.code == .rateLimited { refused += 1 } else { accepted += 1 }
                }
            }
            let seconds = Int((MonotonicTime.now.nanoseconds - start.nanoseconds) / 1_000_000_000) + 1
            #expect(accepted >= 200 && accepted <= 200 + 50 * seconds)
            #expect(accepted + refused == 600)
            _ = try await service.send("y", from: 20, to: 1)
        }
    }

    @Test func `sends that arrive together keep one order without holes`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask { try await service.send("\(index)", from: index % 2 == 0 ? 10 : 20, to: 1) }
                }
                try await group.waitForAll()
            }

            let messages = try await service.history(of: 1, for: 10).messages.map(\.message)
            #expect(messages.map(\.sequence) == Array(1...200))
            #expect(messages.map(\.id) == messages.map(\.id).sorted())
            #expect(Set(messages.map(\.text)).count == 200)
        }
    }

    @Test func `an outsider and an unknown conversation are refused alike`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            #expect(
                await refusal { () throws(ServiceError) in try await service.send("x", from: 30, to: 1) }?.code
                    == .notParticipant)
            #expect(
                await refusal { () throws(ServiceError) in try await service.send("x", from: 10, to: 99) }?.code
                    == .notParticipant)
            let accepted = try await service.send("x", from: 10, to: 1)
            #expect(accepted.sequence == 1)
        }
    }

    @Test func `an empty and a too long text are refused and ten thousand characters are not`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            for text in ["", String(repeating: "é", count: 10_001)] {
                #expect(
                    await refusal { () throws(ServiceError) in try await service.send(text, from: 10, to: 1) }
                        == ServiceError(.invalidText, detail: "10000"))
            }
            try await service.send(String(repeating: "😀", count: 10_000), from: 10, to: 1)
        }
    }

    @Test func `a reply needs a target in the same conversation`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 30])
            let here = try await service.send("here", from: 10, to: 1).message
            let elsewhere = try await service.send("elsewhere", from: 10, to: 2).message

            try await service.send("yes", from: 20, to: 1, replyTo: here)
            for target in [elsewhere, MessageID(999), MessageID(0), MessageID(-5)] {
                #expect(
                    await refusal { () throws(ServiceError) in
                        try await service.send("no", from: 20, to: 1, replyTo: target)
                    }?.code == .invalidReply)
            }

            let listed = try await service.history(of: 1, for: 10).messages
            #expect(listed.map(\.replyCount) == [1, 0])
            #expect(listed[1].message.replyTo == here)
        }
    }

    @Test func `repeating a send with its client id returns the first answer, also after a restart`() async throws {
        let bus = try TestBus()
        var first: MessageAPI.Send.Reply?
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            first = try await service.send("once", from: 10, to: 1, clientID: "k")
            #expect(try await service.send("once", from: 10, to: 1, clientID: "k") == first)
        }
        try await withMessageService(inFolderOf: bus) { service in
            #expect(try await service.send("once", from: 10, to: 1, clientID: "k") == first)
            #expect(
                await refusal { () throws(ServiceError) in
                    try await service.send("other", from: 10, to: 1, clientID: "k")
                }?.code
                    == .conflictingClientID)
            // The id belongs to one sender in one conversation.
            try await service.send("mine", from: 20, to: 1, clientID: "k")
            #expect(try await service.history(of: 1, for: 10).messages.map(\.message.text) == ["once", "mine"])
        }
    }

    @Test func `eight sends with one client id at once store one message`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            let answers = try await withThrowingTaskGroup(of: MessageAPI.Send.Reply.self) { group in
                for _ in 0..<8 { group.addTask { try await service.send("one", from: 10, to: 1, clientID: "k") } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }

            #expect(answers.count == 1)
            #expect(try await service.history(of: 1, for: 10).messages.count == 1)
        }
    }

    @Test func `sequences and ids go on where they stood after a restart`() async throws {
        let bus = try TestBus()
        var before: MessageAPI.Send.Reply?
        try await withMessageService(inFolderOf: bus) { service in
            try await service.openConversation(1, [10, 20])
            before = try await service.send("a", from: 10, to: 1)
        }
        try await withMessageService(inFolderOf: bus) { service in
            let after = try await service.send("b", from: 20, to: 1)
            #expect(after.sequence == 2)
            #expect(try #require(before).message < after.message)
            #expect(try #require(before).sentAt <= after.sentAt)
        }
    }

    @Test func `every message is published with all that a push needs`() async throws {
        try await withMessageService { service in
            let events = try await service.bus.follow(.message)
            try await service.openConversation(1, [10, 20], greeting: "hello")

            let opened = try await events.next(MessageAPI.ConversationChanged.self)
            #expect(opened.conversation == ConversationID(1))
            #expect(Set(opened.joined) == [AccountID(10), AccountID(20)])
            let greeting = try await events.next(MessageAPI.MessageSent.self).message
            #expect(greeting.text == "hello")
            #expect(greeting.sender == AccountID(10))
            let sent = try await service.send("hi", from: 20, to: 1, replyTo: greeting.id)
            let event = try await events.next(MessageAPI.MessageSent.self).message
            #expect(
                event
                    == Message(
                        id: sent.message, conversation: ConversationID(1), conversationKind: .private, sequence: 2,
                        sender: AccountID(20), text: "hi", replyTo: greeting.id, sentAt: sent.sentAt))
        }
    }
}
