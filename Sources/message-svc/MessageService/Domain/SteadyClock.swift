import Shared

/// The wall clock as something that never goes back: set back, it goes on from where it was, at the pace of the
/// monotonic clock.
struct SteadyClock: Sendable {
    private var milliseconds: Int64
    private var since: MonotonicTime

    /// A clock that has come as far as `milliseconds` since 1970 now.
    init(at milliseconds: Int64, since: MonotonicTime) {
        self.milliseconds = milliseconds
        self.since = since
    }

    /// Milliseconds since 1970: the wall clock's, or those it would show had it not been set back.
    mutating func read(wall: Int64, at time: MonotonicTime) -> Int64 {
        let steady = milliseconds + (time.nanoseconds - since.nanoseconds) / 1_000_000
        guard wall > steady else { return steady }
        (milliseconds, since) = (wall, time)
        return wall
    }
}
