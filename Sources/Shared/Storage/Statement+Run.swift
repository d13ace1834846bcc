package import GRDB
import GRDBSQLite

extension Statement {
    /// Executes a statement that returns no rows, its arguments bound straight to SQLite.
    ///
    /// For the few statements that every message runs: GRDB's own arguments are boxed, copied and checked on their way,
    /// which costs more than the insertion itself. Nothing observes transactions here, so that GRDB need not know of it; and
    /// a statement that failed is as good as new once it is reset, so that it may stay among GRDB's cached ones.
    ///
    /// - Parameter values: one for each argument, in their order.
    /// - Throws: `DatabaseError`.
    package func run(_ values: StoredValue...) throws {
        precondition(values.count == Int(sqlite3_bind_parameter_count(sqliteStatement)), "arguments of \(sql)")
        defer { sqlite3_reset(sqliteStatement) }
        for (index, value) in values.enumerated() { try check(bind(value, at: Int32(index + 1)), is: SQLITE_OK) }
        try check(sqlite3_step(sqliteStatement), is: SQLITE_DONE)
    }

    private func bind(_ value: StoredValue, at index: Int32) -> Int32 {
        // SQLite copies what it is given.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: return sqlite3_bind_null(sqliteStatement, index)
        case .integer(let integer): return sqlite3_bind_int64(sqliteStatement, index, integer)
        case .text(var text):
            return text.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) {
                    sqlite3_bind_text(sqliteStatement, index, $0.baseAddress, Int32($0.count), copied)
                }
            }
        case .blob(let bytes): return bytes.withUnsafeBytes { bind($0, at: index, copied) }
        case .userText(let stored):
            var text = stored.text
            return text.withUTF8 { bind(UnsafeRawBufferPointer($0), at: index, copied) }
        }
    }

    private func bind(
        _ bytes: UnsafeRawBufferPointer, at index: Int32, _ copied: sqlite3_destructor_type
    ) -> Int32 {
        // No bytes without an address would be a null.
        guard let address = bytes.baseAddress else { return sqlite3_bind_zeroblob(sqliteStatement, index, 0) }
        return sqlite3_bind_blob(sqliteStatement, index, address, Int32(bytes.count), copied)
    }

    private func check(_ code: Int32, is expected: Int32) throws {
        guard code != expected else { return }
        throw DatabaseError(
            resultCode: ResultCode(rawValue: code),
            message: String(cString: sqlite3_errmsg(sqlite3_db_handle(sqliteStatement))), sql: sql)
    }
}
