import Dispatch
import GRDB
import GRDBSQLite
import Logging
import Shared
import Synchronization

/// How long the write-ahead log may get, in pages of 4 KiB.
package struct LogLimit: Sendable {
    /// From here on each commit copies into the database file what no reader needs in the log any more.
    package var copyingPages: Int32 = 1_000
    /// A commit that ends beyond this has the log begin anew: the file gets no longer than this and one group.
    package var maxPages: Int32 = 8_192

    package init() {}
}

/// Keeps the write-ahead log short, on the writer's thread.
///
/// SQLite begins the log anew when everything in it was copied and no reader looks at it. With readers that overlap there is
/// always one, and the file would grow as long as they do; so they pause for the moment that takes.
final class WriteAheadLog: Sendable {
    /// Time that reads have to end once the log is too long.
    private static let patience = DispatchTimeInterval.seconds(2)

    private let limit: LogLimit
    private let connection: DatabaseQueue
    private let readers: SnapshotReaders
    private let logger: Logger
    /// Pages after the last commit.
    private let pages = Atomic<Int32>(0)
    /// Pages beyond which it has to begin anew.
    private let bound: Atomic<Int32>

    /// - Parameter connection: the writer's; this must live as long.
    init(_ limit: LogLimit, connection: DatabaseQueue, readers: SnapshotReaders, logger: Logger) {
        self.limit = limit
        self.connection = connection
        self.readers = readers
        self.logger = logger
        bound = Atomic(limit.maxPages)
        _ = connection.inDatabase { db in
            // It takes the place of SQLite's own, which does the same from 1,000 pages on.
            sqlite3_wal_hook(
                db.sqliteConnection,
                { context, connection, database, pages in
                    guard let context else { return SQLITE_OK }
                    let log = Unmanaged<WriteAheadLog>.fromOpaque(context).takeUnretainedValue()
                    log.pages.store(pages, ordering: .relaxed)
                    if pages >= log.limit.copyingPages {
                        // What cannot be copied now stays in the log, and the next commit tries again.
                        sqlite3_wal_checkpoint_v2(connection, database, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
                    }
                    return SQLITE_OK
                }, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    /// Begins anew if the last commit has made it too long.
    func keepShort() {
        guard pages.load(ordering: .relaxed) > bound.load(ordering: .relaxed) else { return }
        readers.pause(patience: Self.patience)
        defer { readers.resume() }
        do {
            try connection.writeWithoutTransaction { db in
                // Our own readers are quiet. Whoever else looks at the file must not hold up the writer.
                sqlite3_busy_timeout(db.sqliteConnection, 0)
                defer { sqlite3_busy_timeout(db.sqliteConnection, Int32(ServiceDatabase.busyTimeout * 1_000)) }
                try db.checkpoint(.restart)
            }
            pages.store(0, ordering: .relaxed)
            bound.store(limit.maxPages, ordering: .relaxed)
        } catch {
            let pages = pages.load(ordering: .relaxed)
            bound.store(pages + limit.maxPages / 8, ordering: .relaxed)
            logger.warning(
                "the write-ahead log grows: another program reads the database",
                metadata: ["pages": "\(pages)", "error": "\(ServiceError(storage: error, logger: logger))"])
        }
    }
}
