import Testing

@testable import Shared

@Suite struct PendingCallsTests {
    private func time(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func `a call is found once by its id`() {
        var calls = PendingCalls<String>()
        calls.add("a", id: 1, deadline: time(100))
        calls.add("b", id: 2, deadline: time(100))
        #expect(calls.count == 2)
        #expect(calls.take(1) == "a")
        #expect(calls.take(1) == nil)
        #expect(calls.take(3) == nil)
        #expect(calls.take(2) == "b")
        #expect(calls.count == 0)
        #expect(calls.nextExpiry == nil)
    }

    @Test func `no call expires before its deadline, and each within a step after it`() {
        let step = PendingCalls<Int64>.stepMilliseconds
        for deadline in 0...3 * step {
            var calls = PendingCalls<Int64>()
            calls.add(deadline, id: 1, deadline: time(deadline))
            #expect(calls.expire(now: time(deadline - 1)).isEmpty)
            #expect(calls.expire(now: time(deadline + step)) == [deadline])
            #expect(calls.expire(now: time(deadline + step)).isEmpty)
        }
    }

    @Test func `calls expire in the order of their deadlines, whenever they were filed`() {
        var calls = PendingCalls<Int64>()
        for deadline in [500, 100, 900, 300] as [Int64] {
            calls.add(deadline, id: UInt64(deadline), deadline: time(deadline))
        }
        #expect(calls.nextExpiry.map { $0 <= time(120) && $0 >= time(100) } == true)
        #expect(calls.expire(now: time(600)) == [100, 300, 500])
        #expect(calls.nextExpiry.map { $0 <= time(920) && $0 >= time(900) } == true)
        #expect(calls.expire(now: time(10_000)) == [900])
        #expect(calls.nextExpiry == nil)
    }

    @Test func `a call that was answered does not expire`() {
        var calls = PendingCalls<Int>()
        calls.add(1, id: 1, deadline: time(10))
        calls.add(2, id: 2, deadline: time(10))
        _ = calls.take(1)
        #expect(calls.expire(now: time(1_000)) == [2])
    }

    @Test func `everything can be removed at once`() {
        var calls = PendingCalls<Int>()
        for number in 1...5 { calls.add(number, id: UInt64(number), deadline: time(Int64(number) * 100)) }
        #expect(calls.removeAll().sorted() == [1, 2, 3, 4, 5])
        #expect(calls.count == 0)
        #expect(calls.expire(now: time(10_000)).isEmpty)
        #expect(calls.nextExpiry == nil)
    }
}
