import NIOHTTP1
import Shared

/// A request with its fields read as the contract says: text is text, an id is an integer or a decimal string, and what
/// is missing or of another type is named.
struct SurfaceCall<Failure: SurfaceFailure>: Sendable {
    let request: HTTPRequest
    let body: JSONObject
    let context: CallContext

    /// A text field of the body.
    func text(_ name: String) throws(Failure) -> String {
        guard let text = body[name]?.string else { throw .badField(name) }
        return text
    }

    /// A text field that must not be empty.
    func nonEmptyText(_ name: String) throws(Failure) -> String {
        let text = try text(name)
        guard !text.isEmpty else { throw .badField(name) }
        return text
    }

    /// A text field that may be missing or null.
    func optionalText(_ name: String) throws(Failure) -> String? {
        switch body[name] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw .badField(name)
        }
    }

    /// The client's own id of a message, from the body or the header `Idempotency-Key`; `nil` for none.
    func clientMessageID(_ name: String) throws(Failure) -> String? {
        guard let id = try optionalText(name) ?? request.headers.first(name: "Idempotency-Key") else { return nil }
        guard ClientMessageID.isPossible(id) else { throw .badField(name) }
        return id
    }

    /// An id of the body.
    func id(_ name: String) throws(Failure) -> Int64 {
        guard let value = body[name], let id = Self.id(value) else { throw .badField(name) }
        return id
    }

    /// An id of the body that may be missing or null.
    func optionalID(_ name: String) throws(Failure) -> Int64? {
        guard let value = body[name], !value.isNull else { return nil }
        return try id(name)
    }

    /// An id of the path.
    func pathID(_ name: String) throws(Failure) -> Int64 {
        guard let id = request.parameters[name].flatMap(Self.decimal) else { throw .badField(name) }
        return id
    }

    /// Ids of one list.
    static var maxIDs: Int { 500 }

    /// A list of ids of the body, without repetitions, in the order of their first mention.
    func ids(_ name: String) throws(Failure) -> [Int64] {
        guard let values = body[name]?.array, values.count <= Self.maxIDs else { throw .badField(name) }
        return try distinct(values, name, Self.id)
    }

    private func distinct<Value>(
        _ values: [Value], _ name: String, _ read: (Value) -> Int64?
    ) throws(Failure) -> [Int64] {
        var seen: Set<Int64> = []
        var ids: [Int64] = []
        for value in values {
            guard let id = read(value) else { throw .badField(name) }
            if seen.insert(id).inserted { ids.append(id) }
        }
        return ids
    }

    /// A list of account ids of the body.
    func accounts(_ name: String) throws(Failure) -> [AccountID] {
        try ids(name).map { AccountID($0) }
    }

    /// The first of several spellings of a query parameter that is there and not empty.
    func optionalQueryText(_ names: String...) -> String? {
        names.lazy.compactMap { request.query[$0] }.first { !$0.isEmpty }
    }

    /// A point in time of the query in seconds, as milliseconds since 1970; the first of several spellings that is there
    /// and not empty.
    func optionalQueryTime(_ names: String...) throws(Failure) -> Int64? {
        guard let name = names.first(where: { request.query[$0]?.isEmpty == false }) else { return nil }
        guard let seconds = request.query[name].flatMap({ Double($0) }),
            let time = Int64(exactly: (seconds * 1_000).rounded())
        else { throw .badField(name) }
        return time
    }

    /// A parameter of the query.
    func queryText(_ name: String) throws(Failure) -> String {
        guard let text = request.query[name] else { throw .badField(name) }
        return text
    }

    /// An id of the query.
    func queryID(_ name: String) throws(Failure) -> Int64 {
        guard let id = Self.decimal(try queryText(name)) else { throw .badField(name) }
        return id
    }

    /// The ids of a parameter of the query that may be repeated, without repetitions, in the order of their first mention.
    func queryIDs(_ name: String) throws(Failure) -> [Int64] {
        let texts = request.query.pairs.filter { $0.name == name }.map(\.value)
        guard 1...Self.maxIDs ~= texts.count else { throw .badField(name) }
        return try distinct(texts, name, Self.decimal)
    }

    /// An id of the query that may be missing or empty.
    func optionalQueryID(_ name: String) throws(Failure) -> Int64? {
        guard let text = request.query[name], !text.isEmpty else { return nil }
        guard let id = Self.decimal(text) else { throw .badField(name) }
        return id
    }

    /// A truth value of the query, `true` or `false`, that may be missing or empty.
    func optionalQueryFlag(_ name: String) throws(Failure) -> Bool? {
        switch request.query[name] {
        case nil, "": return nil
        case "true": return true
        case "false": return false
        default: throw .badField(name)
        }
    }

    /// An id as clients write it: an integer or a decimal string.
    static func id(_ value: JSONValue) -> Int64? {
        switch value {
        case .integer(let id): bounded(id)
        case .string(let text): decimal(text)
        default: nil
        }
    }

    /// An optional minus and digits, within 64 bits; nothing else that `Int64` would read.
    private static func decimal(_ text: String) -> Int64? {
        text.hasPrefix("+") ? nil : Int64(text).map(bounded)
    }

    /// No id has more than 53 bits, so nothing is lost, and nobody behind here can overflow who counts on from an id.
    private static func bounded(_ id: Int64) -> Int64 { min(max(id, -1 << 53), 1 << 53) }
}

/// The ids that clients give their messages; the same in every dialect.
enum ClientMessageID {
    private static let maxCharacters = 255

    static func isPossible(_ id: String) -> Bool {
        !id.isEmpty && id.unicodeScalars.count <= maxCharacters && !id.contains("\0")
    }
}
