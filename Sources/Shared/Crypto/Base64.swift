/// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5), as JWTs use it (RFC 7515, section 2).
package enum Base64URL {
    /// Returns the text for `bytes`, without padding.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Base64Alphabet.urlSafe.encode(bytes)
    }

    /// Returns the bytes of `text`, or nil unless `text` is exactly what ``encode(_:)`` writes for them: no padding, no
    /// white space, no other alphabet, and no bits set in the unused part of the last character.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        Base64Alphabet.urlSafe.decode(text.utf8)
    }
}

/// Base64 with the standard alphabet (RFC 4648, section 4), as browsers and clients send pictures.
package enum Base64 {
    /// Returns the text for `bytes`, padded.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let text = Base64Alphabet.standard.encode(bytes)
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    /// Returns the bytes of `text`, or nil unless it is canonical base64; the padding may be left out, but not be wrong.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = text.utf8
        let padding = characters.reversed().prefix(3).prefix { $0 == UInt8(ascii: "=") }.count
        guard padding == 0 || (padding <= 2 && characters.count % 4 == 0) else { return nil }
        return Base64Alphabet.standard.decode(characters.dropLast(padding))
    }
}

/// One of the two alphabets of RFC 4648, always without padding and always canonical.
struct Base64Alphabet: Sendable {
    static let urlSafe = Base64Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    static let standard = Base64Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    private static let invalid: UInt8 = 0xFF
    private let characters: [UInt8]
    private let values: [UInt8]

    private init(_ alphabet: String) {
        let characters = Array(alphabet.utf8)
        var values = [UInt8](repeating: Self.invalid, count: 256)
        for (value, character) in characters.enumerated() { values[Int(character)] = UInt8(value) }
        self.characters = characters
        self.values = values
    }

    func encode(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        var pending: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                output.append(characters[Int(pending >> UInt32(bitCount) & 0x3F)])
            }
            pending &= 1 << UInt32(bitCount) - 1
        }
        if bitCount > 0 { output.append(characters[Int(pending << UInt32(6 - bitCount) & 0x3F)]) }
        return String(decoding: output, as: UTF8.self)
    }

    func decode(_ characters: some Collection<UInt8>) -> [UInt8]? {
        let count = characters.count
        // A single left-over character carries 6 bits, which is no byte.
        guard count % 4 != 1 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(count / 4 * 3 + 2)
        var pending: UInt32 = 0
        var bitCount = 0
        for character in characters {
            let value = values[Int(character)]
            guard value != Self.invalid else { return nil }
            pending = pending << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                output.append(UInt8(pending >> UInt32(bitCount) & 0xFF))
            }
            pending &= 1 << UInt32(bitCount) - 1
        }
        // Two texts for the same bytes would let a token be altered without breaking its signature.
        guard pending == 0 else { return nil }
        return output
    }
}
