import Glibc
import Synchronization

/// A thread of its own for work that blocks: sockets, commits, hashing. Never the cooperative pool.
package final class DedicatedThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let thread: Mutex<pthread_t?>

    /// Starts the thread.
    package init(_ run: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(Body(run: run)).toOpaque())
        precondition(result == 0, "the system refuses a thread to a starting service")
        self.thread = Mutex(thread)
    }

    /// Waits for the thread to end. Idempotent; must not be called on the thread itself.
    package func join() {
        let joinable = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let joinable { pthread_join(joinable, nil) }
    }
}
