import NIOCore

/// Writes JSON text into a buffer, append-only and in one pass: no tree, no intermediate strings.
///
/// ```swift
/// var writer = JSONWriter(reserving: 256)
/// writer.object {
///     $0.field("code", 0)
///     $0.array("ids", ids) { id, writer in writer.value(id) }
///     $0.object("message") { $0.field("text", text) }
/// }
/// let body = writer.bytes
/// ```
///
/// Commas are placed by the writer. That names and values alternate properly is the caller's part; a mistake there
/// gives malformed JSON, never a trap.
struct JSONWriter: Sendable {
    /// What has been written so far.
    private(set) var bytes: ByteBuffer

    /// Whether a value stands directly before the cursor, so that the next one needs a comma. One flag is enough:
    /// whatever was closed last is a value itself.
    private var needsComma = false

    /// - Parameters:
    ///   - capacity: the expected size in bytes; a good guess saves growing.
    ///   - headroom: bytes left free in front of the text, for whoever puts something before it.
    init(reserving capacity: Int = 256, headroom: Int = 0) {
        bytes = ByteBufferAllocator().buffer(capacity: headroom + capacity)
        bytes.moveWriterIndex(to: headroom)
        bytes.moveReaderIndex(to: headroom)
    }

    /// What has been written, the buffer itself: its receiver may change it without copying it.
    consuming func take() -> ByteBuffer { bytes }

    // MARK: Values

    /// Writes an object whose members `body` writes.
    mutating func object(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    /// Writes an array whose elements `body` writes.
    mutating func array(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }

    /// Writes an array; `each` writes exactly one value per item.
    mutating func array<Items: Sequence>(_ items: Items, _ each: (Items.Element, inout JSONWriter) -> Void) {
        array { writer in
            for item in items { each(item, &writer) }
        }
    }

    mutating func value(_ value: String) {
        writeQuoted(value, isKey: false)
    }

    mutating func value(_ value: Int) {
        separate()
        writeDecimal(Int64(value))
    }

    mutating func value(_ value: Int64) {
        separate()
        writeDecimal(value)
    }

    /// Writes the shortest text that reads back as the same number; `null` for infinities and NaN, which JSON lacks.
    mutating func value(_ value: Double) {
        separate()
        bytes.writeString(value.isFinite ? value.description : "null")
    }

    mutating func value(_ value: Bool) {
        separate()
        bytes.writeStaticString(value ? "true" : "false")
    }

    mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): self.value(value)
        case .integer(let value): self.value(value)
        case .number(let value): self.value(value)
        case .string(let value): self.value(value)
        case .array(let elements): array(elements) { $1.value($0) }
        case .object(let object):
            self.object { writer in
                for member in object.members { writer.field(member.name, member.value) }
            }
        }
    }

    mutating func null() {
        separate()
        bytes.writeStaticString("null")
    }

    /// Copies a value that is JSON already, unchecked: only for bytes this process wrote.
    mutating func value(encoded json: ByteBuffer) {
        separate()
        bytes.writeImmutableBuffer(json)
    }

    // MARK: Members

    mutating func field(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }

    mutating func field(_ name: String, _ value: Int) {
        key(name)
        self.value(value)
    }

    mutating func field(_ name: String, _ value: Int64) {
        key(name)
        self.value(value)
    }

    mutating func field(_ name: String, _ value: Double) {
        key(name)
        self.value(value)
    }

    mutating func field(_ name: String, _ value: Bool) {
        key(name)
        self.value(value)
    }

    mutating func field(_ name: String, _ value: JSONValue) {
        key(name)
        self.value(value)
    }

    mutating func field(_ name: String, encoded json: ByteBuffer) {
        key(name)
        value(encoded: json)
    }

    mutating func null(_ name: String) {
        key(name)
        null()
    }

    mutating func object(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        object(body)
    }

    mutating func array(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        array(body)
    }

    mutating func array<Items: Sequence>(
        _ name: String, _ items: Items, _ each: (Items.Element, inout JSONWriter) -> Void
    ) {
        key(name)
        array(items, each)
    }

    /// Writes the name of a member; exactly one value must follow.
    mutating func key(_ name: String) {
        writeQuoted(name, isKey: true)
    }
}

// MARK: - Bytes

extension JSONWriter {
    private mutating func separate() {
        if needsComma { bytes.writeInteger(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.writeInteger(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.writeInteger(bracket)
        needsComma = true
    }

    private mutating func writeDecimal(_ value: Int64) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var position = digits.count
            var rest = value.magnitude
            repeat {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                position -= 1
                digits[position] = UInt8(ascii: "-")
            }
            bytes.writeBytes(UnsafeRawBufferPointer(rebasing: digits[position...]))
        }
    }

    /// Writes a string with its quotes, the comma before it, and behind a name the colon. Nearly always nothing is to
    /// be escaped, and then all of it is one copy.
    private mutating func writeQuoted(_ text: String, isKey: Bool) {
        var text = text
        text.withUTF8 { utf8 in
            let utf8 = UnsafeRawBufferPointer(utf8)
            if Self.needsEscape(utf8) {
                separate()
                writeEscaped(utf8)
                if isKey { bytes.writeInteger(UInt8(ascii: ":")) }
            } else {
                writePlain(utf8, isKey: isKey)
            }
        }
        needsComma = !isKey
    }

    private mutating func writePlain(_ utf8: UnsafeRawBufferPointer, isKey: Bool) {
        let hasComma = needsComma
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: utf8.count + 4) { output in
            var end = 0
            func put(_ byte: UInt8) {
                output[end] = byte
                end += 1
            }
            if hasComma { put(UInt8(ascii: ",")) }
            put(UInt8(ascii: "\""))
            UnsafeMutableRawBufferPointer(rebasing: output[end...]).copyMemory(from: utf8)
            end += utf8.count
            put(UInt8(ascii: "\""))
            if isKey { put(UInt8(ascii: ":")) }
            return end
        }
    }

    /// Copies whole runs and escapes only what RFC 8259 section 7 demands.
    private mutating func writeEscaped(_ utf8: UnsafeRawBufferPointer) {
        bytes.writeInteger(UInt8(ascii: "\""))
        var runStart = 0
        for position in utf8.indices {
            let byte = utf8[position]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            bytes.writeBytes(UnsafeRawBufferPointer(rebasing: utf8[runStart..<position]))
            writeEscape(byte)
            runStart = position + 1
        }
        bytes.writeBytes(UnsafeRawBufferPointer(rebasing: utf8[runStart...]))
        bytes.writeInteger(UInt8(ascii: "\""))
    }

    /// Whether a quote, a backslash or a control character below U+0020 occurs, eight bytes at a time.
    private static func needsEscape(_ utf8: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highBits = ones << 7
        var position = 0
        while position + 8 <= utf8.count {
            let word = utf8.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // A byte below n borrows from its high bit when n is subtracted from it.
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            let found =
                ((word &- ones &* 0x20) & ~word) | ((quotes &- ones) & ~quotes)
                | ((backslashes &- ones) & ~backslashes)
            if found & highBits != 0 { return true }
            position += 8
        }
        return utf8[position...].contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
    }

    private mutating func writeEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): bytes.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): bytes.writeStaticString("\\\\")
        case 0x08: bytes.writeStaticString("\\b")
        case 0x0C: bytes.writeStaticString("\\f")
        case 0x0A: bytes.writeStaticString("\\n")
        case 0x0D: bytes.writeStaticString("\\r")
        case 0x09: bytes.writeStaticString("\\t")
        default:
            bytes.writeStaticString("\\u00")
            bytes.writeInteger(Self.hexDigit(byte >> 4))
            bytes.writeInteger(Self.hexDigit(byte & 0x0F))
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
