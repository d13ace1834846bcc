import GRDB
import Shared
import Testing

@testable import SharedStorage

/// Statements whose arguments are bound straight to SQLite.
@Suite struct StatementTests {
    private let database: DatabaseQueue

    init() throws {
        database = try DatabaseQueue()
        try database.write { db in
            try db.execute(sql: "CREATE TABLE kept (id INTEGER PRIMARY KEY, value UNIQUE)")
        }
    }

    private func insert(_ value: StoredValue, as id: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO kept VALUES (?, ?)").run(.integer(id), value)
    }

    private func kept(_ id: Int64, _ db: Database) throws -> DatabaseValue? {
        try DatabaseValue.fetchOne(db, sql: "SELECT value FROM kept WHERE id = ?", arguments: [id])
    }

    @Test func `every kind of value comes back as GRDB would have stored it`() throws {
        let text = "a\0é😀"
        let values: [(StoredValue, any DatabaseValueConvertible)] = [
            (.null, DatabaseValue.null), (.init(nil as Int64?), DatabaseValue.null), (.integer(.min), Int64.min),
            (.init(MessageID(7)), 7), (.text("é😀"), "é😀"), (.text(""), ""), (.init("x"), "x"),
            (.blob([0, 255]), Blob([0, 255])), (.userText(StoredText(text)), StoredText(text)),
            (.userText(StoredText("")), StoredText("")),
        ]
        try database.write { db in
            for (index, (value, expected)) in values.enumerated() {
                try db.execute(sql: "DELETE FROM kept")
                try insert(value, as: Int64(index), db)
                #expect(try kept(Int64(index), db) == expected.databaseValue, "\(value)")
            }
        }
    }

    @Test func `a text of user's bytes ends where it ended`() throws {
        try database.write { db in
            try insert(.userText(StoredText("a\0b")), as: 1, db)
            #expect(try StoredText.fetchOne(db, sql: "SELECT value FROM kept") == StoredText("a\0b"))
        }
    }

    @Test func `a statement that failed says why and works again with other values`() throws {
        try database.write { db in
            try insert(.text("a"), as: 1, db)
            let failure = #expect(throws: DatabaseError.self) { try insert(.text("a"), as: 2, db) }
            #expect(failure?.resultCode == .SQLITE_CONSTRAINT)
            #expect(failure?.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE)
            #expect(failure?.message?.contains("kept.value") == true)
            try insert(.text("b"), as: 2, db)
            #expect(try kept(2, db) == "b".databaseValue)
        }
    }
}
