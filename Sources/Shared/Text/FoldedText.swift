/// A text as searches compare it: differences of case, of width and of what does not show are gone.
///
/// It is stored beside the text it stands for and looked for by its bytes. A change of what folding does, also one that a
/// newer Unicode brings, needs the stored ones to be made anew.
package struct FoldedText: Sendable, Hashable {
    /// In Unicode's normal form NFC. Empty when there is nothing to look for.
    package let text: String

    package init(_ original: String) {
        guard !original.utf8.allSatisfy({ $0 < 0x80 }) else {
            text = original.lowercased()
            return
        }
        var scalars = String.UnicodeScalarView()
        for scalar in original.composed.unicodeScalars where !scalar.properties.isDefaultIgnorableCodePoint {
            scalars.append(Self.narrowed(scalar))
        }
        // Upper case and back joins what has one capital, ς with σ, and spells ß as ss; the capital ẞ has to become ß first.
        text = String(scalars).lowercased().uppercased().lowercased().composed
    }

    /// The usual form of a full-width character of ASCII, and of the full-width space.
    private static func narrowed(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0xFF01...0xFF5E: Unicode.Scalar(UInt8(scalar.value - 0xFF01 + 0x21))
        case 0x3000: " "
        default: scalar
        }
    }
}
