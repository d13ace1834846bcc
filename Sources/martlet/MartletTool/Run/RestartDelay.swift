/// How long a process that ended waits for its next start: the longer the more often it ends.
struct RestartDelay {
    static let first = Duration.milliseconds(200)
    static let longest = Duration.seconds(5)
    /// A process that ran this long has been healthy: its next end counts as the first.
    static let healthy = Duration.seconds(30)

    private var upcoming = first

    /// The delay after an end.
    ///
    /// - Parameter lifetime: how long the process ran.
    mutating func next(afterLifeOf lifetime: Duration) -> Duration {
        if lifetime >= Self.healthy { upcoming = Self.first }
        defer { upcoming = min(upcoming * 2, Self.longest) }
        return upcoming
    }
}
