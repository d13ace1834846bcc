import Shared

/// auth-svc's clock as it was last heard of, going on at the pace of the monotonic clock. Tokens are judged by the clock
/// they were made by: the wall clock of this machine, which may be another's and may be set, has no say.
struct HeardClock: Sendable {
    private let milliseconds: Int64
    private let heardAt: MonotonicTime

    /// - Parameter milliseconds: since 1970, as auth-svc has just said.
    init(_ milliseconds: Int64, at time: MonotonicTime = .now) {
        self.milliseconds = milliseconds
        heardAt = time
    }

    /// Whole seconds since 1970.
    func seconds(at time: MonotonicTime = .now) -> Int64 {
        (milliseconds + (time.nanoseconds - heardAt.nanoseconds) / 1_000_000) / 1_000
    }
}
