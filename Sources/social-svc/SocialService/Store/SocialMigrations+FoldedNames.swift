import GRDB
import Shared
import SharedStorage

extension SocialMigrations {
    /// - `chatGroup.foldedName` is what searches compare; SQLite itself knows the case of ASCII alone.
    static func foldGroupNames(_ db: Database) throws {
        let folded = DatabaseFunction("folded", argumentCount: 1) { arguments in
            StoredText.fromDatabaseValue(arguments[0]).map { StoredText(FoldedText($0.text).text) }
        }
        db.add(function: folded)
        defer { db.remove(function: folded) }
        try db.execute(
            sql: """
                ALTER TABLE chatGroup ADD COLUMN foldedName BLOB NOT NULL DEFAULT X'';
                UPDATE chatGroup SET foldedName = folded(name);
                """)
    }
}
