import Shared
import Testing

@testable import Gateway

@Suite struct RecentEventsTests {
    private func message(_ number: Int64, bytes: Int = 1) -> BackendEvent {
        .messageSent(
            Message(
                id: MessageID(number), conversation: ConversationID(1), conversationKind: .private, sequence: number,
                sender: AccountID(1), text: String(repeating: "x", count: bytes), replyTo: nil, sentAt: 0))
    }

    private func numbers(_ events: [(number: Int64, event: BackendEvent)]?) -> [Int64]? { events?.map(\.number) }

    @Test func `what came after a number is given in order`() {
        var recent = RecentEvents()
        #expect(numbers(recent.after(0)) == [])
        recent.restart(at: 10)
        for number in 11...13 as ClosedRange<Int64> { recent.append(message(number), number: number) }

        #expect(recent.position == 13)
        #expect(numbers(recent.after(10)) == [11, 12, 13])
        #expect(numbers(recent.after(12)) == [13])
        #expect(numbers(recent.after(13)) == [])
        // The log may be ahead of what was heard.
        #expect(numbers(recent.after(20)) == [])
        #expect(recent.after(9) == nil)
    }

    @Test func `events beyond the count are forgotten, and that is known`() {
        var recent = RecentEvents()
        let count = Int64(RecentEvents.maxCount)
        for number in 1...count + 10 { recent.append(message(number), number: number) }

        #expect(numbers(recent.after(10)) == Array(11...count + 10))
        #expect(recent.after(9) == nil)
        #expect(recent.after(0) == nil)
    }

    @Test func `long texts are forgotten sooner`() {
        var recent = RecentEvents()
        let size = RecentEvents.maxTextBytes / 4
        for number in 1...6 as ClosedRange<Int64> { recent.append(message(number, bytes: size), number: number) }

        #expect(numbers(recent.after(2)) == [3, 4, 5, 6])
        #expect(recent.after(1) == nil)
        recent.append(message(7, bytes: 5 * size), number: 7)
        #expect(recent.after(6) == nil)
        #expect(numbers(recent.after(7)) == [])
    }

    @Test func `long lists count like long texts`() {
        var recent = RecentEvents()
        let accounts = (0..<RecentEvents.maxTextBytes / 16).map { AccountID(Int64($0)) }
        let change = MessageAPI.ConversationChanged(
            conversation: ConversationID(1), joined: accounts, left: [], reason: nil)
        for number in 1...3 as ClosedRange<Int64> { recent.append(.conversationChanged(change), number: number) }

        #expect(numbers(recent.after(2)) == [3])
        #expect(recent.after(1) == nil)
    }

    @Test func `a restart forgets everything`() {
        var recent = RecentEvents()
        for number in 1...5 as ClosedRange<Int64> { recent.append(message(number), number: number) }
        recent.restart(at: 2)

        #expect(recent.position == 2)
        #expect(numbers(recent.after(2)) == [])
        #expect(recent.after(1) == nil)
        recent.append(message(3), number: 3)
        #expect(numbers(recent.after(2)) == [3])
    }
}
