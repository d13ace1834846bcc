import Glibc
import Synchronization

/// Ctrl-C and SIGTERM end a measurement between two turns of its loop, so that everything it started is stopped.
struct Interruption: Error, CustomStringConvertible {
    private static let count = Atomic(0)

    var description: String { "interrupted" }

    static func catchSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in Interruption.count.add(1, ordering: .relaxed) }
        }
    }

    /// - Throws: itself, when a signal came.
    static func check() throws {
        if count.load(ordering: .relaxed) > 0 { throw Interruption() }
    }
}
