import Logging
import Testing

@testable import Shared

@Suite struct RepetitionsTests {
    private let repetitions = Repetitions()
    private let start = MonotonicTime(nanoseconds: 1)

    private func admit(_ message: String, after seconds: Int64) -> Int? {
        repetitions.admit(message, .warning, now: start + .seconds(seconds))
    }

    @Test func `a text is said once a minute, then with a count`() {
        #expect(admit("full", after: 0) == 0)
        for _ in 1...120_000 { #expect(admit("full", after: 1) == nil) }
        #expect(admit("other", after: 1) == 0)
        #expect(admit("full", after: 60) == 120_000)
        #expect(admit("full", after: 61) == nil)
        #expect(admit("full", after: 120) == 1)
    }

    @Test func `what does not come again is counted as well, once the minute is over`() {
        for _ in 1...3 { _ = admit("full", after: 0) }
        #expect(repetitions.takeDue(now: start + .seconds(59)).isEmpty)
        #expect(
            repetitions.takeDue(now: start + .seconds(60))
                == [Repetitions.Line(message: "full", level: .warning, count: 2)])
        #expect(admit("full", after: 61) == nil, "the count was a line of its own")
        #expect(repetitions.takeDue(now: start + .seconds(120)).map(\.count) == [1])
        #expect(repetitions.takeDue(now: start + .seconds(180)).isEmpty)
        #expect(admit("full", after: 181) == 0, "after a quiet minute it is news again")
    }

    @Test func `at the end everything is told`() {
        for _ in 1...3 { _ = admit("full", after: 0) }
        _ = admit("once", after: 0)
        #expect(repetitions.takeDue(now: start, isEnd: true).map(\.message) == ["full"])
    }

    @Test func `the number of texts is bounded`() {
        for index in 0..<10_000 { #expect(admit("text \(index)", after: 0) == 0) }
    }
}
