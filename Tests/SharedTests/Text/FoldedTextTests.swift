import Shared
import TestSupport
import Testing

@Suite struct FoldedTextTests {
    @Test(arguments: [
        ("xÄÖ Иван Ωmega", "xäö иван ωmega"), ("STRASSE", "straße"), ("STRAẞE", "straße"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("Cafe\u{301}", "CAFÉ"), ("ＡＢＣ　１", "abc 1"), ("❤️", "❤"), ("می‌خواهم", "میخواهم"), ("K", "\u{212A}"), ("ǅ", "ǆ"),
        ("ᾳ", "ΑΙ"), ("𐐀", "𐐨"), ("Ꭰ", "ꭰ"), ("İ", "i\u{307}"),
    ])
    func `what differs in case, width or what does not show is the same`(one: String, other: String) {
        #expect(FoldedText(one) == FoldedText(other))
    }

    @Test(arguments: [("é", "e"), ("ä", "a"), ("и", "й"), ("a", "b"), ("𠃀", "À"), ("가", "각")])
    func `other differences stay`(one: String, other: String) { #expect(FoldedText(one) != FoldedText(other)) }

    @Test(arguments: ["", "\u{200B}", "\u{FE0F}\u{200D}"])
    func `there may be nothing to look for`(text: String) { #expect(FoldedText(text).text.isEmpty) }

    @Test func `folding twice is folding once, whatever the character and its case`() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(scalar)
            let folded = FoldedText(text)
            if folded.text.utf8.elementsEqual(text.utf8), !scalar.properties.changesWhenUppercased { continue }
            let name = String(value, radix: 16)
            #expect(FoldedText(folded.text).text.utf8.elementsEqual(folded.text.utf8), "\(name)")
            #expect(FoldedText(text.uppercased()) == folded, "\(name)")
            #expect(FoldedText(text.lowercased()) == folded, "\(name)")
        }
    }
}
