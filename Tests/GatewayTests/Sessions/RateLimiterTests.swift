import Shared
import Testing

@testable import Gateway

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
        #expect(wait(limiter, 1, at: 100) == "1")
        #expect(wait(limiter, 1, at: 100.4) == "1")
        #expect(wait(limiter, 1, at: 100.5) == nil)
        #expect(wait(limiter, 1, at: 100.5) == "1")
        // Never more than a burst grows back.
        for _ in 1...3 { #expect(wait(limiter, 1, at: 10_000) == nil) }
        #expect(wait(limiter, 1, at: 10_000) != nil)
    }

    @Test func `the time to wait is whole seconds, rounded up`() {
        let limiter = RateLimiter(rate: 0.1, burst: 1)
        #expect(wait(limiter, 1, at: 0) == nil)
        #expect(wait(limiter, 1, at: 0) == "10")
        #expect(wait(limiter, 1, at: 0.5) == "10")
        #expect(wait(limiter, 1, at: 9.5) == "1")
        #expect(wait(limiter, 1, at: 10) == nil)
    }

    @Test func `accounts do not share permits`() {
        let limiter = RateLimiter(rate: 1, burst: 1)
        #expect(wait(limiter, 1, at: 0) == nil)
        #expect(wait(limiter, 2, at: 0) == nil)
        #expect(wait(limiter, 1, at: 0) == "1")
        #expect(wait(limiter, 2, at: 0) == "1")
    }

    @Test func `a clock that stands still or goes back admits nobody`() {
        let limiter = RateLimiter(rate: 1, burst: 1)
        #expect(wait(limiter, 1, at: 100) == nil)
        #expect(wait(limiter, 1, at: 50) == "1")
        #expect(wait(limiter, 1, at: 50) == "1")
    }

    @Test func `a crowd does not make a limited account forget its limit`() {
        let limiter = RateLimiter(rate: 1, burst: 2)
        for account in 1...99_998 as ClosedRange<Int64> { _ = wait(limiter, account, at: 0) }
        for _ in 1...2 { _ = wait(limiter, 200_000, at: 100) }
        // One more account than there is room for: those that are full again go, this one stays.
        #expect(wait(limiter, 300_000, at: 100) == nil)
        #expect(wait(limiter, 300_001, at: 100) == nil)
        #expect(wait(limiter, 200_000, at: 100) == "1")
    }
}
