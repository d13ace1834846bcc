import Dispatch
import GRDB
import Logging
import Shared
import Synchronization
import TestSupport

@testable import SharedStorage

/// A folder of one test's own, removed with it.
final class ScratchFolder: Sendable {
    private let folder = TemporaryFolder()

    var path: String { folder.path }

    /// Opens the database of a service with one table, `note`.
    func open(
        logLimit: LogLimit = LogLimit(), onRollback: @escaping @Sendable () -> Void = {},
        migrations: (inout DatabaseMigrator) -> Void = { _ in }
    ) throws -> ServiceDatabase {
        try ServiceDatabase(
            in: DataDirectory(path: path, service: .social), logLimit: logLimit, logger: .silent, onRollback: onRollback
        ) { migrator in
            migrator.registerMigration("note-1", migrate: createNotes)
            migrations(&migrator)
        }
    }

    /// Opens a database, runs the body and closes it, so that the folder is free for another life.
    func withDatabase<Value>(_ body: (ServiceDatabase) async throws -> Value) async throws -> Value {
        let database = try open()
        defer { database.close() }
        return try await body(database)
    }

    var databasePath: String { path + "/social-svc.db" }
}

extension Logger {
    static let silent = Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) }
}

typealias WriteStep<Value> = @Sendable (WriteTransaction) throws -> Value

extension Result where Failure == ServiceError {
    var refusal: ServiceError? {
        guard case .failure(let refusal) = self else { return nil }
        return refusal
    }
}

/// The schema of the tests: a table, and one whose constraint is checked no sooner than at the commit.
@Sendable func createNotes(_ db: Database) throws {
    try db.execute(
        sql: """
            CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
            CREATE TABLE promise (note INTEGER NOT NULL REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED);
            """)
}

extension WriteTransaction {
    func note(_ text: String) throws {
        try db.execute(sql: "INSERT INTO note (text) VALUES (?)", arguments: [text])
    }

    /// Names the transaction a step ran in, to see which steps shared one.
    var identity: ObjectIdentifier { ObjectIdentifier(group) }
}

extension ServiceDatabase {
    var notes: [String] {
        get async throws { try await read { db in try String.fetchAll(db, sql: "SELECT text FROM note ORDER BY id") } }
    }

    /// Those that say something.
    var events: [NumberedEvent] {
        get async throws {
            try await read { db in
                try Row.fetchAll(
                    db, sql: "SELECT number, kind, payload FROM event WHERE kind <> '' ORDER BY number"
                ).map { row in
                    NumberedEvent(number: row["number"], kind: row["kind"], payload: row["payload"])
                }
            }
        }
    }

    /// Keeps the writer busy, so that what is submitted meanwhile forms one group; returns what lets it go on.
    func occupyWriter() async -> @Sendable () -> Void {
        let gate = DispatchSemaphore(value: 0)
        let (starts, start) = AsyncStream<Void>.makeStream()
        submit { _ in
            start.yield()
            // The writer has a thread of its own, which may block.
            gate.wait()
        } completion: { _ in
        }
        for await _ in starts { break }
        return { gate.signal() }
    }

    /// Submits steps that become one group and waits for their answers.
    ///
    /// - Returns: the answers by step, and the order in which they were given.
    func writeGroup<Value: Sendable>(
        _ steps: [WriteStep<Value>]
    ) async -> (answers: [Result<Value, ServiceError>], order: [Int]) {
        let release = await occupyWriter()
        let (answers, answer) = AsyncStream<(Int, Result<Value, ServiceError>)>.makeStream()
        for (index, step) in steps.enumerated() {
            submit(step) { answer.yield((index, $0)) }
        }
        release()
        var byStep: [Int: Result<Value, ServiceError>] = [:]
        var order: [Int] = []
        for await (index, result) in answers {
            byStep[index] = result
            order.append(index)
            if order.count == steps.count { break }
        }
        return (steps.indices.compactMap { byStep[$0] }, order)
    }
}

/// A fact of the tests.
struct Noted: BusEvent {
    static let kind = "test.noted"
    var text: String
    static let wireFormat = WireFormat({ Noted(text: $0) }, \.text)
}

/// An effect of the tests.
struct TakeNote: BusEffect {
    static let kind = "test.takeNote"
    var text: String
    static let wireFormat = WireFormat({ TakeNote(text: $0) }, \.text)
}
