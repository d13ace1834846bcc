import NIOCore
import Testing

@testable import Gateway

@Suite struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: ByteBuffer(string: text)) }

    private func reason(_ bytes: [UInt8]) -> JSONSyntaxError.Reason? {
        do throws(JSONSyntaxError) {
            _ = try JSONValue(parsing: ByteBuffer(bytes: bytes))
            return nil
        } catch {
            return error.reason
        }
    }

    private static let accepted: [(String, JSONValue)] = [
        ("null", .null), (" true\r\n\t", true), ("false", false), ("0", 0), ("-0", 0), ("-7", -7),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(9_223_372_036_854_775_808)),
        ("-9223372036854775809", .number(-9_223_372_036_854_775_808)),
        ("99999999999999999999", .number(1e20)), ("1.5", .number(1.5)), ("-0.0", .number(-0.0)), ("1e3", .number(1000)),
        ("1E+3", .number(1000)), ("25e-1", .number(2.5)), ("1e-400", .number(0)),
        ("0e999999999999999999999", .number(0)),
        ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)), ("5e-324", .number(.leastNonzeroMagnitude)),
        ("1700000000.123", .number(1_700_000_000.123)), ("0.1", .number(0.1)),
        ("123456789012345678901234567890", .number(0x1.8EE90FF6C373Ep96)),
        (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u20AC""#, "é€"),
        (#""\ud83d\ude00""#, "😀"), ("\"é😀\u{7f}\"", "é😀\u{7f}"), (#""\u0000""#, "\0"), (#""\uFFFF""#, "\u{FFFF}"),
        ("[]", []), ("[ ]", []), ("[1,[2,[]],{}]", [1, [2, []], [:]]), ("{}", [:]),
        (#"{"a":1,"b":{"c":[null]}}"#, ["a": 1, "b": ["c": [.null]]]),
        (#"{ "a" : 1 , "a" : 2 }"#, ["a": 1, "a": 2]),
    ]

    @Test(arguments: accepted) func `a valid text is read as its value`(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    private static let refused: [(String, JSONSyntaxError.Reason)] = [
        ("", .unexpectedEnd), (" ", .unexpectedEnd), ("nul", .unexpectedEnd), ("nulL", .unexpectedByte),
        ("True", .unexpectedByte), ("NaN", .unexpectedByte), ("Infinity", .unexpectedByte), ("'a'", .unexpectedByte),
        ("\u{FEFF}1", .unexpectedByte), ("1 2", .trailingBytes), ("{}}", .trailingBytes), ("1\0", .trailingBytes),
        ("01", .invalidNumber), ("-", .unexpectedEnd), ("-a", .invalidNumber), ("1.", .unexpectedEnd),
        ("1.e", .invalidNumber),
        (".5", .unexpectedByte), ("+1", .unexpectedByte), ("1e", .unexpectedEnd), ("1e+", .unexpectedEnd),
        ("1ex", .invalidNumber),
        ("0x10", .trailingBytes), ("1e400", .numberOutOfRange), ("-1e309", .numberOutOfRange),
        ("1e99999999999999999999999", .numberOutOfRange), ("1.8e308", .numberOutOfRange),
        ("[", .unexpectedEnd), ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd), ("[1,]", .unexpectedByte),
        ("[,1]", .unexpectedByte),
        ("[1 2]", .unexpectedByte), ("[1}", .unexpectedByte), ("{", .unexpectedEnd), ("{\"a\"", .unexpectedEnd),
        ("{\"a\":", .unexpectedEnd), ("{\"a\" 1}", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte),
        ("{a:1}", .unexpectedByte),
        ("{1:1}", .unexpectedByte), ("{\"a\":1 \"b\":2}", .unexpectedByte), ("\"", .unexpectedEnd),
        ("\"\\", .unexpectedEnd),
        ("\"\\\"", .unexpectedEnd), (#""\x""#, .invalidEscape), (#""\u12""#, .unexpectedEnd),
        (#""\u12g4""#, .invalidEscape),
        (#""\u"#, .unexpectedEnd), ("\"\n\"", .controlCharacter), ("\"\0\"", .controlCharacter),
        ("\"\\n\u{1f}\"", .controlCharacter),
        ("/**/1", .unexpectedByte),
    ]

    @Test(arguments: refused) func `an invalid text is refused for its reason`(
        text: String, reason: JSONSyntaxError.Reason
    ) {
        #expect(self.reason(Array(text.utf8)) == reason)
    }

    @Test(arguments: [
        #""\ud800""#, #""\udc00""#, #""\ud800\ud800""#, #""\ud800\u0041""#, #""\ud800x""#, #""a\udfff b""#,
    ])
    func `a lone surrogate is refused`(text: String) {
        #expect(reason(Array(text.utf8)) == .loneSurrogate)
    }

    @Test(
        arguments: [
            [0x80], [0xC3], [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func `a string that is not UTF-8 is refused`(bytes: [UInt8]) {
        #expect(reason([0x22] + bytes + [0x22]) == .invalidUTF8)
        #expect(reason(Array(#""\n"#.utf8) + bytes + [0x22]) == .invalidUTF8)
        #expect(reason(Array(#"{""#.utf8) + bytes + Array(#"":1}"#.utf8)) == .invalidUTF8)
    }

    @Test func `64 levels are read and one more is refused`() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }

        #expect(throws: Never.self) { try self.parse(nested(64)) }
        #expect(reason(Array(nested(65).utf8)) == .tooDeep)
        #expect(reason([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) == .tooDeep)
        #expect(reason(Array(String(repeating: #"{"a":"#, count: 100_000).utf8)) == .tooDeep)
    }

    @Test func `depth counts what is open and not what was`() throws {
        let text = "[" + Array(repeating: "[[]]", count: 200).joined(separator: ",") + "]"

        #expect(try parse(text).array?.count == 200)
    }

    @Test func `a million digits are refused or rounded, in linear time`() throws {
        let digits = String(repeating: "7", count: 1_000_000)

        #expect(reason(Array(digits.utf8)) == .numberOutOfRange)
        let seven = 0.7777777777777778
        #expect(try parse("0." + digits) == .number(seven))
        #expect(try parse(digits + "e-1000000") == .number(seven))
        #expect(try parse("0." + String(repeating: "0", count: 1_000_000) + "1e1000001") == .number(1))
        #expect(reason(Array(("[" + digits + "]").utf8)) == .numberOutOfRange)
    }

    @Test func `digits beyond the precision of a double still decide a tie`() throws {
        // 2^53 + 1 lies exactly between two doubles; the even one wins unless something follows.
        let tie = "9007199254740993"

        #expect(try parse(tie + ".0") == .number(9_007_199_254_740_992))
        #expect(try parse(tie + "." + String(repeating: "0", count: 2000) + "1") == .number(9_007_199_254_740_994))
    }

    @Test func `of a repeated name the last value counts and all are kept`() throws {
        let object = try #require(try parse(#"{"a":1,"b":2,"a":3}"#).object)

        #expect(object["a"] == 3)
        #expect(object["c"] == nil)
        #expect(object.members.map(\.name) == ["a", "b", "a"])
    }

    @Test func `a name that only looks like another is another`() throws {
        let object = try #require(try parse("{\"\u{212A}\":1}").object)

        #expect(object["K"] == nil)
    }

    @Test func `no bytes make the parser trap`() {
        var random = SystemRandomNumberGenerator()
        let fragments = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "1", "-", "e", ".", "0", "null", "tru", " ", "\n",
            "é",
        ].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...24, using: &random) {
                if Bool.random(using: &random) {
                    bytes += fragments.randomElement(using: &random) ?? []
                } else {
                    bytes.append(UInt8.random(in: .min ... .max, using: &random))
                }
            }
            _ = reason(bytes)
        }
    }

    @Test func `every cut of a text and every changed byte is survived`() {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n"],"b":{"c":null,"d":true},"e":"ü"}"#.utf8)
        for length in 0..<text.count { #expect(reason(Array(text[..<length])) != nil) }
        for position in text.indices {
            for byte in UInt8.min ... .max {
                var changed = text
                changed[position] = byte
                _ = reason(changed)
            }
        }
    }

    @Test func `only whole numbers that fit are integers`() throws {
        #expect(JSONValue.number(5).integer == 5)
        #expect(JSONValue.number(5.5).integer == nil)
        #expect(JSONValue.number(1e300).integer == nil)
        #expect(JSONValue.number(-9.3e18).integer == nil)
        #expect(JSONValue.string("5").integer == nil)
        #expect(JSONValue.integer(1).bool == nil)
    }
}
