import TestSupport
import Testing

@testable import Shared

@Suite struct KnownMarksTests {
    private let first = Mark(age: 0, epoch: 5, head: 10)

    @Test func `a mark includes what came before it and what somebody went back from on purpose`() {
        #expect(first.includes(first))
        #expect(first.includes(.unseen))
        #expect(Mark(age: 0, epoch: 5, head: 11).includes(first))
        #expect(!Mark(age: 0, epoch: 5, head: 9).includes(first))
        #expect(!Mark(age: 0, epoch: 6, head: 99).includes(first))
        #expect(Mark(age: 1, epoch: 6, head: 0).includes(first))
        #expect(!first.includes(Mark(age: 1, epoch: 5, head: 1)))
    }

    @Test func `nothing that is known is forgotten for something older or other`() {
        let marks = KnownMarks()
        #expect(marks.mark(of: .auth) == .unseen)
        #expect(marks.note(first, of: .auth))
        #expect(!marks.note(first, of: .auth))
        for wrong in [Mark(age: 0, epoch: 5, head: 9), Mark(age: 0, epoch: 6, head: 99)] {
            #expect(!marks.note(wrong, of: .auth))
            #expect(marks.mark(of: .auth) == first)
        }
        let restored = Mark(age: 1, epoch: 6, head: 2)
        #expect(marks.note(restored, of: .auth))
        #expect(marks.known(besides: .social) == [MarksAPI.Known(service: .auth, mark: restored)])
        #expect(marks.known(besides: .auth).isEmpty)
    }

    @Test func `what another service remembers counts more than what a service says of itself`() {
        let marks = KnownMarks()
        let other = Mark(age: 0, epoch: 6, head: 3)
        marks.note(other, of: .auth)
        marks.confirm(first, of: .auth)
        #expect(marks.mark(of: .auth) == first)
        marks.note(other, of: .auth)
        marks.confirm(other, of: .auth)
        #expect(marks.mark(of: .auth) == first)
    }
}

@Suite struct DepartureTests {
    private let sent = MonotonicTime(nanoseconds: 1_000_000_000)

    private func deadline(after seconds: Int64, sharesClock: Bool) -> MonotonicTime {
        RequestHead.Departure(remainingMilliseconds: 400, sentAt: sent, seen: .unseen)
            .deadline(now: sent + .seconds(seconds), sharesClock: sharesClock)
    }

    @Test func `on one host a request gets older wherever it waits`() {
        #expect(deadline(after: 0, sharesClock: true) == sent + .milliseconds(400))
        #expect(deadline(after: 10, sharesClock: true) == sent + .milliseconds(400))
    }

    @Test func `between hosts its time begins with its arrival`() {
        #expect(deadline(after: 10, sharesClock: false) == sent + .milliseconds(10_400))
    }

    @Test func `nobody sends from the future`() {
        #expect(deadline(after: -5, sharesClock: true) == sent + .milliseconds(-4_600))
    }
}
