import NIOCore
import Testing

@testable import Gateway

@Suite struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter(reserving: 16)
        body(&writer)
        return String(buffer: writer.bytes)
    }

    @Test func `commas stand between members and nowhere else`() {
        let text = text {
            $0.object {
                $0.field("code", 0)
                $0.field("name", "n")
                $0.array("list", [1, 2]) { item, writer in writer.object { $0.field("i", item) } }
                $0.object("empty") { _ in }
                $0.array("none", [Int]()) { $1.value($0) }
                $0.null("nothing")
                $0.field("yes", true)
            }
        }

        #expect(
            text == #"{"code":0,"name":"n","list":[{"i":1},{"i":2}],"empty":{},"none":[],"nothing":null,"yes":true}"#)
    }

    @Test func `exactly what must be escaped is escaped`() {
        #expect(text { $0.value("\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\0") } == #""\"\\/\b\f\n\r\t\u0001\u001f\u0000""#)
        #expect(text { $0.value("é😀\u{7f}\u{2028}") } == "\"é😀\u{7f}\u{2028}\"")
        #expect(text { $0.object { $0.field("a\"b", "") } } == #"{"a\"b":""}"#)
    }

    @Test func `each byte is escaped or not wherever it stands`() throws {
        for byte in UInt8.min..<0x80 {
            for before in 0..<18 {
                let value = String(repeating: "é", count: before / 2) + String(repeating: "x", count: before % 2)
                let whole = value + String(Unicode.Scalar(byte)) + "tail of some length"
                var writer = JSONWriter()
                writer.object { $0.field(whole, whole) }
                #expect(try JSONValue(parsing: writer.bytes) == [whole: .string(whole)])
                let isEscaped = byte < 0x20 || byte == 0x22 || byte == 0x5C
                #expect(writer.bytes.readableBytesView.contains(UInt8(ascii: "\\")) == isEscaped)
            }
        }
    }

    @Test(arguments: [
        (Int64.min, "-9223372036854775808"), (.max, "9223372036854775807"), (0, "0"), (-1, "-1"), (10, "10"),
    ]) func `integers are written in full`(value: Int64, expected: String) {
        #expect(text { $0.value(value) } == expected)
    }

    @Test func `floating point reads back as the same number`() throws {
        #expect(text { $0.value(1_700_000_000.123) } == "1700000000.123")
        for value in [0.1, -0.0, 1e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1.0 / 3, 1e16] {
            var writer = JSONWriter()
            writer.value(value)
            #expect(try JSONValue(parsing: writer.bytes).number == value)
        }
    }

    @Test func `what JSON cannot say becomes null`() {
        #expect(text { $0.array([Double.nan, .infinity]) { $1.value($0) } } == "[null,null]")
    }

    @Test func `encoded JSON is copied through`() {
        #expect(
            text {
                $0.object {
                    $0.field("a", encoded: ByteBuffer(string: "[1]"))
                    $0.field("b", 2)
                }
            } == #"{"a":[1],"b":2}"#)
    }

    @Test func `random values survive writing and reading`() throws {
        func random(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 4 ? 5 : 7)) {
            case 0: return .null
            case 1: return .bool(.random())
            case 2: return .integer(.random(in: .min ... .max))
            case 3:
                let value = Double(bitPattern: .random(in: .min ... .max))
                return .number(value.isFinite ? value : 0.5)
            case 4:
                let scalars = (0..<Int.random(in: 0...12)).compactMap { _ in
                    Unicode.Scalar(UInt32.random(in: 0...(Bool.random() ? 0x7F : 0x10FFFF)))
                }
                return .string(String(String.UnicodeScalarView(scalars)))
            case 5: return .array((0..<Int.random(in: 0...4)).map { _ in random(depth + 1) })
            default:
                return .object(
                    JSONObject(
                        (0..<Int.random(in: 0...4)).map {
                            JSONObject.Member(name: "k\($0)\"", value: random(depth + 1))
                        }))
            }
        }

        for _ in 0..<2000 {
            let value = random(0)
            var writer = JSONWriter()
            writer.value(value)
            #expect(try JSONValue(parsing: writer.bytes) == value)
        }
    }
}
