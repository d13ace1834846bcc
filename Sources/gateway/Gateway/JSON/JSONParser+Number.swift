extension JSONParser {
    /// Reads a number (RFC 8259 section 6); the cursor stands on its first byte.
    mutating func parseNumber() throws(JSONSyntaxError) -> JSONValue {
        let start = index
        let isNegative = current == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let integerStart = index
        let integerDigits = skipDigits()
        guard integerDigits > 0 else { throw failure(current == nil ? .unexpectedEnd : .invalidNumber) }
        guard integerDigits == 1 || bytes[integerStart] != UInt8(ascii: "0") else { throw failure(.invalidNumber) }

        var fraction = index..<index
        if current == UInt8(ascii: ".") {
            index += 1
            let fractionStart = index
            guard skipDigits() > 0 else { throw failure(current == nil ? .unexpectedEnd : .invalidNumber) }
            fraction = fractionStart..<index
        }
        let integer = integerStart..<(integerStart + integerDigits)
        var exponent = 0
        let hasExponent = current == UInt8(ascii: "e") || current == UInt8(ascii: "E")
        if hasExponent { exponent = try parseExponent() }

        if fraction.isEmpty, !hasExponent, let value = wholeNumber(integer, isNegative: isNegative) {
            return .integer(value)
        }
        guard let value = decimal(integer, fraction, exponent, isNegative: isNegative) else {
            throw JSONSyntaxError(reason: .numberOutOfRange, offset: start)
        }
        return .number(value)
    }

    /// Steps over digits and says how many there were.
    private mutating func skipDigits() -> Int {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    /// Reads `e±digits`. Saturates far beyond what any `Double` can use, and beyond what a text of realistic length
    /// can compensate with digits of its own.
    private mutating func parseExponent() throws(JSONSyntaxError) -> Int {
        index += 1
        let sign = current
        if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
        let start = index
        guard skipDigits() > 0 else { throw failure(current == nil ? .unexpectedEnd : .invalidNumber) }
        var value = 0
        for position in start..<index where value < 1 << 40 {
            value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
        }
        return sign == UInt8(ascii: "-") ? -value : value
    }

    /// The digits as an integer, or `nil` when it does not fit.
    private func wholeNumber(_ digits: Range<Int>, isNegative: Bool) -> Int64? {
        // 2^63 has 19 digits and leading zeros are refused, so a longer number cannot fit.
        guard digits.count <= 19 else { return nil }
        var magnitude: UInt64 = 0
        for position in digits { magnitude = magnitude * 10 + UInt64(bytes[position] - UInt8(ascii: "0")) }
        if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int64(exactly: magnitude)
    }

    /// The value `integer.fraction × 10^exponent` as the nearest `Double`, or `nil` when it is too large for one.
    ///
    /// No `Double` needs more than 768 significant digits to be told from its neighbour, so a longer run is cut and
    /// replaced by one sticky digit: the conversion costs the same for a million digits as for a thousand.
    private func decimal(_ integer: Range<Int>, _ fraction: Range<Int>, _ exponent: Int, isNegative: Bool) -> Double? {
        let significantLimit = 800
        var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
        var significant = 0
        var scale = exponent
        var isCutNonZero = false
        for (digits, isFraction) in [(integer, false), (fraction, true)] {
            for position in digits {
                let digit = bytes[position]
                if significant == 0 && digit == UInt8(ascii: "0") {
                    // A leading zero only moves the point.
                    if isFraction { scale -= 1 }
                } else if significant < significantLimit {
                    text.append(digit)
                    significant += 1
                    if isFraction { scale -= 1 }
                } else {
                    isCutNonZero = isCutNonZero || digit != UInt8(ascii: "0")
                    if !isFraction { scale += 1 }
                }
            }
        }
        guard significant > 0 else { return isNegative ? -0.0 : 0.0 }
        if isCutNonZero {
            text.append(UInt8(ascii: "1"))
            scale -= 1
            significant += 1
        }
        // The decimal exponent of the first digit decides before any conversion is tried.
        let magnitude = scale + significant - 1
        guard magnitude <= 308 else { return nil }
        guard magnitude >= -400 else { return isNegative ? -0.0 : 0.0 }
        let literal = String(decoding: text, as: UTF8.self) + "e\(scale)"
        guard let value = Double(literal), value.isFinite else { return nil }
        return value
    }
}
