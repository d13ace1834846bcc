/// The parameters of a request target, in the order in which they were sent.
///
/// Read as `application/x-www-form-urlencoded`: pairs are separated by `&`, `+` and `%XX` are decoded (any other `%` stays), a name without
/// `=` has the value `""`, and empty pairs (`a=1&&b=2`) do not count.
struct HTTPQuery: Sendable, Equatable {
    /// One name with its value, both decoded.
    struct Pair: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// All pairs, repeated names included.
    let pairs: [Pair]

    init(_ pairs: [Pair] = []) {
        self.pairs = pairs
    }

    /// `nil` when a name or a value is not UTF-8, or has a NUL in it.
    init?(encoded text: Substring.UTF8View) {
        var pairs: [Pair] = []
        for pair in text.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = decodedText(percentDecodedBytes(pair[..<equals], as: .query)),
                let value = decodedText(percentDecodedBytes(pair[equals...].dropFirst(), as: .query))
            else { return nil }
            pairs.append(Pair(name: name, value: value))
        }
        self.pairs = pairs
    }

    /// The value of the first pair called `name`.
    subscript(name: String) -> String? {
        pairs.first { $0.name == name }?.value
    }
}
