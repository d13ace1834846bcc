import Synchronization

/// Token buckets by account: so many at once, refilled so many per second. Costs the same however many accounts there are.
///
/// Every request takes a token, the refused ones too, down to a debt of what a second brings: whoever goes on asking stays refused,
/// and whoever waits as long as they are told is admitted.
package final class RateLimiter: Sendable {
    /// Buckets kept; beyond it the full ones, which remember nothing, are dropped.
    private static let maxBuckets = 100_000

    private struct Bucket {
        var tokens: Double
        var refilledAt: MonotonicTime
    }

    private let rate: Double
    private let burst: Double
    private let buckets = Mutex<[AccountID: Bucket]>([:])

    /// - Parameters:
    ///   - rate: permits per second.
    ///   - burst: permits that may be used at once.
    package init(rate: Double, burst: Double) {
        self.rate = rate
        self.burst = burst
    }

    /// Takes a permit, or says in how many whole seconds the next one is there.
    package func admit(_ account: AccountID, now: MonotonicTime = .now) throws(ServiceError) {
        let wait: Double? = buckets.withLock { buckets in
            if buckets.count >= Self.maxBuckets { dropFull(&buckets, now: now) }
            var bucket = buckets[account] ?? Bucket(tokens: burst, refilledAt: now)
            bucket.tokens = tokens(of: bucket, now: now)
            bucket.refilledAt = now
            defer { buckets[account] = bucket }
            let isAdmitted = bucket.tokens >= 1
            bucket.tokens = max(bucket.tokens - 1, -rate.rounded(.down))
            return isAdmitted ? nil : (1 - bucket.tokens) / rate
        }
        if let wait { throw ServiceError(.rateLimited, detail: "\(Int(wait.rounded(.up)))") }
    }

    private func tokens(of bucket: Bucket, now: MonotonicTime) -> Double {
        let seconds = Double(now.nanoseconds - bucket.refilledAt.nanoseconds) / 1e9
        return min(burst, bucket.tokens + max(0, seconds) * rate)
    }

    private func dropFull(_ buckets: inout [AccountID: Bucket], now: MonotonicTime) {
        buckets = buckets.filter { tokens(of: $0.value, now: now) < burst }
        // All of them in use at once: the limit protects memory first.
        if buckets.count >= Self.maxBuckets { buckets = [:] }
    }
}

extension RateLimiter {
    /// What an account may send: 50 messages a second, 200 at once.
    package static var messages: RateLimiter { RateLimiter(rate: 50, burst: 200) }
}
