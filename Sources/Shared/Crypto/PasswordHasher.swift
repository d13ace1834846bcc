import Glibc
import Synchronization

/// Hashes and checks passwords, one at a time, on a thread of its own with lowered priority, so that a burst of logins
/// neither blocks the cooperative pool nor takes the processors and the memory from the other work of the machine.
package final class PasswordHasher: Sendable {
    /// Why a password was not hashed.
    package enum Refusal: Error, Sendable, Hashable {
        /// As many passwords as permitted are waiting already; the client may try again later.
        case overloaded
        /// ``PasswordHasher/shutdown()`` was called.
        case shutDown
    }

    /// What new records cost.
    package let cost: ScryptCost
    let queue: HashingQueue
    private let decoy: PasswordRecord
    /// nil once somebody has joined the thread.
    private let thread: Mutex<pthread_t?>

    /// Starts the thread. At most `maxWaiting` passwords wait while one is being hashed.
    ///
    /// - Precondition: `maxWaiting` is not negative.
    /// - Throws: ``CryptoError/operationFailed(_:reason:)`` if there is no randomness or no thread to be had.
    package convenience init(cost: ScryptCost = .standard, maxWaiting: Int = 32) throws {
        try self.init(cost: cost, maxWaiting: maxWaiting, beforeEach: {})
    }

    /// Calls `beforeEach` on the thread before each password, so that tests can hold it there.
    init(cost: ScryptCost, maxWaiting: Int, beforeEach: @escaping @Sendable () -> Void) throws {
        precondition(maxWaiting >= 0, "the number of waiting passwords cannot be negative")
        let decoy = try PasswordRecord.decoy(cost: cost)
        let queue = HashingQueue(maxWaiting: maxWaiting, beforeEach: beforeEach)
        let thread = try Self.startThread(serving: queue)
        self.cost = cost
        self.decoy = decoy
        self.queue = queue
        self.thread = Mutex(thread)
    }

    deinit {
        shutdown()
    }

    /// Returns a new record of `password` with the hasher's cost.
    ///
    /// If the task is cancelled while the password waits, it leaves the queue and `CancellationError` is thrown at
    /// once; a hash that has begun is finished and returned.
    ///
    /// - Throws: ``Refusal``, `CancellationError`, or ``CryptoError`` if memory or randomness is missing.
    package func hash(_ password: String) async throws -> PasswordRecord {
        try await queue.submit { [cost] in try PasswordRecord.make(password: password, cost: cost) }
    }

    /// Tells whether `record` is the record of `password`.
    ///
    /// For an account that does not exist pass nil: the same work is done with a record of the hasher's cost and the
    /// answer is false, so that the time does not tell which names exist. The times differ as long as the real record
    /// has another cost, so records should be made anew when ``PasswordRecord/needsUpgrade(to:)`` says so. Cancellation
    /// acts as in ``hash(_:)``.
    ///
    /// - Throws: ``Refusal``, `CancellationError`, or ``CryptoError`` if memory is missing.
    package func verify(_ password: String, against record: PasswordRecord?) async throws -> Bool {
        let isKnown = record != nil
        let compared = record ?? decoy
        return try await queue.submit {
            let isMatch = try compared.matches(password: password)
            return isMatch && isKnown
        }
    }

    /// Fails the waiting calls and all later ones with ``Refusal/shutDown``, lets the hash that has begun finish, and
    /// waits for the thread to end. It blocks the caller for up to one hash; calling it again does nothing.
    package func shutdown() {
        queue.stop()
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let thread else { return }
        pthread_join(thread, nil)
    }

    private static func startThread(serving queue: HashingQueue) throws -> pthread_t {
        var thread = pthread_t()
        // The thread owns one reference to the queue; it takes over the one made here.
        let argument = Unmanaged.passRetained(queue)
        let code = pthread_create(&thread, nil, { argument in hashingThreadMain(argument) }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw CryptoError.operationFailed("pthread_create", reason: String(cString: strerror(code)))
        }
        return thread
    }
}

private func hashingThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let queue = Unmanaged<HashingQueue>.fromOpaque(argument).takeRetainedValue()
    // Signals belong to the threads that are prepared for them.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // Linux keeps the nice value per thread, and 0 means the calling one. Being nicer cannot fail.
    setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
    queue.serve()
    return nil
}
