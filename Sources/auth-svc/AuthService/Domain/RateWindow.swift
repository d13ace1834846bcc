/// Counts events per key over the last minutes: at most `limit` within `window`, at any time. Pure: time comes in.
///
/// Work whose outcome is not known yet is *pending* and counts like an event, so that many requests at once get no more
/// tries than one after the other would.
struct RateWindow<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        /// Milliseconds of the counted events, ascending; at most `limit`.
        var times: [Int64] = []
        var pending = 0
    }

    /// Seconds a caller is told to wait for pending work of the same key.
    private static var secondsForPending: Int64 { 1 }

    let limit: Int
    /// Milliseconds.
    let window: Int64
    /// Keys remembered; for one more the key that has been quiet longest is forgotten.
    let maxKeys: Int
    private var entries: [Key: Entry] = [:]

    init(limit: Int, window: Int64, maxKeys: Int) {
        self.limit = limit
        self.window = window
        self.maxKeys = maxKeys
    }

    var keyCount: Int { entries.count }

    /// Seconds until the key has room for one more; `nil` when it has room now.
    func secondsToWait(_ key: Key, now: Int64) -> Int64? {
        guard let entry = entries[key] else { return nil }
        let counted = entry.times.filter { $0 > now - window }
        if counted.count >= limit, let oldest = counted.first { return (oldest + window - now + 999) / 1_000 }
        return counted.count + entry.pending >= limit ? Self.secondsForPending : nil
    }

    /// Notes that work has begun which may come to count. Every call is followed by one ``finish(_:counts:now:)``.
    mutating func begin(_ key: Key, now: Int64) {
        if entries[key] == nil, entries.count >= maxKeys { makeRoom(now: now) }
        entries[key, default: Entry()].pending += 1
    }

    /// Notes that work has ended, and whether it counts.
    mutating func finish(_ key: Key, counts: Bool, now: Int64) {
        guard var entry = entries[key] else { return }
        entry.pending = max(0, entry.pending - 1)
        if counts { entry.times = (entry.times + [now]).suffix(limit) }
        entry.times.removeAll { $0 <= now - window }
        entries[key] = entry.pending == 0 && entry.times.isEmpty ? nil : entry
    }

    private mutating func makeRoom(now: Int64) {
        entries = entries.filter { $0.value.pending > 0 || ($0.value.times.last ?? .min) > now - window }
        guard entries.count >= maxKeys else { return }
        // Pending keys are few, as many as passwords may wait, and settled soon.
        let quietest = entries.filter { $0.value.pending == 0 }.min { left, right in
            (left.value.times.last ?? .min) < (right.value.times.last ?? .min)
        }
        if let quietest { entries[quietest.key] = nil }
    }
}
