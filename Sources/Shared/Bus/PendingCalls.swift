/// The calls of one client that wait for their answer: found by id, expired by time. No I/O, no clock of its own.
struct PendingCalls<Call> {
    /// Width of an expiry step: a call outlives its deadline by at most this much.
    static var stepMilliseconds: Int64 { 20 }

    private var calls: [UInt64: Call] = [:]
    private var idsByStep: [Int64: [UInt64]] = [:]
    private var oldestStep = Int64.max

    var count: Int { calls.count }

    /// When the next call may expire, or `nil` when nothing waits.
    var nextExpiry: MonotonicTime? {
        calls.isEmpty ? nil : MonotonicTime(nanoseconds: (oldestStep + 1) * Self.stepMilliseconds * 1_000_000)
    }

    /// Files a call under an id that was never used before.
    mutating func add(_ call: Call, id: UInt64, deadline: MonotonicTime) {
        calls[id] = call
        let step = Self.step(of: deadline)
        idsByStep[step, default: []].append(id)
        oldestStep = min(oldestStep, step)
    }

    /// The call an answer belongs to; `nil` when it has expired or was answered before.
    mutating func take(_ id: UInt64) -> Call? { calls.removeValue(forKey: id) }

    /// Removes and returns the calls whose deadline has passed.
    mutating func expire(now: MonotonicTime) -> [Call] {
        let current = Self.step(of: now)
        guard oldestStep < current else { return [] }
        var expired: [Call] = []
        for step in idsByStep.keys.filter({ $0 < current }).sorted() {
            for id in idsByStep.removeValue(forKey: step) ?? [] {
                if let call = calls.removeValue(forKey: id) { expired.append(call) }
            }
        }
        oldestStep = idsByStep.keys.min() ?? .max
        return expired
    }

    /// Removes and returns everything.
    mutating func removeAll() -> [Call] {
        defer {
            calls = [:]
            idsByStep = [:]
            oldestStep = .max
        }
        return Array(calls.values)
    }

    private static func step(of time: MonotonicTime) -> Int64 { time.nanoseconds / (stepMilliseconds * 1_000_000) }
}
