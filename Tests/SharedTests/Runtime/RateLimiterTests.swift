import Shared
import Testing

@Suite struct RateLimiterTests {
    private func time(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

    /// The seconds to wait; `nil` when admitted.
    private func wait(_ limiter: RateLimiter, _ account: Int64, at seconds: Double) -> String? {
        do throws(ServiceError) {
            try limiter.admit(AccountID(account), now: time(seconds))
            return nil
        } catch {
            return error.code == .rateLimited ? error.detail : "\(error)"
        }
    }

    @Test func `a burst is admitted, then the rate`() {
        let limiter = RateLimiter(rate: 2, burst: 3)
        for _ in 1...3 { #expect(wait(limiter, 1, at: 100) == nil) }
        for step in 1...4 { #expect(wait(limiter, 1, at: 100 + Double(step) / 2) == nil) }
        #expect(wait(limiter, 1, at: 102) == "1")
        // Never more than a burst grows back.
        for _ in 1...3 { #expect(wait(limiter, 1, at: 10_000) == nil) }
        #expect(wait(limiter, 1, at: 10_000) != nil)
    }

    @Test func `refused requests count, and whoever waits as told is admitted`() {
        let limiter = RateLimiter(rate: 2, burst: 1)
        #expect(wait(limiter, 1, at: 0) == nil)
        // Three a second at a rate of two: none of them.
        for step in 1...30 { #expect(wait(limiter, 1, at: Double(step) / 3) != nil) }
        for _ in 1...100 { #expect(wait(limiter, 1, at: 10) != nil) }
        #expect(wait(limiter, 1, at: 10) == "2")
        #expect(wait(limiter, 1, at: 12) == nil)
    }

    @Test func `the time to wait is whole seconds, rounded up`() {
        let limiter = RateLimiter(rate: 0.125, burst: 1)
        #expect(wait(limiter, 1, at: 0) == nil)
        #expect(wait(limiter, 1, at: 0) == "8")
        #expect(wait(limiter, 1, at: 0.5) == "8")
        #expect(wait(limiter, 1, at: 8.5) == nil)
    }

    @Test func `accounts do not share permits`() {
        let limiter = RateLimiter(rate: 1, burst: 1)
        #expect(wait(limiter, 1, at: 0) == nil)
        #expect(wait(limiter, 2, at: 0) == nil)
        #expect(wait(limiter, 1, at: 0) == "2")
        #expect(wait(limiter, 2, at: 0) == "2")
    }

    @Test func `a clock that stands still or goes back admits nobody`() {
        let limiter = RateLimiter(rate: 1, burst: 1)
        #expect(wait(limiter, 1, at: 100) == nil)
        #expect(wait(limiter, 1, at: 50) == "2")
        #expect(wait(limiter, 1, at: 50) == "2")
    }

    @Test func `a crowd does not make a limited account forget its limit`() {
        let limiter = RateLimiter(rate: 1, burst: 2)
        for account in 1...99_998 as ClosedRange<Int64> { _ = wait(limiter, account, at: 0) }
        for _ in 1...2 { _ = wait(limiter, 200_000, at: 100) }
        // One more account than there is room for: those that are full again go, this one stays.
        #expect(wait(limiter, 300_000, at: 100) == nil)
        #expect(wait(limiter, 300_001, at: 100) == nil)
        #expect(wait(limiter, 200_000, at: 100) == "2")
    }
}
