import NIOCore

/// Why a text is not JSON, and where.
struct JSONSyntaxError: Error, Equatable, CustomStringConvertible {
    /// The rule that was broken.
    enum Reason: String, Sendable {
        case unexpectedEnd = "the text ends too early"
        case unexpectedByte = "unexpected byte"
        case trailingBytes = "bytes after the value"
        case tooDeep = "nested too deeply"
        case invalidNumber = "malformed number"
        case numberOutOfRange = "number out of range"
        case invalidEscape = "malformed escape"
        case loneSurrogate = "lone surrogate"
        case controlCharacter = "control character in a string"
        case invalidUTF8 = "not UTF-8"
    }

    let reason: Reason
    /// Distance in bytes from the start of the text.
    let offset: Int

    var description: String { "\(reason.rawValue) at byte \(offset)" }
}

extension JSONValue {
    /// How deep arrays and objects may be nested. The parser recurses, so this bounds its stack.
    static let maximumDepth = 64

    /// Reads one JSON text from the readable bytes, strictly after RFC 8259.
    ///
    /// UTF-8 without byte order mark. Bytes after the value, bad UTF-8, escaped lone surrogates, raw control
    /// characters, more than ``maximumDepth`` levels and numbers beyond the range of `Double` are refused. Time and
    /// memory are linear in the length of the text; its length itself is bounded by whoever received it.
    init(parsing buffer: ByteBuffer) throws(JSONSyntaxError) {
        self = try buffer.withUnsafeReadableBytes { bytes -> Result<JSONValue, JSONSyntaxError> in
            var parser = JSONParser(bytes: bytes)
            do throws(JSONSyntaxError) {
                return .success(try parser.parseText())
            } catch {
                return .failure(error)
            }
        }.get()
    }
}

/// A recursive-descent reader over raw bytes that lives for one call. Every access checks the end first.
struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    var index = 0
    private var depth = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// `JSON-text = ws value ws`, and nothing behind it.
    mutating func parseText() throws(JSONSyntaxError) -> JSONValue {
        skipWhitespace()
        let value = try parseValue()
        skipWhitespace()
        guard index == bytes.count else { throw failure(.trailingBytes) }
        return value
    }

    func failure(_ reason: JSONSyntaxError.Reason) -> JSONSyntaxError {
        JSONSyntaxError(reason: reason, offset: index)
    }

    /// The byte at the cursor, or `nil` at the end.
    var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipWhitespace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func parseValue() throws(JSONSyntaxError) -> JSONValue {
        guard let first = current else { throw failure(.unexpectedEnd) }
        switch first {
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "{"): return .object(try parseObject())
        case UInt8(ascii: "["): return .array(try parseArray())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        case UInt8(ascii: "t"): return try parseLiteral("true", .bool(true))
        case UInt8(ascii: "f"): return try parseLiteral("false", .bool(false))
        case UInt8(ascii: "n"): return try parseLiteral("null", .null)
        default: throw failure(.unexpectedByte)
        }
    }

    private mutating func parseLiteral(_ text: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        for offset in 0..<text.utf8CodeUnitCount {
            guard let byte = current else { throw failure(.unexpectedEnd) }
            guard byte == text.utf8Start[offset] else { throw failure(.unexpectedByte) }
            index += 1
        }
        return value
    }

    private mutating func parseArray() throws(JSONSyntaxError) -> [JSONValue] {
        try enter()
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        if try isEmpty(closing: UInt8(ascii: "]")) { return elements }
        repeat {
            skipWhitespace()
            elements.append(try parseValue())
        } while try continues(closing: UInt8(ascii: "]"))
        return elements
    }

    private mutating func parseObject() throws(JSONSyntaxError) -> JSONObject {
        try enter()
        defer { depth -= 1 }
        var members: [JSONObject.Member] = []
        if try isEmpty(closing: UInt8(ascii: "}")) { return JSONObject() }
        repeat {
            skipWhitespace()
            guard let quote = current else { throw failure(.unexpectedEnd) }
            guard quote == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
            let name = try parseString()
            skipWhitespace()
            guard let colon = current else { throw failure(.unexpectedEnd) }
            guard colon == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
            index += 1
            skipWhitespace()
            members.append(JSONObject.Member(name: name, value: try parseValue()))
        } while try continues(closing: UInt8(ascii: "}"))
        return JSONObject(members)
    }

    /// Steps over the opening bracket at the cursor.
    private mutating func enter() throws(JSONSyntaxError) {
        guard depth < JSONValue.maximumDepth else { throw failure(.tooDeep) }
        depth += 1
        index += 1
    }

    /// Steps over `closing` if it follows the opening bracket at once.
    private mutating func isEmpty(closing: UInt8) throws(JSONSyntaxError) -> Bool {
        skipWhitespace()
        guard let byte = current else { throw failure(.unexpectedEnd) }
        guard byte == closing else { return false }
        index += 1
        return true
    }

    /// Steps over the comma (another element must follow) or over `closing` (that was the last one).
    private mutating func continues(closing: UInt8) throws(JSONSyntaxError) -> Bool {
        skipWhitespace()
        guard let byte = current else { throw failure(.unexpectedEnd) }
        guard byte == closing || byte == UInt8(ascii: ",") else { throw failure(.unexpectedByte) }
        index += 1
        return byte != closing
    }
}
