import Dispatch
import GRDB
import Logging
import Shared
import Synchronization

/// The one thread that writes a database: everything that waits goes into one transaction, and one fsync covers it.
///
/// ```
/// take all that waits → BEGIN → every step → COMMIT → publish events → answer every caller → again
/// ```
/// A group that changes something without an event gets one of its own, which says nothing: so the number of the last event
/// says how far the database has come, whatever was written.
///
/// There is no timer: while a commit is under way the next group forms by itself.
final class GroupCommitWriter: Sendable {
    /// Writes that may wait for their group; one more is refused.
    static let maxQueued = 8_192
    /// Writes of one transaction; more wait for the next.
    static let maxGroup = 1_024
    /// Events the log keeps for subscribers that fell behind; older ones are deleted in strides.
    static let keptEvents: Int64 = 200_000
    static let pruningStride: Int64 = 10_000

    /// A queued write: a step that may run again in another transaction, and its end.
    private struct Job: Sendable {
        /// When it need not be begun any more.
        let deadline: MonotonicTime?
        /// Runs the step; the closure it returns is called after the commit.
        let run: @Sendable (WriteTransaction) throws -> @Sendable () -> Void
        let fail: @Sendable (ServiceError) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var isStopping = false
        var publish: @Sendable ([NumberedEvent]) -> Void = { _ in }
        var deliver: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let connection: DatabaseQueue
    private let directory: DataDirectory
    private let log: WriteAheadLog
    private let logger: Logger
    private let onRollback: @Sendable () -> Void
    private let start: Mark
    private let head: Atomic<Int64>
    private let thread = Mutex<DedicatedThread?>(nil)

    init(
        connection: DatabaseQueue, directory: DataDirectory, mark: Mark, log: WriteAheadLog, logger: Logger,
        onRollback: @escaping @Sendable () -> Void
    ) {
        self.connection = connection
        self.directory = directory
        self.log = log
        self.logger = logger
        self.onRollback = onRollback
        start = mark
        head = Atomic(mark.head)
        thread.withLock { $0 = DedicatedThread { [self] in run() } }
    }

    /// How far the database has come.
    var mark: Mark { Mark(age: start.age, epoch: start.epoch, head: head.load(ordering: .acquiring)) }

    /// What to wake when something was put into the outbox.
    func setRelay(_ deliver: @escaping @Sendable () -> Void) {
        state.withLock { $0.deliver = deliver }
    }

    func setPublisher(_ publish: @escaping @Sendable ([NumberedEvent]) -> Void) {
        state.withLock { $0.publish = publish }
    }

    func submit<Value: Sendable>(
        until deadline: MonotonicTime?, _ step: @escaping @Sendable (WriteTransaction) throws -> Value,
        completion: @escaping @Sendable (Result<Value, ServiceError>) -> Void
    ) {
        let job = Job(
            deadline: deadline,
            run: { transaction in
                let value = try step(transaction)
                return { completion(.success(value)) }
            }, fail: { completion(.failure($0)) })
        let (isAdmitted, isFirst) = state.withLock { state in
            guard !state.isStopping, state.jobs.count < Self.maxQueued else { return (false, false) }
            state.jobs.append(job)
            return (true, state.jobs.count == 1)
        }
        if isFirst { wakeUp.signal() }
        if !isAdmitted { job.fail(ServiceError(.unavailable)) }
    }

    /// Commits what waits and ends the thread. Idempotent.
    func stop() {
        state.withLock { $0.isStopping = true }
        wakeUp.signal()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        while true {
            let (jobs, isStopping) = state.withLock { state in
                let jobs = Array(state.jobs.prefix(Self.maxGroup))
                state.jobs.removeFirst(jobs.count)
                return (jobs, state.isStopping)
            }
            if jobs.isEmpty {
                if isStopping { return }
                wakeUp.wait()
                continue
            }
            if !commit(jobs) {
                // A step failed after it had changed something: its neighbours go again, each on its own.
                for job in jobs where !commit([job]) {
                    preconditionFailure("a group of one answers its own failure")
                }
            }
            log.keepShort()
        }
    }

    /// Runs jobs in one transaction and answers them.
    ///
    /// - Returns: `false` when nothing was committed or answered, because one of several jobs spoilt the transaction.
    private func commit(_ jobs: [Job]) -> Bool {
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(jobs.count)
        let now = MonotonicTime.now
        do {
            let committed = try connection.writeWithoutTransaction { db -> CommitGroup? in
                try db.beginTransaction(.immediate)
                do {
                    let group = CommitGroup(head: head.load(ordering: .relaxed))
                    let transaction = WriteTransaction(db: db, group: group)
                    let changesBefore = db.totalChangesCount
                    for job in jobs {
                        if let deadline = job.deadline, deadline <= now {
                            answers.append { job.fail(ServiceError(.unavailable, detail: "expired")) }
                            continue
                        }
                        let changes = db.totalChangesCount
                        do {
                            answers.append(try job.run(transaction))
                        } catch {
                            // A refusal that comes before the first change has nothing to undo. On a full disk SQLite
                            // itself may have undone the whole group.
                            let isHarmless = db.isInsideTransaction && db.totalChangesCount == changes
                            guard isHarmless || jobs.count == 1 else {
                                try rollBack(db)
                                return nil
                            }
                            if !isHarmless { throw error }
                            let refusal = ServiceError(storage: error, logger: logger)
                            answers.append { job.fail(refusal) }
                        }
                    }
                    if group.events.isEmpty, db.totalChangesCount != changesBefore { try group.appendSilence(db) }
                    try prune(db, group.events)
                    try db.commit()
                    return group
                } catch {
                    try rollBack(db)
                    throw error
                }
            }
            guard let committed else { return false }
            let (publish, deliver) = state.withLock { ($0.publish, $0.deliver) }
            if let last = committed.events.last {
                head.store(last.number, ordering: .releasing)
                remember()
                publish(committed.events)
            }
            if committed.owesEffects { deliver() }
            for answer in answers { answer() }
        } catch {
            let failure = ServiceError(storage: error, logger: logger)
            for job in jobs { job.fail(failure) }
        }
        return true
    }

    /// Notes beside the database how far it has come, before anybody hears of it.
    private func remember() {
        do throws(SystemError) {
            try directory.remember(mark, of: directory.service)
        } catch {
            // What is noted is only behind then.
            logger.warning("how far the database has come could not be noted", metadata: ["error": "\(error)"])
        }
    }

    private func rollBack(_ db: Database) throws {
        onRollback()
        // A full disk has SQLite roll back by itself.
        if db.isInsideTransaction { try db.rollback() }
    }

    private func prune(_ db: Database, _ events: [NumberedEvent]) throws {
        guard let reached = events.last(where: { $0.number % Self.pruningStride == 0 }) else { return }
        try db.execute(sql: "DELETE FROM event WHERE number <= ?", arguments: [reached.number - Self.keptEvents])
    }
}
