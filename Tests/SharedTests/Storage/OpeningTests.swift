import Foundation
import GRDB
import Shared
import Testing

@testable import SharedStorage

@Suite struct OpeningTests {
    let folder = ScratchFolder()

    /// Why the folder's database is refused; empty when it is not.
    private func refusal(migrations: (inout DatabaseMigrator) -> Void = { _ in }) -> String {
        do {
            try folder.open(migrations: migrations).close()
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func fillAndClose() async throws {
        try await folder.withDatabase { database in
            try await database.write { transaction in
                for index in 0..<2_000 { try transaction.note("note number \(index)") }
            }
        }
    }

    @Test func `the settings durability and erasure depend on are in force`() async throws {
        try await folder.withDatabase { database in
            let settings = try await database.write { transaction in
                try ["synchronous", "journal_mode", "foreign_keys", "secure_delete"].map { pragma in
                    try String.fetchOne(transaction.db, sql: "PRAGMA \(pragma)") ?? ""
                }
            }

            #expect(settings == ["2", "wal", "1", "1"])
        }
    }

    @Test func `a clean close leaves everything in the database file`() async throws {
        try await fillAndClose()

        let log = folder.databasePath + "-wal"
        let size =
            try FileManager.default.fileExists(atPath: log)
            ? FileManager.default.attributesOfItem(atPath: log)[.size] as? Int : 0
        #expect(size == 0)
        #expect(try await folder.withDatabase { try await $0.notes.count } == 2_000)
    }

    @Test func `epoch and head outlive a restart and another database has another epoch`() async throws {
        let (epoch, head) = try await folder.withDatabase { database in
            try await database.write { try $0.publish(Noted(text: "a")) }
            return (database.epoch, database.initialMark.head)
        }

        #expect(head == 0)
        try await folder.withDatabase { database in
            #expect(database.epoch == epoch)
            #expect(database.initialMark.head == 1)
        }
        try await ScratchFolder().withDatabase { #expect($0.epoch != epoch) }
    }

    @Test func `a folder is held by one at a time and free again afterwards`() throws {
        try hold { folder in
            for _ in 1...2 { #expect(refusal() == "another social-svc is running on \(folder.path)") }
            #expect(throws: Never.self) { try DataDirectory(path: folder.path, service: .message) }
        }

        #expect(refusal() == "")
    }

    /// Runs the body while this process holds the folder's lock.
    private func hold(_ body: (DataDirectory) throws -> Void) throws {
        let directory = try DataDirectory(path: folder.path, service: .social)
        try body(directory)
        withExtendedLifetime(directory) {}
    }

    @Test func `the folder and its files are private`() async throws {
        try await fillAndClose()

        let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func `a database of a newer version is refused and left as it is`() async throws {
        try folder.open(migrations: { migrator in
            migrator.registerMigration("note-2") { db in try db.execute(sql: "CREATE TABLE future (x)") }
        }).close()

        #expect(refusal() == "\(folder.databasePath) was written by a newer version of this program")
        #expect(
            refusal { migrator in migrator.registerMigration("note-2") { _ in Issue.record("migrated twice") } } == "")
    }

    @Test func `a database of an older version is migrated and keeps its rows`() async throws {
        try await folder.withDatabase { try await $0.write { try $0.note("old") } }

        let database = try folder.open(migrations: { migrator in
            migrator.registerMigration("note-2") { db in
                try db.execute(sql: "ALTER TABLE note ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0")
            }
        })
        defer { database.close() }

        #expect(try await database.notes == ["old"])
    }

    @Test func `a migration that fails leaves the older version as it was`() async throws {
        try await folder.withDatabase { try await $0.write { try $0.note("old") } }

        let failed = refusal { migrator in
            migrator.registerMigration("note-2") { db in
                try db.execute(sql: "DELETE FROM note")
                try db.execute(sql: "no SQL")
            }
        }

        #expect(failed != "")
        #expect(try await folder.withDatabase { try await $0.notes } == ["old"])
    }

    @Test func `a database that is gone is not replaced by an empty one`() async throws {
        try await fillAndClose()
        try FileManager.default.removeItem(atPath: folder.databasePath)

        #expect(refusal().hasPrefix("\(folder.databasePath) is missing"))
        #expect(!FileManager.default.fileExists(atPath: folder.databasePath))

        // The way the message names for an operator who means it.
        try FileManager.default.removeItem(atPath: folder.path + "/social-svc.lock")
        #expect(refusal() == "")
    }

    @Test(arguments: ["header", "page", "tail"])
    func `a damaged file is refused by its name and never replaced`(place: String) async throws {
        try await fillAndClose()
        var content = try Data(contentsOf: URL(fileURLWithPath: folder.databasePath))
        switch place {
        case "header": for index in 0..<16 { content[index] ^= 0xFF }
        case "page":
            // Headers of all pages but the first: which one belongs to which table is SQLite's business.
            for page in stride(from: 4_096, to: content.count, by: 4_096) {
                for index in page..<page + 16 { content[index] ^= 0xFF }
            }
        default: content.removeLast(content.count / 2 / 4_096 * 4_096)
        }
        try content.write(to: URL(fileURLWithPath: folder.databasePath))

        let reason = refusal()

        #expect(reason.contains(folder.databasePath), "\(reason)")
        #expect(reason.contains("damaged"), "\(reason)")
        #expect(refusal() == reason, "it is still the same file")
    }
}
