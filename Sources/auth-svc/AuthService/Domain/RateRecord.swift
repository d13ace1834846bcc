/// How often something may happen to one subject: so many times within a window, which is twice as wide after each time
/// it was filled again. Times are milliseconds.
struct RateRule: Sendable, Hashable {
    let limit: Int
    let window: Int64
    /// How wide the window becomes.
    let maxWindow: Int64
}

/// What is remembered of one subject of a ``RateRule``. Pure: time comes in, from a clock that never goes back.
struct RateRecord: Sendable, Hashable {
    /// Seconds a caller is told to wait for others of the same subject that are under way.
    private static let secondsForPending: Int64 = 1
    /// Doublings beyond which every window is at its widest.
    private static let maxDoublings = 16

    /// When it happened the last times, ascending; at most the limit.
    private(set) var times: [Int64] = []
    /// How often the window was filled, without a long pause between.
    private(set) var fills = 0

    init() {}

    init(times: [Int64], fills: Int) {
        self.times = times
        self.fills = fills
    }

    /// Counts one more.
    mutating func count(at now: Int64, _ rule: RateRule) {
        if endsBy(now, rule) { self = RateRecord() }
        times = (times + [now]).suffix(rule.limit)
        if times.count == rule.limit, times[0] + window(rule) > now { fills += 1 }
    }

    /// Seconds until there is room for one more; `nil` when there is room now.
    ///
    /// - Parameter pending: those under way, which may come to count: many at once get no more tries than one after the
    ///   other would.
    func secondsToWait(pending: Int, at now: Int64, _ rule: RateRule) -> Int64? {
        let window = window(rule)
        let counted = times.filter { $0 > now - window }
        if counted.count >= rule.limit, let oldest = counted.first {
            return (min(oldest + window - now, window) + 999) / 1_000
        }
        return counted.count + pending >= rule.limit ? Self.secondsForPending : nil
    }

    /// When nothing of it matters any more: a window that was filled is wide again for as long as it can become.
    func end(_ rule: RateRule) -> Int64 {
        (times.last ?? 0) + window(rule) + (fills > 0 ? rule.maxWindow : 0)
    }

    private func endsBy(_ now: Int64, _ rule: RateRule) -> Bool { end(rule) <= now }

    private func window(_ rule: RateRule) -> Int64 {
        min(rule.window << min(max(0, fills - 1), Self.maxDoublings), rule.maxWindow)
    }
}
