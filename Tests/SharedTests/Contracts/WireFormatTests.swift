import TestSupport
import Testing

@testable import Shared

@Suite struct WireFormatTests {
    /// Every kind of field there is.
    private struct Sample: WireRecord, Hashable {
        var bytes: Blob = Blob([0, 255])
        var truth = true
        var small: UInt8 = 200
        var short: UInt16 = 60_000
        var word: UInt32 = .max
        var large: UInt64 = .max
        var signed: Int32 = -1
        var number: Int64 = .min
        var text = "é\u{0}😀"
        var id = AccountID(7)
        var none: String?
        var some: Int64? = 5
        var list: [String] = ["", "a"]
        var dialect = Dialect.rest

        init(
            _ bytes: Blob, _ truth: Bool, _ small: UInt8, _ short: UInt16, _ word: UInt32, _ large: UInt64,
            _ signed: Int32, _ number: Int64, _ text: String, _ id: AccountID, _ none: String?, _ some: Int64?,
            _ list: [String], _ dialect: Dialect
        ) {
            (self.bytes, self.truth, self.small, self.short, self.word) = (bytes, truth, small, short, word)
            (self.large, self.signed, self.number, self.text, self.id) = (large, signed, number, text, id)
            (self.none, self.some, self.list, self.dialect) = (none, some, list, dialect)
        }
        init() {}

        static let wireFormat = WireFormat(
            Self.init(_:_:_:_:_:_:_:_:_:_:_:_:_:_:), \.bytes, \.truth, \.small, \.short, \.word, \.large, \.signed,
            \.number, \.text, \.id, \.none, \.some, \.list, \.dialect)
    }

    private struct Older: WireRecord, Hashable {
        var text: String
        static let wireFormat = WireFormat(Self.init, \.text)
    }

    private struct Newer: WireRecord, Hashable {
        var text: String
        var added: Int64?
        static let wireFormat = WireFormat(Self.init, \.text, \.added)
    }

    @Test func `every kind of value comes back as it was`() throws {
        #expect(try Sample(wireBytes: Sample().wireBytes) == Sample())
    }

    @Test func `values have the bytes they always had`() {
        #expect(
            Sample().wireBytes.hex
                == "0200000000ff" + "01" + "c8" + "60ea" + "ffffffff" + "ffffffffffffffff" + "ffffffff"
                + "0000000000000080" + "07000000c3a900f09f9880" + "0700000000000000" + "00" + "010500000000000000"
                + "02000000" + "00000000" + "0100000061" + "03")
    }

    @Test func `truncated bytes are refused at every length`() {
        let bytes = Sample().wireBytes
        for length in 0..<bytes.count {
            #expect(throws: WireError.self, "\(length)") { try Sample(wireBytes: bytes.prefix(length)) }
        }
        // A slice with an offset of its own is read from its own beginning.
        #expect(throws: Never.self) { try Sample(wireBytes: ([9, 9] + bytes)[2...]) }
    }

    @Test func `a field added at the end can be missing and can be unknown`() throws {
        #expect(try Newer(wireBytes: Older(text: "a").wireBytes) == Newer(text: "a", added: nil))
        #expect(try Older(wireBytes: Newer(text: "a", added: 5).wireBytes) == Older(text: "a"))
    }

    @Test func `lengths that lie are refused before anything is allocated`() {
        for length in [1, 1_000, UInt32.max / 2, .max] as [UInt32] {
            var writer = WireWriter()
            writer.write(length)
            #expect(throws: WireError.self) { try Older(wireBytes: writer.bytes) }
            var reader = WireReader(writer.bytes)
            #expect(throws: WireError.self) { try [Int64](from: &reader) }
            reader = WireReader(writer.bytes)
            #expect(throws: WireError.self) { try Blob(from: &reader) }
        }
    }

    @Test func `values out of range are refused`() {
        var reader = WireReader([2])
        #expect(throws: WireError.self) { try Bool(from: &reader) }
        reader = WireReader([99])
        #expect(throws: WireError.self) { try Dialect(from: &reader) }
        reader = WireReader([2, 0, 0, 0, 0xC3, 0x28])
        #expect(throws: WireError.self) { try String(from: &reader) }
        reader = WireReader([2, 1, 1])
        #expect(throws: WireError.self) { try Int64?(from: &reader) }
        reader = WireReader([])
        #expect(throws: WireError.self) { try reader.readRaw(count: -1) }
    }

    @Test(
        arguments: [
            (.conversation(ConversationID(9)), "010900000000000000"),
            (.group(ConversationID(-1)), "02ffffffffffffffff"),
            (.friend(AccountID(.max)), "03ffffffffffffff7f"),
        ] as [(MessageAPI.Destination, String)])
    func `every destination comes back as it was`(destination: MessageAPI.Destination, hex: String) throws {
        try expectRoundTrip(destination, hex)
    }

    @Test(
        arguments: [
            (.none, "01"), (.after(MessageID(9)), "020900000000000000"), (.unnoticed, "03"),
        ] as [(MessageAPI.Missed, String)])
    func `every choice of missed messages comes back as it was`(missed: MessageAPI.Missed, hex: String) throws {
        try expectRoundTrip(missed, hex)
    }

    /// A value has these bytes, they are read to their end, and fewer of them are refused, as is another choice.
    private func expectRoundTrip<Value: WireValue & Equatable>(_ value: Value, _ hex: String) throws {
        var writer = WireWriter()
        value.write(to: &writer)
        #expect(writer.bytes.hex == hex)
        writer.write(UInt8(77))
        var reader = WireReader(writer.bytes)
        #expect(try Value(from: &reader) == value)
        #expect(try reader.read(UInt8.self) == 77)
        for length in 0..<writer.bytes.count - 1 {
            #expect(throws: WireError.self) {
                var reader = WireReader(writer.bytes.prefix(length))
                _ = try Value(from: &reader)
            }
        }
        for choice in [0, 4, 255] as [UInt8] {
            #expect(throws: WireError.self) {
                var reader = WireReader([choice] + writer.bytes.dropFirst())
                _ = try Value(from: &reader)
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds(3))
    func `random bytes are refused, or read as a record that has them`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<7_000 {
            let bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = expectRefusedOrRead(bytes)
        }
        var read = 0
        for _ in 0..<7_000 {
            var bytes = Sample().wireBytes
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            read += expectRefusedOrRead(bytes)
        }
        #expect(read > 0)
    }

    /// A record that was read begins with the bytes it was read from.
    ///
    /// - Returns: 1 when they are a record, else 0.
    private func expectRefusedOrRead(_ bytes: [UInt8]) -> Int {
        // What is refused is the other outcome.
        guard let sample = try? Sample(wireBytes: bytes) else { return 0 }
        #expect(bytes.starts(with: sample.wireBytes))
        return 1
    }
}
