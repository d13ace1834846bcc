import Synchronization

/// Where a process reads the time; tests put clocks of their own in its place.
package struct TimeSource: Sendable {
    /// Milliseconds since 1970, which may jump.
    package let wall: @Sendable () -> Int64
    package let monotonic: @Sendable () -> MonotonicTime

    package init(wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> MonotonicTime) {
        self.wall = wall
        self.monotonic = monotonic
    }

    /// The clocks of the system.
    package static let system = TimeSource(wall: { WallClock.milliseconds }, monotonic: { .now })
}

/// The clock by which a service stores and compares times: it never goes back, also not over a restart, and follows the
/// wall clock forward when that has stayed ahead for ten minutes.
package final class ServiceClock: Sendable {
    /// How long the wall clock has to be ahead to be believed.
    package static let patience = Duration.seconds(600)

    private let source: TimeSource
    private let clock: Mutex<SteadyClock>

    /// - Parameter reached: how far it had come in an earlier life, in milliseconds since 1970.
    package init(reached: Int64, reading source: TimeSource = .system) {
        self.source = source
        clock = Mutex(
            SteadyClock(at: max(reached, source.wall()), since: source.monotonic(), patience: Self.patience))
    }

    /// Milliseconds since 1970.
    package var milliseconds: Int64 {
        clock.withLock { $0.read(wall: source.wall(), at: source.monotonic()) }
    }
}
