import NIOHTTP1
import Shared

/// A request of the `classic` dialect, with its fields read as the contract says: text is text, an id is an integer or
/// a decimal string, and what is missing or of another type is named.
struct ClassicCall: Sendable {
    let request: HTTPRequest
    let body: JSONObject
    let context: CallContext

    /// A text field of the body.
    func text(_ name: String) throws(ClassicError) -> String {
        guard let text = body[name]?.string else { throw .badField(name) }
        return text
    }

    /// A text field that must not be empty.
    func nonEmptyText(_ name: String) throws(ClassicError) -> String {
        let text = try text(name)
        guard !text.isEmpty else { throw .badField(name) }
        return text
    }

    /// A text field that may be missing or null.
    func optionalText(_ name: String) throws(ClassicError) -> String? {
        switch body[name] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw .badField(name)
        }
    }

    /// An id of the body.
    func id(_ name: String) throws(ClassicError) -> Int64 {
        guard let value = body[name], let id = Self.id(value) else { throw .badField(name) }
        return id
    }

    /// Ids of one list.
    static let maxIDs = 500

    /// A list of ids of the body, without repetitions, in the order of their first mention.
    func ids(_ name: String) throws(ClassicError) -> [Int64] {
        guard let values = body[name]?.array, values.count <= Self.maxIDs else { throw .badField(name) }
        var seen: Set<Int64> = []
        var ids: [Int64] = []
        for value in values {
            guard let id = Self.id(value) else { throw .badField(name) }
            if seen.insert(id).inserted { ids.append(id) }
        }
        return ids
    }

    /// A list of account ids of the body.
    func accounts(_ name: String) throws(ClassicError) -> [AccountID] {
        try ids(name).map { AccountID($0) }
    }

    /// `"True"` or `"False"`, or a JSON boolean; `nil` for another text.
    func agreement() throws(ClassicError) -> Bool? {
        switch body["agree"] {
        case .string("True"), .bool(true): return true
        case .string("False"), .bool(false): return false
        case .string: return nil
        default: throw .badField("agree")
        }
    }

    /// The first of several spellings of a query parameter that is there and not empty.
    func optionalQueryText(_ names: String...) -> String? {
        names.lazy.compactMap { request.query[$0] }.first { !$0.isEmpty }
    }

    /// A point in time of the query in seconds, as milliseconds since 1970; the first of several spellings that is there
    /// and not empty.
    func optionalQueryTime(_ names: String...) throws(ClassicError) -> Int64? {
        guard let name = names.first(where: { request.query[$0]?.isEmpty == false }) else { return nil }
        guard let seconds = request.query[name].flatMap({ Double($0) }),
            let time = Int64(exactly: (seconds * 1_000).rounded())
        else { throw .badField(name) }
        return time
    }

    /// A parameter of the query.
    func queryText(_ name: String) throws(ClassicError) -> String {
        guard let text = request.query[name] else { throw .badField(name) }
        return text
    }

    /// An id of the query.
    func queryID(_ name: String) throws(ClassicError) -> Int64 {
        guard let id = Self.decimal(try queryText(name)) else { throw .badField(name) }
        return id
    }

    /// An id of the query that may be missing or empty.
    func optionalQueryID(_ name: String) throws(ClassicError) -> Int64? {
        guard let text = request.query[name], !text.isEmpty else { return nil }
        guard let id = Self.decimal(text) else { throw .badField(name) }
        return id
    }

    private static func id(_ value: JSONValue) -> Int64? {
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

/// What an endpoint answers beside `code` and `info`.
struct ClassicAnswer: Sendable {
    var fields: @Sendable (inout JSONWriter) -> Void = { _ in }
    /// Told whether the answer was handed to the kernel whole.
    var afterWrite: (@Sendable (Bool) -> Void)?

    /// 200 with nothing to say.
    static let succeed = ClassicAnswer()

    var response: HTTPResponse {
        var json = JSONWriter()
        json.object {
            $0.field("code", 0)
            $0.field("info", "Succeed")
            fields(&$0)
        }
        return HTTPResponse(status: .ok, json: json, afterWrite: afterWrite)
    }
}
