import Synchronization

/// A value that is set once, during start, and read from anywhere after.
package final class OnceBox<Value: Sendable>: Sendable {
    private let storage = Mutex<Value?>(nil)

    package init() {}

    package var value: Value? { storage.withLock { $0 } }

    package func set(_ value: Value) { storage.withLock { $0 = value } }
}
