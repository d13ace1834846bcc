import Foundation
package import GRDB
import GRDBSQLite

/// Text from users, stored as its UTF-8 bytes in a BLOB column.
///
/// SQLite's text functions end a text at a NUL character, which JSON may well contain; bytes come back as they were.
package struct StoredText: DatabaseValueConvertible, StatementColumnConvertible, Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// Decodes the bytes where SQLite has them, without a copy in between.
    package init(sqliteStatement: SQLiteStatement, index: CInt) {
        // In this order, as SQLite asks for; an empty one has no address.
        let start = sqlite3_column_blob(sqliteStatement, index)
        let count = Int(sqlite3_column_bytes(sqliteStatement, index))
        text = String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    package var databaseValue: DatabaseValue { Data(text.utf8).databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> StoredText? {
        Data.fromDatabaseValue(value).map { StoredText(String(decoding: $0, as: UTF8.self)) }
    }
}
