import Glibc

extension UnsafeRawBufferPointer {
    /// Where a text begins, at or after an offset.
    func first(_ text: StaticString, from offset: Int = 0) -> Int? {
        let length = text.utf8CodeUnitCount
        guard let base = baseAddress, count >= length, offset >= 0 else { return nil }
        var index = offset
        while index <= count - length,
            let hit = memchr(base + index, Int32(text.utf8Start.pointee), count - length + 1 - index)
        {
            if memcmp(hit, text.utf8Start, length) == 0 { return hit - UnsafeMutableRawPointer(mutating: base) }
            index = hit - UnsafeMutableRawPointer(mutating: base) + 1
        }
        return nil
    }

    /// The decimal number behind a text, quoted or not.
    func number(after text: StaticString) -> Int? {
        guard let start = first(text) else { return nil }
        var index = start + text.utf8CodeUnitCount
        if index < count, self[index] == UInt8(ascii: "\"") { index += 1 }
        return number(at: index)
    }

    /// The decimal number that begins at an offset.
    func number(at offset: Int, maxDigits: Int = 18) -> Int? {
        var value = 0
        var index = offset
        while index < count, index - offset < maxDigits, case let digit = self[index] &- UInt8(ascii: "0"), digit <= 9 {
            value = value * 10 + Int(digit)
            index += 1
        }
        return index > offset ? value : nil
    }

    /// As text, for a report of what went wrong.
    var asText: String { String(decoding: self.prefix(300), as: UTF8.self) }
}
