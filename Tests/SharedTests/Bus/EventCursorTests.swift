import TestSupport
import Testing

@testable import Shared

@Suite struct EventCursorTests {
    private func events(_ numbers: ClosedRange<Int64>) -> [NumberedEvent] {
        numbers.map { NumberedEvent(number: $0, kind: "test", payload: Blob([])) }
    }

    private func frame(_ numbers: ClosedRange<Int64>, epoch: Int64 = 7) -> EventBatch {
        EventBatch(epoch: epoch, head: numbers.upperBound, events: events(numbers))
    }

    private func beat(_ head: Int64, epoch: Int64 = 7) -> EventBatch {
        EventBatch(epoch: epoch, head: head, events: [])
    }

    private func answer(
        _ numbers: ClosedRange<Int64>?, head: Int64, epoch: Int64 = 7, isTooOld: Bool = false
    ) -> EventLogAPI.Read.Reply {
        EventLogAPI.Read.Reply(
            batch: EventBatch(epoch: epoch, head: head, events: numbers.map(events) ?? []), isTooOld: isTooOld)
    }

    /// A cursor that is live at a number.
    private func live(at position: Int64) -> EventCursor {
        var cursor = EventCursor()
        _ = cursor.start()
        _ = cursor.receive(answer(nil, head: position))
        return cursor
    }

    @Test func `it begins at the head and starts afresh there`() {
        var cursor = EventCursor()
        #expect(!cursor.isLive)
        #expect(cursor.start() == .read(after: 0, headOnly: true))
        #expect(cursor.receive(frame(9...10)) == .wait)
        #expect(cursor.receive(beat(10)) == .wait)
        #expect(cursor.receive(answer(nil, head: 10)) == [.startAfresh(position: 10)])
        #expect(cursor.isLive)
        #expect(cursor.position == 10)
    }

    @Test func `what follows is delivered, what is known is not`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(frame(11...12)) == .deliver(events(11...12)))
        #expect(cursor.receive(frame(11...12)) == .wait)
        #expect(cursor.receive(frame(1...5)) == .wait)
        #expect(cursor.receive(frame(12...14)) == .deliver(events(13...14)))
        #expect(cursor.receive(beat(14)) == .wait)
        #expect(cursor.receive(beat(3)) == .wait)
        #expect(cursor.position == 14)
        #expect(cursor.isLive)
    }

    @Test func `a hole is read from the log, and nothing is delivered twice`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(frame(13...13)) == .read(after: 10, headOnly: false))
        #expect(!cursor.isLive)
        // Frames meanwhile are only remembered.
        #expect(cursor.receive(frame(14...15)) == .wait)
        #expect(
            cursor.receive(answer(11...13, head: 13))
                == [.deliver(events(11...13)), .read(after: 13, headOnly: false)])
        #expect(!cursor.isLive)
        #expect(cursor.receive(answer(14...15, head: 15)) == [.deliver(events(14...15))])
        #expect(cursor.isLive)
        #expect(cursor.receive(frame(16...16)) == .deliver(events(16...16)))
    }

    @Test func `a beat shows that the last event was lost`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(beat(11)) == .read(after: 10, headOnly: false))
        #expect(cursor.receive(answer(11...11, head: 11)) == [.deliver(events(11...11))])
        #expect(cursor.isLive)
    }

    @Test func `a frame with a hole inside is not trusted`() {
        var cursor = live(at: 10)
        let torn = EventBatch(epoch: 7, head: 13, events: events(11...11) + events(13...13))
        #expect(cursor.receive(torn) == .read(after: 10, headOnly: false))
    }

    @Test func `a frame that says less than its head is completed from the log`() {
        var cursor = live(at: 10)
        let behind = EventBatch(epoch: 7, head: 20, events: events(11...12))
        #expect(cursor.receive(behind) == .read(after: 10, headOnly: false))
        #expect(
            cursor.receive(answer(11...15, head: 20)) == [.deliver(events(11...15)), .read(after: 15, headOnly: false)])
        #expect(cursor.receive(answer(16...20, head: 20)) == [.deliver(events(16...20))])
    }

    @Test func `another epoch voids everything`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(frame(1...2, epoch: 8)) == .read(after: 0, headOnly: true))
        #expect(!cursor.isLive)
        #expect(cursor.receive(answer(nil, head: 2, epoch: 8)) == [.startAfresh(position: 2)])
        #expect(cursor.receive(frame(3...3, epoch: 8)) == .deliver(events(3...3)))
        #expect(cursor.receive(frame(11...11, epoch: 7)) == .read(after: 0, headOnly: true))
    }

    @Test func `another epoch while catching up voids everything`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(beat(12)) == .read(after: 10, headOnly: false))
        #expect(cursor.receive(beat(99, epoch: 8)) == .wait)
        #expect(cursor.receive(answer(1...2, head: 2, epoch: 8)) == [.startAfresh(position: 2)])
        #expect(cursor.isLive)
        #expect(cursor.position == 2)
    }

    @Test func `a log that has forgotten too much starts afresh`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(beat(5_000)) == .read(after: 10, headOnly: false))
        #expect(cursor.receive(answer(nil, head: 5_000, isTooOld: true)) == [.startAfresh(position: 5_000)])
        #expect(cursor.receive(frame(5_001...5_001)) == .deliver(events(5_001...5_001)))
    }

    @Test func `a log with a hole, or one that went back, starts afresh`() {
        var cursor = live(at: 10)
        #expect(cursor.receive(beat(12)) == .read(after: 10, headOnly: false))
        #expect(cursor.receive(answer(12...12, head: 12)) == [.startAfresh(position: 12)])

        cursor = live(at: 10)
        #expect(cursor.receive(beat(12)) == .read(after: 10, headOnly: false))
        #expect(cursor.receive(answer(nil, head: 9)) == [.startAfresh(position: 9)])
    }

    /// Whatever is lost, delayed or repeated on the way, events arrive once each and in order.
    @Test(arguments: SeededGenerator.seeds(200))
    func `any loss and any delay lead to the same sequence`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var cursor = EventCursor()
        var delivered: [Int64] = []
        var log: Int64 = 0
        var start: Int64?
        var readAfter: Int64? = 0
        func perform(_ action: EventCursor.Action) {
            switch action {
            case .wait: break
            case .deliver(let events): delivered += events.map(\.number)
            case .read(let after, _): readAfter = after
            case .startAfresh(let position): start = position
            }
        }
        perform(cursor.start())
        for _ in 0..<100 {
            let count = Int64.random(in: 0...3, using: &random)
            let frame =
                count == 0
                ? beat(log) : EventBatch(epoch: 7, head: log + count, events: events(log + 1...log + count))
            log += count
            if Bool.random(using: &random) { perform(cursor.receive(frame)) }
            if let after = readAfter, Bool.random(using: &random) {
                readAfter = nil
                let last = min(log, after + 2)
                let isHead = start == nil
                for action in cursor.receive(answer(!isHead && last > after ? after + 1...last : nil, head: log)) {
                    perform(action)
                }
            }
        }
        // In the end a beat arrives, and reads are answered until there are none.
        perform(cursor.receive(beat(log)))
        while let after = readAfter {
            readAfter = nil
            let isHead = start == nil
            for action in cursor.receive(answer(!isHead && log > after ? after + 1...log : nil, head: log)) {
                perform(action)
            }
        }
        let first = start ?? 0
        #expect(cursor.isLive)
        #expect(delivered == (first < log ? Array(first + 1...log) : []))
    }
}
