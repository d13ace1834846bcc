package import GRDB
package import Logging
package import Shared
import Synchronization

/// What a read is given: a connection in a transaction that changes nothing and sees no later commit.
package typealias Snapshot = Database

/// A service's SQLite file: one writer that commits in groups, a few readers, an event log and an outbox beside the data.
///
/// A write that returned is on disk (`synchronous=FULL`). Writes that arrive while a commit is under way share the next
/// one: an idle service commits a single write at once, a busy one commits hundreds with one fsync.
package final class ServiceDatabase: Sendable {
    /// Turns a stored event back into the one to publish; `nil` when what it spoke of is gone.
    package typealias Expansion = @Sendable (Database, _ kind: String, _ payload: Blob) throws -> Blob?

    /// The one that writes; readers have their own.
    private let connection: DatabaseQueue
    private let writer: GroupCommitWriter
    private let readers: SnapshotReaders
    private let directory: DataDirectory
    private let expand: Expansion
    /// How far the database had come at the start.
    package let initialMark: Mark
    private let logger: Logger
    private let isClosed = Atomic(false)

    /// Opens or creates the database, migrates it and starts its writer.
    ///
    /// - Parameters:
    ///   - migrations: the service's own schema; the tables of the event log, the outbox and the inbox are added here.
    ///   - expand: for events stored in a shorter form than they are published in.
    ///   - onRollback: called on the writer's thread when a group was rolled back: caches of the writer are void.
    /// - Throws: when the file is damaged, from a newer version, or missing, older or another one where there was one; it
    ///   is left as it was.
    package init(
        in directory: DataDirectory, logLimit: LogLimit = LogLimit(), logger: Logger,
        expand: @escaping Expansion = { _, _, payload in payload },
        onRollback: @escaping @Sendable () -> Void = {}, migrations: (inout DatabaseMigrator) -> Void
    ) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("shared-1", migrate: Self.createSharedTables)
        migrator.registerMigration("shared-2", migrate: Self.addAge)
        migrations(&migrator)
        // Behind the service's own, which may still have use for what is dropped.
        migrator.registerMigration("shared-3", migrate: Self.dropFollowUps)
        if try directory.checkDatabaseIsNotLost() { try DatabaseExamination.pass(in: directory, migrator) }
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(Self.busyTimeout)
        connection = try DatabaseQueue(path: directory.databasePath, configuration: configuration)
        do {
            try connection.writeWithoutTransaction(Self.insistOnSettings)
        } catch let refusal as DataDirectory.Refusal {
            throw DataDirectory.Refusal(description: "\(directory.databasePath): \(refusal)")
        }
        try migrator.migrate(connection)
        try directory.rememberDatabase()

        initialMark = try connection.writeWithoutTransaction { db in
            try DatabaseExamination.mark(db) ?? .unseen
        }
        try directory.remember(initialMark, of: directory.service)
        self.directory = directory
        self.expand = expand
        self.logger = logger
        let readers = SnapshotReaders(path: directory.databasePath, logger: logger)
        self.readers = readers
        writer = GroupCommitWriter(
            connection: connection, directory: directory, mark: initialMark,
            log: WriteAheadLog(logLimit, connection: connection, readers: readers, logger: logger), logger: logger,
            onRollback: onRollback)
    }

    /// How far the database has come: what is published and answered is never ahead of it.
    package var mark: Mark { writer.mark }

    /// Names the life of this database on the bus.
    package var epoch: Int64 { initialMark.epoch }

    /// Where committed events go, before the writes that caused them are answered. Set it once, before the first write.
    package func publishEvents(to publisher: EventPublisher) {
        writer.setPublisher { publisher.publish($0) }
    }

    /// What to wake when a committed write owes another service something.
    func wakeOnEffects(_ relay: @escaping @Sendable () -> Void) {
        writer.setRelay(relay)
    }

    /// Runs a write in the next group and returns its value when it is on disk.
    ///
    /// The step may run twice (when a neighbour spoils the group), so it must do nothing but use its transaction. One that
    /// belongs to a call of the bus is not begun any more when nobody waits for its answer.
    /// - Throws: what the step threw, if that is a ``ServiceError``; ``ServiceError/Code/unavailable`` when nothing was
    ///   stored because of a full queue or disk; ``ServiceError/Code/internal`` for anything else.
    package func write<Value: Sendable>(
        _ step: @escaping @Sendable (WriteTransaction) throws -> Value
    ) async throws(ServiceError) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, ServiceError>, Never>) in
            submit(until: BusCall.current?.deadline, step) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Like ``write(_:)``; `completion` runs on the writer's thread, after the commit, and must not block.
    ///
    /// - Parameter deadline: a step whose turn comes later is refused; `nil` for none.
    package func submit<Value: Sendable>(
        until deadline: MonotonicTime? = nil, _ step: @escaping @Sendable (WriteTransaction) throws -> Value,
        completion: @escaping @Sendable (Result<Value, ServiceError>) -> Void
    ) {
        writer.submit(until: deadline, step, completion: completion)
    }

    /// Reads a consistent snapshot, beside the writer and other readers.
    ///
    /// - Parameter deadline: a step whose turn comes later is refused; `nil` for none.
    /// - Throws: what the step threw, if that is a ``ServiceError``; ``ServiceError/Code/unavailable`` when too many wait,
    ///   the deadline has passed or the database is closed; ``ServiceError/Code/internal`` for anything else.
    package func read<Value: Sendable>(
        until deadline: MonotonicTime? = nil, _ step: @escaping @Sendable (Snapshot) throws -> Value
    ) async throws(ServiceError) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, ServiceError>, Never>) in
            read(until: deadline, step) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Like ``read(until:_:)``; `completion` runs on the thread that has read.
    package func read<Value: Sendable>(
        until deadline: MonotonicTime?, _ step: @escaping @Sendable (Snapshot) throws -> Value,
        completion: @escaping @Sendable (Result<Value, ServiceError>) -> Void
    ) {
        readers.submit(until: deadline, step, completion: completion)
    }

    /// Commits what is queued, ends the reads under way and refuses those in line, checkpoints and closes. Later writes and
    /// reads are refused, and the folder is free for another process. Idempotent.
    package func close() {
        writer.stop()
        readers.stop()
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        defer { directory.release() }
        do {
            try connection.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            try connection.close()
        } catch {
            logger.warning("the database was not closed in order", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Event log

    /// The number of the last event in a snapshot: everything the snapshot shows has happened up to it.
    package static func head(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT max(number) FROM event") ?? 0
    }

    /// Registers the answers to reads of this database's event log.
    package func addEventLogRoute(to routes: inout BusRoutes) {
        routes.on(EventLogAPI.Read.self, from: Set(ServiceName.allCases), reading: self) {
            [initialMark, expand] request, db in
            let head = try Self.head(db)
            let oldest = try Int64.fetchOne(db, sql: "SELECT min(number) FROM event") ?? 1
            let limit = min(max(0, request.limit), 1_000)
            let isTooOld = request.after < oldest - 1 || request.after > head
            let rows =
                isTooOld || limit == 0
                ? []
                : try Row.fetchAll(
                    db, sql: "SELECT number, kind, payload FROM event WHERE number > ? ORDER BY number LIMIT ?",
                    arguments: [request.after, limit])
            let events = try rows.map { row in
                let kind: String = row["kind"]
                let payload = try expand(db, kind, row["payload"])
                return NumberedEvent(
                    number: row["number"], kind: payload == nil ? "" : kind, payload: payload ?? Blob([]))
            }
            return EventLogAPI.Read.Reply(
                batch: EventBatch(
                    Mark(age: initialMark.age, epoch: initialMark.epoch, head: head),
                    events: Array(events.prefix(bytes: Self.maxLogPageBytes))),
                isTooOld: isTooOld)
        }
    }

    // MARK: - Opening

    /// Seconds to wait for another program that holds a lock on the file.
    static let busyTimeout = 5.0

    private static func insistOnSettings(_ db: Database) throws {
        // GRDB chooses NORMAL for WAL, which may forget the last commits when the power fails.
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // What is erased is overwritten with zeros, not merely unlinked. Builds of SQLite differ in their default.
        try db.execute(sql: "PRAGMA secure_delete = ON")
        let settings: [(pragma: String, wanted: String)] = [
            ("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1"),
            ("secure_delete", "1"),
        ]
        for (pragma, wanted) in settings {
            let actual = try String.fetchOne(db, sql: "PRAGMA \(pragma)") ?? ""
            guard actual == wanted else {
                throw DataDirectory.Refusal(description: "SQLite keeps \(pragma) at \(actual), not \(wanted)")
            }
        }
    }

    /// Bytes of events in one answer of the event log; who reads it goes on behind the last one.
    private static let maxLogPageBytes = 4 << 20

    private static func createSharedTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE log (epoch INTEGER NOT NULL);
                CREATE TABLE event (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL);
                CREATE TABLE outbox (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    receiver INTEGER NOT NULL,
                    kind TEXT NOT NULL,
                    payload BLOB NOT NULL,
                    eventKind TEXT,
                    eventPayload BLOB
                );
                CREATE TABLE inbox (
                    sender INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,
                    PRIMARY KEY (sender, epoch)
                ) WITHOUT ROWID;
                """)
        try db.execute(sql: "INSERT INTO log VALUES (?)", arguments: [Int64.random(in: 1...Int64.max)])
    }

    /// How often somebody deliberately went back to an older copy.
    private static func addAge(_ db: Database) throws {
        try db.execute(sql: "ALTER TABLE log ADD COLUMN age INTEGER NOT NULL DEFAULT 0")
    }

    /// What has to be told of an effect, its receiver tells: no event waits here for the acknowledgement any more.
    private static func dropFollowUps(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE outbox DROP COLUMN eventKind;
                ALTER TABLE outbox DROP COLUMN eventPayload;
                """)
    }
}
