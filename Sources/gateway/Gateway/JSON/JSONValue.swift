import NIOCore

/// One JSON value (RFC 8259).
///
/// A number written without fraction and exponent is ``integer(_:)`` when it fits 64 bits; every other finite number
/// is ``number(_:)``. A number whose magnitude no `Double` can hold does not parse at all.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// The text, if this is a string.
    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The integer, if this is one, or a number without a fractional part that fits 64 bits (`1e3`, `5.0`).
    var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number as floating point, if this is a number of either kind.
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The truth value, if this is one; `0`, `1` and `"true"` are not.
    var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, if this is an array.
    var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The members, if this is an object.
    var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// Whether this is `null`.
    var isNull: Bool { self == .null }
}

/// The members of a JSON object, in the order in which they were written.
///
/// RFC 8259 section 4 leaves repeated names open. Here all of them are kept, and ``subscript(_:)`` answers the
/// **last** one, as `JSON.parse` and most other parsers do, so that two readers of one text agree.
struct JSONObject: Sendable, Equatable {
    /// One name with its value.
    struct Member: Sendable, Equatable {
        var name: String
        var value: JSONValue
    }

    /// All members, repeated names included.
    private(set) var members: [Member]

    init(_ members: [Member] = []) {
        self.members = members
    }

    /// Reads a text; `nil` for what is no JSON, or no object.
    init?(parsing text: ByteBuffer) {
        do throws(JSONSyntaxError) {
            guard let object = try JSONValue(parsing: text).object else { return nil }
            self = object
        } catch {
            return nil
        }
    }

    /// Whether there is no member at all.
    var isEmpty: Bool { members.isEmpty }

    /// The value of the last member called `name`, or `nil` when there is none.
    ///
    /// Names are compared byte by byte. Equality of `String` alone would take the Kelvin sign for a `K`; canonically
    /// equal texts of the same UTF-8 length as a plain ASCII name are that name, so the length settles it.
    subscript(name: String) -> JSONValue? {
        let length = name.utf8.count
        return members.last { $0.name.utf8.count == length && $0.name == name }?.value
    }

    /// Adds a member at the end; a member of the same name stays, and is shadowed.
    mutating func append(_ name: String, _ value: JSONValue) {
        members.append(Member(name: name, value: value))
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { Member(name: $0.0, value: $0.1) })
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { JSONObject.Member(name: $0.0, value: $0.1) }))
    }
}
