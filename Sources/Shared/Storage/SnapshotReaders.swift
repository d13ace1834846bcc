import Dispatch
import GRDB
import Logging
import Shared
import Synchronization

/// The few threads that read a database beside its writer, each over a connection of its own.
///
/// A step runs from beginning to end on one of them, in one snapshot, without a change of thread.
final class SnapshotReaders: Sendable {
    /// Reads that run at once: one that takes long must not hold up those that do not.
    static let threadCount = 4
    /// Reads that may wait for a thread; one more is refused.
    static let maxQueued = 4_096

    private struct Job: Sendable {
        let run: @Sendable (SnapshotConnection) -> Void
        let refuse: @Sendable () -> Void
    }

    /// First in, first out, and cheap at both ends however long it is.
    private struct Line {
        private var arriving: [Job] = []
        /// Those to go next, the very next one last.
        private var leaving: [Job] = []

        var count: Int { arriving.count + leaving.count }

        mutating func append(_ job: Job) { arriving.append(job) }

        mutating func next() -> Job? {
            if leaving.isEmpty {
                swap(&arriving, &leaving)
                leaving.reverse()
            }
            return leaving.popLast()
        }
    }

    private struct State {
        var line = Line()
        /// Threads with nothing to do. The last one is woken first: its caches are warm, and a service that is asked
        /// little never opens the connections of the others.
        var sleeping: [Int] = []
        /// Threads that run a step.
        var running = 0
        var isPaused = false
        var isStopping = false
    }

    private let state = Mutex(State())
    /// Signalled when the last step that was running at the beginning of a pause has ended.
    private let quiet = DispatchSemaphore(value: 0)
    private let wakeUps = (0..<threadCount).map { _ in DispatchSemaphore(value: 0) }
    private let connections: [SnapshotConnection]
    private let logger: Logger
    private let threads = Mutex<[DedicatedThread]>([])

    /// Starts the threads.
    init(path: String, logger: Logger) {
        connections = (0..<Self.threadCount).map { _ in SnapshotConnection(path: path) }
        self.logger = logger
        threads.withLock { threads in
            threads = (0..<Self.threadCount).map { index in DedicatedThread { [self] in run(index) } }
        }
    }

    /// Runs a step when its turn comes; `completion` follows on the same thread.
    ///
    /// - Parameter deadline: a step whose turn comes later is refused: nobody waits for it any more.
    func submit<Value: Sendable>(
        until deadline: MonotonicTime?, _ step: @escaping @Sendable (Snapshot) throws -> Value,
        completion: @escaping @Sendable (Result<Value, ServiceError>) -> Void
    ) {
        let job = Job(
            run: { [logger] connection in
                if let deadline, deadline.hasPassed {
                    return completion(.failure(ServiceError(.unavailable, detail: "expired")))
                }
                let result = Result { try connection.read(step) }
                completion(result.mapError { ServiceError(storage: $0, logger: logger) })
            }, refuse: { completion(.failure(ServiceError(.unavailable))) })
        let (isAdmitted, sleeper) = state.withLock { state -> (Bool, Int?) in
            guard !state.isStopping, state.line.count < Self.maxQueued else { return (false, nil) }
            state.line.append(job)
            return (true, state.isPaused ? nil : state.sleeping.popLast())
        }
        if let sleeper { wakeUps[sleeper].signal() }
        if !isAdmitted { job.refuse() }
    }

    /// Lets the steps that run come to their end and begins no other before ``resume()``. Blocks.
    ///
    /// - Parameter patience: steps that take longer are interrupted, which has them refused.
    func pause(patience: DispatchTimeInterval) {
        let isQuiet = state.withLock { state in
            state.isPaused = true
            return state.running == 0
        }
        guard !isQuiet, quiet.wait(timeout: .now() + patience) == .timedOut else { return }
        repeat {
            // One that is between two statements is not hit.
            for connection in connections { connection.interrupt() }
        } while quiet.wait(timeout: .now() + .milliseconds(20)) == .timedOut
    }

    /// Goes on after a pause.
    func resume() {
        let sleeping = state.withLock { state in
            state.isPaused = false
            defer { state.sleeping = [] }
            return state.sleeping
        }
        for index in sleeping { wakeUps[index].signal() }
    }

    /// Refuses what waits, interrupts what has begun, which is refused too, and ends the threads. Idempotent.
    func stop() {
        var abandoned = state.withLock { state in
            defer { state.line = Line() }
            state.isStopping = true
            return state.line
        }
        while let job = abandoned.next() { job.refuse() }
        for connection in connections { connection.interrupt() }
        for wakeUp in wakeUps { wakeUp.signal() }
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
    }

    private func run(_ index: Int) {
        while let job = nextJob(of: index) {
            job.run(connections[index])
            let isQuiet = state.withLock { state in
                state.running -= 1
                return state.isPaused && state.running == 0
            }
            if isQuiet { quiet.signal() }
        }
    }

    /// Waits for something to do; `nil` at the end.
    private func nextJob(of index: Int) -> Job? {
        while true {
            let (job, isStopping) = state.withLock { state in
                let job = state.isPaused ? nil : state.line.next()
                if job == nil { state.sleeping.append(index) } else { state.running += 1 }
                return (job, state.isStopping)
            }
            if job != nil || isStopping { return job }
            wakeUps[index].wait()
        }
    }
}

/// A connection that only reads, for one thread; opened when it is first needed.
private final class SnapshotConnection: Sendable {
    private let path: String
    private let queue = Mutex<DatabaseQueue?>(nil)

    init(path: String) { self.path = path }

    /// Runs a step in a transaction, on this very thread. GRDB's own `read` would compile its statements each time.
    func read<Value>(_ step: (Snapshot) throws -> Value) throws -> Value {
        try open().unsafeRead { db in
            try db.cachedStatement(sql: "BEGIN DEFERRED TRANSACTION").execute()
            do {
                let value = try step(db)
                try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
                return value
            } catch {
                // Some failures have SQLite end the transaction by itself.
                if db.isInsideTransaction { try db.rollback() }
                throw error
            }
        }
    }

    /// Ends the statement that runs now; from any thread.
    func interrupt() { queue.withLock { $0 }?.interrupt() }

    private func open() throws -> DatabaseQueue {
        try queue.withLock { queue in
            if let queue { return queue }
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let opened = try DatabaseQueue(path: path, configuration: configuration)
            queue = opened
            return opened
        }
    }
}
