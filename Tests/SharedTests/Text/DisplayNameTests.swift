import Foundation
import Shared
import TestSupport
import Testing

@Suite struct DisplayNameTests {
    /// Compares scalars: two texts that are canonically equivalent are equal to Swift.
    private func scalars(_ text: String?) -> [UInt32]? { text?.unicodeScalars.map(\.value) }

    @Test(arguments: [
        "", " ", "\u{A0}", "\u{200B}", "\u{2061}", "\u{3164}", "\u{2800}", "\u{115F}\u{1160}", "\u{FFA0}", "\u{FEFF}",
        "\u{200D}", "\u{200C}", "\u{AD}", "\u{301}", "\u{20E3}", "\u{FE0F}", "\u{E0100}", "\u{E007F}", "\u{FFFC}",
        "\u{E000}", "\u{378}", "\u{3000}\u{200B} \u{2800}",
    ])
    func `what shows nothing is no name`(text: String) { #expect(DisplayName(text) == nil) }

    @Test(arguments: [
        "a\u{0}b", "a\nb", "a\tb", "a\u{7F}b", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\u{202E}b", "a\u{202A}b",
        "a\u{202C}b", "a\u{2066}b", "a\u{2069}", "a\u{FFFE}", "a\u{10FFFF}", "\u{301}a", "a \u{301}",
        "a\u{200B}\u{301}",
        "\u{200D}\u{301}a", "\u{FE0F}a", "a \u{FE0F}", "a\u{FE0F}\u{FE0F}", "a\u{E0067}",
        "a\u{E0067}\u{E007F}", "a\u{E007F}", "\u{1F3F4}\u{E007F}", "\u{1F3F4}\u{E0067}", "\u{1F3F4}\u{E0067}a",
        "\u{E0001}a", String(repeating: "a", count: DisplayName.maxBytes + 1),
    ])
    func `what deceives or belongs to nothing is in no name`(text: String) { #expect(DisplayName(text) == nil) }

    @Test(arguments: [
        "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "1️⃣", "می‌خواهم", "🇨🇳", "👍🏽", "👁️‍🗨️", "🏳️‍🌈", "क्‍ष", "র‍্য", "葛\u{E0100}", "ไม้เอก",
        "שָׁלוֹם", "مُحَمَّد", "ﷺ", "𠃀", "名 字", "a\u{200B}b", "'; DROP TABLE x; --", "!", "7", "½", "^", "\u{FFFD}", "Ⅷ",
        "\u{1113}\u{116B}", "O\u{2019}Neill",
    ])
    func `names of all scripts and emoji stay as they are`(text: String) {
        #expect(scalars(DisplayName(text)?.text) == scalars(text))
    }

    @Test(arguments: [
        ("  trimmed \u{3000}", "trimmed"), ("\n\u{85}a b\t", "a b"), ("Cafe\u{301}", "Caf\u{E9}"),
        ("a\u{301}\u{323}", "\u{1EA1}\u{301}"), ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"),
        ("\u{B108}\u{11A8}", "\u{B109}"),
        ("\u{212B}", "\u{C5}"), (" \u{1F3F4}\u{FE0E} ", "\u{1F3F4}\u{FE0E}"), ("ﬁ１", "ﬁ１"),
    ])
    func `a name is trimmed and composed`(text: String, expected: String) {
        #expect(scalars(DisplayName(text)?.text) == scalars(expected))
    }

    /// Scalars that names are made of and scalars that spoil them, so that random texts meet every rule.
    private static func randomText(_ random: inout SeededGenerator) -> String {
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0x20...0x7E, 0xA0...0x24F, 0x300...0x345, 0x370...0x4FF, 0x591...0x6FF, 0x900...0x9FF,
            0x1100...0x11FF, 0x1E00...0x1FFF, 0x2000...0x206F, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0xFE00...0xFE0F,
            0xFF00...0xFFEF, 0x1F300...0x1F6FF, 0x20000...0x2A6DF, 0xE0000...0xE01EF,
        ]
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            guard let range = ranges.randomElement(using: &random),
                let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random))
            else { continue }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    @Test(arguments: SeededGenerator.seeds(4))
    func `a name is itself again, equal to what it was made of, and one for all that are equal`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var names = 0
        for _ in 0..<5_000 {
            let text = Self.randomText(&random)
            guard let name = DisplayName(text) else { continue }
            names += 1
            #expect(scalars(DisplayName(name.text)?.text) == scalars(name.text))
            #expect(name.text.unicodeScalars.first?.properties.isWhitespace == false)
            #expect(name.text.unicodeScalars.last?.properties.isWhitespace == false)
            #expect(text.contains(name.text))
            let other = text.decomposedStringWithCanonicalMapping
            if other == text { #expect(scalars(DisplayName(other)?.text) == scalars(name.text)) }
            #expect(scalars(DisplayName(" \(text)\u{A0}")?.text) == scalars(name.text))
        }
        #expect(names > 500)
    }

    @Test(arguments: SeededGenerator.seeds(4))
    func `nothing forbidden passes, wherever it stands`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let forbidden: [Unicode.Scalar] = ["\0", "\u{1B}", "\u{9F}", "\u{202D}", "\u{2067}", "\u{2028}", "\u{E0001}"]
        for _ in 0..<5_000 {
            guard let name = DisplayName(Self.randomText(&random)) else { continue }
            var scalars = Array(name.text.unicodeScalars)
            let place = Int.random(in: 0...scalars.count, using: &random)
            scalars.insert(try #require(forbidden.randomElement(using: &random)), at: place)
            let spoiled = "a" + String(String.UnicodeScalarView(scalars)) + "b"
            #expect(DisplayName(spoiled) == nil, "\(spoiled.unicodeScalars.map { String($0.value, radix: 16) })")
        }
    }
}
