/// A JSON object (RFC 8259) whose values are no objects and no arrays, which is all that our tokens contain.
///
/// A general decoder keeps one of two equal keys without a word and rounds large numbers; both would let two readers of
/// one token see different claims. This one refuses equal keys (also if one is written with escapes), text after the
/// object, and bytes that are not UTF-8.
struct FlatJSON {
    enum Value: Hashable {
        case string([UInt8])
        /// A number written without fraction and exponent that fits.
        case integer(Int64)
        /// Any other number, true, false or null.
        case other
    }

    /// Keys and texts stay bytes: two `String`s are equal if they look alike, which is not enough for a token.
    private var members: [(key: [UInt8], value: Value)] = []

    var count: Int { members.count }

    /// Returns nil if `bytes` are not exactly one flat object.
    init?(_ bytes: [UInt8]) {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = FlatJSONReader(bytes)
        guard let members = reader.object() else { return nil }
        self.members = members
    }

    func value(_ key: String) -> Value? {
        members.first { $0.key.elementsEqual(key.utf8) }?.value
    }

    func has(_ key: String, equalTo text: String) -> Bool {
        guard case .string(let bytes) = value(key) else { return false }
        return bytes.elementsEqual(text.utf8)
    }

    func integer(_ key: String) -> Int64? {
        guard case .integer(let number) = value(key) else { return nil }
        return number
    }

    /// Returns `text` as a JSON string with its quotes.
    static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}

/// Reads forward once over the bytes. A nil from any method means "refused" and ends the reading.
private struct FlatJSONReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func object() -> [(key: [UInt8], value: FlatJSON.Value)]? {
        var members: [(key: [UInt8], value: FlatJSON.Value)] = []
        var keys: Set<[UInt8]> = []
        skipSpace()
        guard take("{") else { return nil }
        skipSpace()
        if !take("}") {
            repeat {
                skipSpace()
                guard let key = string(), keys.insert(key).inserted else { return nil }
                skipSpace()
                guard take(":") else { return nil }
                skipSpace()
                guard let value = value() else { return nil }
                members.append((key, value))
                skipSpace()
            } while take(",")
            guard take("}") else { return nil }
        }
        skipSpace()
        return position == bytes.count ? members : nil
    }

    private mutating func value() -> FlatJSON.Value? {
        guard let first = peek else { return nil }
        return switch first {
        case UInt8(ascii: "\""): string().map { .string($0) }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): number()
        default: take("true") || take("false") || take("null") ? .other : nil
        }
    }

    private mutating func number() -> FlatJSON.Value? {
        let start = position
        _ = take("-")
        // A zero stands alone: 01 is not JSON.
        guard take("0") || digits() else { return nil }
        var isInteger = true
        if take(".") {
            guard digits() else { return nil }
            isInteger = false
        }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            guard digits() else { return nil }
            isInteger = false
        }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        guard isInteger, let number = Int64(digits) else { return .other }
        return .integer(number)
    }

    /// Takes one digit or more.
    private mutating func digits() -> Bool {
        let start = position
        while let byte = peek, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
        return position > start
    }

    private mutating func string() -> [UInt8]? {
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard let letter = next() else { return nil }
        return switch letter {
        case UInt8(ascii: "\""): "\""
        case UInt8(ascii: "\\"): "\\"
        case UInt8(ascii: "/"): "/"
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        case UInt8(ascii: "u"): codePoint()
        default: nil
        }
    }

    /// Reads the digits of `\uXXXX`, and the second half of a surrogate pair. Half a pair is refused.
    private mutating func codePoint() -> Unicode.Scalar? {
        guard let first = fourHexDigits() else { return nil }
        guard 0xD800...0xDBFF ~= first else { return Unicode.Scalar(first) }
        guard take("\\u"), let second = fourHexDigits(), 0xDC00...0xDFFF ~= second else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private mutating func fourHexDigits() -> UInt32? {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            number = number << 4 | UInt32(digit)
        }
        return number
    }

    private mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func next() -> UInt8? {
        guard let byte = peek else { return nil }
        position += 1
        return byte
    }

    private mutating func take(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }
}
