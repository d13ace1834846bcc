package import Shared
import Synchronization

/// A wall clock that a test sets, and a time that passes when the test says so.
package final class TestClock: Sendable {
    private struct State {
        var wall: Int64
        var monotonic = MonotonicTime.now
    }

    private let state: Mutex<State>

    /// A clock that stands at a time in milliseconds since 1970.
    package init(wall: Int64 = WallClock.milliseconds) { state = Mutex(State(wall: wall)) }

    /// What a process is given to read.
    package var source: TimeSource {
        TimeSource(
            wall: { [self] in state.withLock { $0.wall } }, monotonic: { [self] in state.withLock { $0.monotonic } })
    }

    /// Sets the wall clock, forward or back; no time passes.
    package func set(by step: Duration) {
        state.withLock { $0.wall += step.components.seconds * 1_000 }
    }

    /// Lets time pass.
    package func pass(_ time: Duration) {
        state.withLock { state in
            state.wall += time.components.seconds * 1_000
            state.monotonic = state.monotonic + time
        }
    }
}
