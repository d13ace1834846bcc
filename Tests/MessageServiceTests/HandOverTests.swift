import Shared
import TestSupport
import Testing

@Suite struct HandOverTests {
    @Test func `each message is handed out once, mine included, in id order over all conversations`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.openConversation(2, [10, 30])
            try await service.openConversation(3, [20, 30])
            try await service.send("a", from: 10, to: 1)
            try await service.send("not mine", from: 20, to: 3)
            try await service.send("b", from: 30, to: 2)
            try await service.send("c", from: 20, to: 1)

            let pulled = try await service.pull(10)
            #expect(pulled.messages.map(\.message.text) == ["a", "b", "c"])
            try await service.settle(10, pulled, delivered: true)
            #expect(try await service.pull(10).messages.isEmpty)
            try await service.send("d", from: 20, to: 1)
            #expect(try await service.pull(10).messages.map(\.message.text) == ["d"])
        }
    }

    @Test func `an answer that did not arrive is handed out again`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.send("a", from: 20, to: 1)

            let lost = try await service.pull(10)
            try await service.settle(10, lost, delivered: false)

            #expect(try await service.pull(10).messages == lost.messages)
        }
    }

    @Test func `a second pull waits until the first is settled`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.send("a", from: 20, to: 1)
            let first = try await service.pull(10)

            async let second = service.pull(10)
            try await service.send("b", from: 20, to: 1)
            try await service.settle(10, first, delivered: true)

            #expect(try await second.messages.map(\.message.text) == ["b"])
        }
    }

    @Test func `pages say that there is more and continue where they ended`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            for index in 1...5 { try await service.send("\(index)", from: 20, to: 1) }

            var texts: [String] = []
            var hasMore = true
            while hasMore {
                let page = try await service.pull(10, limit: 2)
                texts += page.messages.map(\.message.text)
                hasMore = page.hasMore
                try await service.settle(10, page, delivered: true)
            }

            #expect(texts == ["1", "2", "3", "4", "5"])
        }
    }

    @Test func `confirmed hand-over repeats everything after the confirmed message`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            for index in 1...3 { try await service.send("\(index)", from: 20, to: 1) }

            let all = try await service.pull(10, acknowledging: MessageID(0))
            #expect(all.messages.map(\.message.text) == ["1", "2", "3"])
            #expect(try await service.pull(10, acknowledging: MessageID(0)).messages == all.messages)
            let second = all.messages[1].message.id
            #expect(try await service.pull(10, acknowledging: second).messages.map(\.message.text) == ["3"])
            #expect(try await service.pull(10).messages.map(\.message.text) == ["3"])
        }
    }

    @Test func `confirming a message of the future does not skip what is still to come`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.send("a", from: 20, to: 1)

            _ = try await service.pull(10, acknowledging: MessageID(.max))
            try await service.send("b", from: 20, to: 1)

            #expect(try await service.pull(10).messages.map(\.message.text) == ["b"])
        }
    }
}

@Suite struct HandOverTurnTests {
    @Test func `settling late does not end the turn of the next pull`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            try await service.send("a", from: 20, to: 1)
            let first = try await service.pull(10)
            try await service.settle(10, first, delivered: false)
            let second = try await service.pull(10)

            try await service.settle(10, first, delivered: false)
            let third = await refusal { () throws(ServiceError) in
                try await service.gateway.call(
                    MessageAPI.PullHandOver(account: AccountID(10), acknowledged: nil, limit: 10),
                    .test(timeout: .milliseconds(400)))
            }

            // Which of the two depends on whether the service's word still came in time.
            #expect([.unavailable, .outcomeUnknown].contains(third?.code), "the second pull still has its turn")
            try await service.settle(10, second, delivered: true)
            #expect(try await service.pull(10).messages.isEmpty)
        }
    }

    @Test func `a page of long messages is cut and says that there is more`() async throws {
        try await withMessageService { service in
            try await service.openConversation(1, [10, 20])
            let long = String(repeating: "😀", count: 10_000)
            for _ in 0..<120 { try await service.send(long, from: 20, to: 1) }

            let history = try await service.history(of: 1, for: 10)
            #expect(history.hasMore && history.messages.count < 120)
            var count = 0
            var hasMore = true
            while hasMore {
                let page = try await service.pull(10)
                count += page.messages.count
                hasMore = page.hasMore
                try await service.settle(10, page, delivered: true)
            }
            #expect(count == 120)
        }
    }
}
