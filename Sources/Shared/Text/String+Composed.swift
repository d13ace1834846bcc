// Nothing public on Linux composes as Unicode does: docs/decisions/0015-names-and-folding.md.
@_spi(_Unicode) import Swift

extension String {
    /// The text in Unicode's normal form NFC: texts that are canonically equivalent, and so equal to Swift, become the
    /// same scalars.
    package var composed: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return self }
        var scalars = UnicodeScalarView()
        for scalar in _nfc { scalars.append(scalar) }
        return String(scalars)
    }
}
