/// Bytes that are not what the wire format says: truncated, not UTF-8, or out of range.
package struct WireError: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// A value with one binary form on the bus: fixed-width little-endian integers, length-prefixed text and lists.
package protocol WireValue: Sendable {
    init(from reader: inout WireReader) throws(WireError)
    func write(to writer: inout WireWriter)
}

/// A struct whose binary form is that of its fields, in the order ``wireFormat`` lists them.
package protocol WireRecord: WireValue {
    static var wireFormat: WireFormat<Self> { get }
}

extension WireRecord {
    package init(from reader: inout WireReader) throws(WireError) { self = try Self.wireFormat.read(&reader) }
    package func write(to writer: inout WireWriter) { Self.wireFormat.write(self, &writer) }

    /// The record on its own, as the payload of a frame.
    package var wireBytes: [UInt8] {
        var writer = WireWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Reads a payload. Bytes after the last known field are ignored, so that fields may be added at the end.
    package init(wireBytes: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(wireBytes)
        self = try Self.wireFormat.read(&reader)
    }

    /// Reads a payload that is a whole array.
    package init(wireBytes: [UInt8]) throws(WireError) { try self.init(wireBytes: wireBytes[...]) }
}

/// The field list of a record, written once and used in both directions.
package struct WireFormat<Record: Sendable>: Sendable {
    let write: @Sendable (Record, inout WireWriter) -> Void
    private let make: @Sendable (inout WireReader) throws -> Record

    /// - Parameters:
    ///   - make: the record's initialiser.
    ///   - fields: its arguments, in the same order, as functions of a record: `\.name` is one.
    package init<each Field: WireValue>(
        _ make: @escaping @Sendable (repeat each Field) -> Record,
        _ fields: repeat @escaping @Sendable (Record) -> each Field
    ) {
        write = { record, writer in
            repeat (each fields)(record).write(to: &writer)
        }
        self.make = { reader in
            make(repeat try (each Field)(from: &reader))
        }
    }

    private init(
        write: @escaping @Sendable (Record, inout WireWriter) -> Void,
        make: @escaping @Sendable (inout WireReader) throws -> Record
    ) {
        self.write = write
        self.make = make
    }

    /// The same form, in which only what a record can be is read.
    package func requiring(_ what: String, _ isPossible: @escaping @Sendable (Record) -> Bool) -> WireFormat {
        WireFormat(write: write) { [make] reader in
            let record = try make(&reader)
            guard isPossible(record) else { throw WireError(what) }
            return record
        }
    }

    func read(_ reader: inout WireReader) throws(WireError) -> Record {
        do {
            return try make(&reader)
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError("\(error)")
        }
    }
}

/// Appends values to a growing buffer.
package struct WireWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init(reserving capacity: Int = 128) { bytes.reserveCapacity(capacity) }

    package mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func write(raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }

    /// Text with its length in bytes before it.
    package mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            write(UInt32(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }
}

/// Reads values from bytes that may come from anywhere: every length is checked before it is believed.
package struct WireReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Bytes not read yet.
    package var remaining: Int { bytes.endIndex - position }

    package mutating func read<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(WireError) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else { throw WireError("truncated integer") }
        defer { position += size }
        return bytes.withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: position - bytes.startIndex, as: Value.self))
        }
    }

    package mutating func readRaw(count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, remaining >= count else { throw WireError("truncated bytes") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Everything up to the end.
    package mutating func readRest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }
}

// MARK: - Values

extension WireValue where Self: FixedWidthInteger {
    package init(from reader: inout WireReader) throws(WireError) { self = try reader.read(Self.self) }
    package func write(to writer: inout WireWriter) { writer.write(self) }
}

extension UInt8: WireValue {}
extension UInt16: WireValue {}
extension UInt32: WireValue {}
extension UInt64: WireValue {}
extension Int32: WireValue {}
extension Int64: WireValue {}

extension Bool: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.read(UInt8.self) {
        case 0: self = false
        case 1: self = true
        default: throw WireError("neither true nor false")
        }
    }
    package func write(to writer: inout WireWriter) { writer.write(self ? UInt8(1) : 0) }
}

extension String: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        let count = Int(try reader.read(UInt32.self))
        guard let text = String(validating: try reader.readRaw(count: count), as: UTF8.self) else {
            throw WireError("text is not UTF-8")
        }
        self = text
    }
    package func write(to writer: inout WireWriter) { writer.write(self) }
}

/// Bytes that the bus carries without looking inside.
package struct Blob: WireValue, Hashable {
    package var bytes: [UInt8]
    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(from reader: inout WireReader) throws(WireError) {
        let count = Int(try reader.read(UInt32.self))
        bytes = [UInt8](try reader.readRaw(count: count))
    }
    package func write(to writer: inout WireWriter) {
        writer.write(UInt32(bytes.count))
        writer.write(raw: bytes)
    }
}

extension Identifier: WireValue {
    package init(from reader: inout WireReader) throws(WireError) { self.init(try reader.read(Int64.self)) }
    package func write(to writer: inout WireWriter) { writer.write(rawValue) }
}

extension Optional: WireValue where Wrapped: WireValue {
    /// A field that an older sender does not know yet is absent, which is the same as `nil`.
    package init(from reader: inout WireReader) throws(WireError) {
        guard reader.remaining > 0 else {
            self = nil
            return
        }
        self = try Bool(from: &reader) ? try Wrapped(from: &reader) : nil
    }
    package func write(to writer: inout WireWriter) {
        (self != nil).write(to: &writer)
        if let self { self.write(to: &writer) }
    }
}

extension Array: WireValue where Element: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        let count = Int(try reader.read(UInt32.self))
        // Every element takes at least one byte, so a longer list than that is a lie that must not allocate.
        guard count <= reader.remaining else { throw WireError("list longer than its frame") }
        self = []
        reserveCapacity(count)
        for _ in 0..<count { append(try Element(from: &reader)) }
    }
    package func write(to writer: inout WireWriter) {
        writer.write(UInt32(count))
        for element in self { element.write(to: &writer) }
    }
}

extension WireValue where Self: RawRepresentable, RawValue == UInt8 {
    package init(from reader: inout WireReader) throws(WireError) {
        let raw = try reader.read(UInt8.self)
        guard let value = Self(rawValue: raw) else { throw WireError("\(raw) is no \(Self.self)") }
        self = value
    }
    package func write(to writer: inout WireWriter) { writer.write(rawValue) }
}
