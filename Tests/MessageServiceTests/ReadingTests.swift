import Shared
import TestSupport
import Testing

@Suite struct ReadingTests {
    @Test func `a history is oldest first, pages backwards and counts what is unread`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            for index in 1...10 { try await service.send("\(index)", from: index % 2 == 0 ? 10 : 20, to: 1) }

            let newest = try await service.history(of: 1, for: 10, limit: 4)
            #expect(newest.messages.map(\.message.text) == ["7", "8", "9", "10"])
            #expect(newest.hasMore)
            #expect(newest.unreadCount == 5)
            #expect(newest.readIndexes.map(\.account) == [AccountID(10), AccountID(20)])
            let older = try await service.history(of: 1, for: 10, before: newest.messages[0].message.id, limit: 10)
            #expect(older.messages.map(\.message.text) == ["1", "2", "3", "4", "5", "6"])
            #expect(!older.hasMore)
        }
    }

    @Test func `a history is closed to outsiders`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])

            #expect(
                await refusal { () throws(ServiceError) in try await service.history(of: 1, for: 30) }?.code
                    == .notParticipant)
            #expect(
                await refusal { () throws(ServiceError) in try await service.history(of: 7, for: 10) }?.code
                    == .notParticipant)
        }
    }

    @Test func `the conversation list names the peer and the unread count`() async throws {
        try await withMessageService { service in
            try await service.openConversation(5, [10, 20], greeting: "hello")
            try await service.openConversation(6, [20, 30])

            let ten = try await service.conversations(of: 10)
            let twenty = try await service.conversations(of: 20)

            typealias Entry = MessageAPI.Conversations.Entry
            #expect(
                ten == [
                    Entry(
                        conversation: ConversationID(5), kind: .private, peer: AccountID(20), unreadCount: 0, last: nil)
                ])
            #expect(
                twenty == [
                    Entry(
                        conversation: ConversationID(5), kind: .private, peer: AccountID(10), unreadCount: 1,
                        last: nil),
                    Entry(
                        conversation: ConversationID(6), kind: .private, peer: AccountID(30), unreadCount: 0,
                        last: nil),
                ])
        }
    }

    @Test func `attaching gives the memberships, what was missed and the place where live events go on`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let first = try await service.send("a", from: 20, to: 1).message
            try await service.send("b", from: 20, to: 1)
            let events = try await service.bus.follow(.message)

            let attached = try await service.attach(10, .after(first))

            #expect(attached.conversations == [ConversationID(1)])
            #expect(attached.missed.map(\.text) == ["b"])
            #expect(attached.position == 3)
            #expect(attached.last == MessageID(2))
            try await service.send("c", from: 20, to: 1)
            #expect(try await events.next(MessageAPI.MessageSent.self).message.text == "c")
        }
    }

    @Test func `the first greater message is found in every history by halves`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 20])
            var ids: [MessageID] = []
            for index in 0..<40 {
                let conversation: Int64 = index % 3 == 0 ? 2 : 1
                let id = try await service.send("\(index)", from: 20, to: conversation).message
                if conversation == 1 { ids.append(id) }
            }

            for since in 0...41 {
                let attached = try await service.attach(10, .after(MessageID(Int64(since))))
                let expected = ids.filter { $0 > MessageID(Int64(since)) }
                #expect(attached.missed.filter { $0.conversation == ConversationID(1) }.map(\.id) == expected)
            }
        }
    }
}

@Suite struct BusManners {
    @Test func `an effect delivered twice is applied once`() async throws {
        try await withMessageService { service in
            let opening = MessageAPI.OpenConversation(
                conversation: ConversationID(1), conversationKind: .private,
                participants: [AccountID(10), AccountID(20)],
                greeting: "hello", greeter: AccountID(10))
            let delivery = EffectAPI.Apply(
                sender: .social, epoch: 7,
                effects: [
                    EffectAPI.Effect(
                        number: 4, kind: MessageAPI.OpenConversation.kind, payload: Blob(opening.wireBytes))
                ])

            for _ in 0..<3 {
                let reply = try await service.social.call(delivery, .test())
                #expect(reply.applied == 4)
            }

            let history = try await service.history(of: 1, for: 10)
            #expect(history.messages.count == 1)
        }
    }

    @Test func `a route is answered only to the peers it is for`() async throws {
        try await withMessageService { service in
            #expect(
                await refusal { () throws(ServiceError) in
                    try await service.gateway.call(EffectAPI.Apply(sender: .social, epoch: 1, effects: []), .test())
                }?.code == .badRequest)
            #expect(
                await refusal { () throws(ServiceError) in
                    try await service.social.call(
                        MessageAPI.Conversations(account: AccountID(1), includesLast: false), .test())
                }?.code == .badRequest)
        }
    }

    @Test func `an unknown route is answered`() async throws {
        try await withMessageService { service in
            #expect(
                await refusal { () throws(ServiceError) in
                    try await service.gateway.call(AuthAPI.SigningKeys(), .test())
                }?.code == .badRequest)
        }
    }

    @Test func `a folder serves one process at a time`() async throws {
        let bus = try TestBus()
        try await withMessageService(inFolderOf: bus) { _ in
            await #expect(throws: (any Error).self) {
                try await withMessageService(inFolderOf: bus) { _ in }
            }
        }
    }
}
