import Foundation
package import GRDB

/// Text from users, stored as its UTF-8 bytes in a BLOB column.
///
/// SQLite's text functions end a text at a NUL character, which JSON may well contain; bytes come back as they were.
package struct StoredText: DatabaseValueConvertible, Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var databaseValue: DatabaseValue { Data(text.utf8).databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> StoredText? {
        Data.fromDatabaseValue(value).map { StoredText(String(decoding: $0, as: UTF8.self)) }
    }
}
