extension JSONParser {
    /// Reads a string (RFC 8259 section 7); the cursor stands on its opening quote.
    mutating func parseString() throws(JSONSyntaxError) -> String {
        index += 1
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                // The common case: no escape, so the bytes are the text.
                guard let text = String(validating: bytes[start..<index], as: UTF8.self) else {
                    throw JSONSyntaxError(reason: .invalidUTF8, offset: start)
                }
                index += 1
                return text
            case UInt8(ascii: "\\"): return try parseEscapedString(from: start)
            case 0..<0x20: throw failure(.controlCharacter)
            default: index += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    /// Goes on with a string that holds at least one escape; the cursor stands on the first backslash.
    private mutating func parseEscapedString(from start: Int) throws(JSONSyntaxError) -> String {
        var text = [UInt8](bytes[start..<index])
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw JSONSyntaxError(reason: .invalidUTF8, offset: start)
                }
                index += 1
                return text
            case UInt8(ascii: "\\"): try parseEscape(into: &text)
            case 0..<0x20: throw failure(.controlCharacter)
            default:
                text.append(byte)
                index += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONSyntaxError) {
        guard index + 1 < bytes.count else { throw failure(.unexpectedEnd) }
        let plain: UInt8
        switch bytes[index + 1] {
        case UInt8(ascii: "\""): plain = UInt8(ascii: "\"")
        case UInt8(ascii: "\\"): plain = UInt8(ascii: "\\")
        case UInt8(ascii: "/"): plain = UInt8(ascii: "/")
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"): return try parseUnicodeEscape(into: &text)
        default: throw failure(.invalidEscape)
        }
        text.append(plain)
        index += 2
    }

    /// Reads `\uXXXX`, or a pair of them for a character beyond the basic plane. Half a pair is no character and
    /// cannot be stored as UTF-8, so it is refused rather than replaced.
    private mutating func parseUnicodeEscape(into text: inout [UInt8]) throws(JSONSyntaxError) {
        let high = try hexQuad(at: index)
        let scalar: UInt32
        let length: Int
        switch high {
        case 0xD800..<0xDC00:
            guard index + 7 < bytes.count, bytes[index + 6] == UInt8(ascii: "\\"),
                bytes[index + 7] == UInt8(ascii: "u")
            else { throw failure(.loneSurrogate) }
            let low = try hexQuad(at: index + 6)
            guard (0xDC00..<0xE000).contains(low) else { throw failure(.loneSurrogate) }
            scalar = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
            length = 12
        case 0xDC00..<0xE000: throw failure(.loneSurrogate)
        default:
            scalar = high
            length = 6
        }
        guard let scalar = Unicode.Scalar(scalar) else { throw failure(.loneSurrogate) }
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        index += length
    }

    /// The value of the four hexadecimal digits behind the `\u` at `position`.
    private func hexQuad(at position: Int) throws(JSONSyntaxError) -> UInt32 {
        guard position + 6 <= bytes.count else { throw failure(.unexpectedEnd) }
        var value: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = hexDigitValue(bytes[position + offset]) else { throw failure(.invalidEscape) }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}

/// The value of an ASCII hexadecimal digit of either case, or `nil`.
func hexDigitValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
