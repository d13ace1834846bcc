import Foundation
package import GRDB
package import Shared

extension Identifier: DatabaseValueConvertible, StatementColumnConvertible, SQLExpressible {
    package var databaseValue: DatabaseValue { rawValue.databaseValue }
    package var sqlExpression: SQLExpression { databaseValue.sqlExpression }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> Self? {
        Int64.fromDatabaseValue(value).map(Self.init(_:))
    }

    package init(sqliteStatement: SQLiteStatement, index: CInt) {
        self.init(Int64(sqliteStatement: sqliteStatement, index: index))
    }
}

extension Blob: DatabaseValueConvertible {
    package var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> Blob? {
        Data.fromDatabaseValue(value).map { Blob([UInt8]($0)) }
    }
}
