package import Shared

/// A value as SQLite keeps it; see `Statement.run(_:)`.
package enum StoredValue {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
    case userText(StoredText)

    package init(_ integer: Int64?) { self = integer.map { .integer($0) } ?? .null }
    package init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    package init<Kind>(_ id: Identifier<Kind>?) { self.init(id?.rawValue) }
}
