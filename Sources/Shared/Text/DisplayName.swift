/// A name that people see: of a person, a group, a group of friends, or what somebody calls a friend.
///
/// It has at least one character that shows, and nothing that shows as something else: no control characters, no
/// overrides or isolates of the writing direction, and no combining mark, variation selector or tag without the character
/// it belongs to. How long a name may be depends on whose it is.
package struct DisplayName: Sendable, Hashable {
    /// Bytes of what is looked at: far more than any name may have, so that nothing long is normalized in vain.
    package static let maxBytes = 65_536

    /// In Unicode's normal form NFC, without white space around it.
    package let text: String

    /// - Returns: `nil` for what is no such name.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maxBytes else { return nil }
        let name = Self.trimmed(text).composed
        var reader = Reader()
        guard name.unicodeScalars.allSatisfy({ reader.admits($0) }), reader.isComplete else { return nil }
        self.text = name
    }

    /// By scalars: a character may begin with white space and go on with a mark.
    private static func trimmed(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}

// MARK: - One scalar after the other

extension DisplayName {
    /// Reads a name from its beginning and knows what may follow.
    private struct Reader {
        private var previous = Part.gap
        private var isVisible = false

        /// Whether what was read is a whole name.
        var isComplete: Bool { isVisible && previous != .tag }

        /// Reads a scalar; `false` for one that may not stand where it does.
        mutating func admits(_ scalar: Unicode.Scalar) -> Bool {
            guard let part = Part(scalar), part.mayFollow(previous) else { return false }
            isVisible = isVisible || part == .flagBase || (part == .base && scalar.isVisible)
            // A joiner that joins nothing carries nothing.
            previous = part == .joiner && previous == .gap ? .gap : part
            return true
        }
    }

    /// What a scalar is to the one after it.
    private enum Part {
        /// Can have marks and a selector of its looks.
        case base
        /// An emoji, which can have tags too: 🏴 with six of them is the flag of England.
        case flagBase
        case mark
        case variationSelector
        /// Spells, with others and an end, what an emoji stands for.
        case tag
        case tagEnd
        /// Holds together, or apart, the characters beside it, as emoji and Persian or Indic scripts need it.
        case joiner
        /// White space, and whatever else shows nothing and carries nothing.
        case gap

        /// `nil` for what no name contains.
        init?(_ scalar: Unicode.Scalar) {
            let properties = scalar.properties
            switch scalar.value {
            case 0x202A...0x202E, 0x2066...0x2069: return nil
            case 0xE007F: self = .tagEnd
            case 0xE0020...0xE007E: self = .tag
            case 0xE0001: return nil
            case 0x200C, 0x200D: self = .joiner
            default:
                switch properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator, .surrogate: return nil
                case _ where properties.isNoncharacterCodePoint: return nil
                case _ where properties.isVariationSelector: self = .variationSelector
                case .nonspacingMark, .spacingMark, .enclosingMark: self = .mark
                case .spaceSeparator, .format: self = .gap
                case _ where properties.isDefaultIgnorableCodePoint: self = .gap
                default: self = properties.isEmojiPresentation ? .flagBase : .base
                }
            }
        }

        func mayFollow(_ previous: Part) -> Bool {
            switch self {
            case .tag, .tagEnd: previous == .tag || (self == .tag && previous == .flagBase)
            // Tags without an end are no tags.
            case _ where previous == .tag: false
            case .mark: previous != .gap
            case .variationSelector: previous == .base || previous == .flagBase
            case .base, .flagBase, .joiner, .gap: true
            }
        }
    }
}

extension Unicode.Scalar {
    /// Whether it is a letter, a digit, punctuation or a symbol, and not one of the few of them that are blank.
    fileprivate var isVisible: Bool {
        switch properties.generalCategory {
        case .unassigned, .privateUse: return false
        default: break
        }
        return switch value {
        // Braille without a dot, the place of an object, a note without a head, two blanks of hieroglyphs.
        case 0x2800, 0xFFFC, 0x1D159, 0x13441, 0x13442: false
        default: true
        }
    }
}
