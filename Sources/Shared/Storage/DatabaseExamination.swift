import GRDB
import Shared

/// Looks at a database file before anything is done with it, over a connection that cannot change it: what is refused stays
/// as it was, with the log beside it.
enum DatabaseExamination {
    /// Pages of the largest file that is checked whole at every start: beyond it the check would delay the recovery.
    private static let maxCheckedPages = 16_384

    /// - Throws: ``DataDirectory/Refusal`` when the file is damaged, from a newer version, or not the one that was here.
    static func pass(in directory: DataDirectory, _ migrator: DatabaseMigrator) throws {
        let path = directory.databasePath
        do {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let connection = try DatabaseQueue(path: path, configuration: configuration)
            try connection.unsafeRead { db in
                try checkIntegrity(db, path)
                guard try !migrator.hasBeenSuperseded(db) else {
                    throw DataDirectory.Refusal(description: "\(path) was written by a newer version of this program")
                }
                try directory.check(mark(db))
            }
            try connection.close()
        } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            throw DataDirectory.Refusal(description: "\(path) is damaged: \(error)")
        }
    }

    /// How far a database has come; `nil` when it has no event log yet.
    static func mark(_ db: Database) throws -> Mark? {
        guard try db.tableExists("log"), let row = try Row.fetchOne(db, sql: "SELECT * FROM log") else { return nil }
        return Mark(age: row["age"] ?? 0, epoch: row["epoch"], head: try ServiceDatabase.head(db))
    }

    private static func checkIntegrity(_ db: Database, _ path: String) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0 <= maxCheckedPages else { return }
        let finding = try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
        guard finding == "ok" else {
            throw DataDirectory.Refusal(description: "\(path): the file is damaged: \(finding ?? "no answer")")
        }
    }
}
