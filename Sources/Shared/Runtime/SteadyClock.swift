/// The wall clock as something that never goes back: set back, it goes on from where it was, at the pace of the
/// monotonic clock.
package struct SteadyClock: Sendable {
    /// Milliseconds by which the wall clock is ahead when it was set, rather than corrected a little.
    private static let leastStep: Int64 = 60_000

    private var milliseconds: Int64
    private var since: MonotonicTime
    private let patience: Duration
    /// Since when the wall clock has been ahead by more than a correction; `nil` while it is not.
    private var aheadSince: MonotonicTime?

    /// A clock that has come as far as `milliseconds` since 1970 now.
    ///
    /// - Parameter patience: how long the wall clock has to be ahead before this one believes that it was set right. A
    ///   clock set a day forward by mistake, and back soon, then ends nothing that has a day to live.
    package init(at milliseconds: Int64, since: MonotonicTime, patience: Duration = .zero) {
        self.milliseconds = milliseconds
        self.since = since
        self.patience = patience
    }

    /// Milliseconds since 1970: the wall clock's, or those it would show had it not been set.
    package mutating func read(wall: Int64, at time: MonotonicTime) -> Int64 {
        let steady = milliseconds + (time.nanoseconds - since.nanoseconds) / 1_000_000
        guard wall > steady else {
            aheadSince = nil
            return steady
        }
        if wall - steady >= Self.leastStep {
            let start = aheadSince ?? time
            aheadSince = start
            guard start + patience <= time else { return steady }
        }
        (milliseconds, since, aheadSince) = (wall, time, nil)
        return wall
    }
}
