/// The target of a request line, taken apart (RFC 9112 section 3.2).
struct HTTPTarget: Sendable, Equatable {
    /// Percent-decoded, always UTF-8 without NUL, without the query, and without one trailing slash; `/` stays.
    ///
    /// An escaped slash belongs to its segment and stays escaped, as `%2F`. Dot segments are not resolved: a path is a
    /// name in the router's table and never a file.
    let path: String
    let query: HTTPQuery

    /// - Throws: ``HTTPTargetError`` for escapes of bytes that are not UTF-8, a NUL, a fragment, an authority that is
    ///   none, or a form other than `/path`, `http://host/path` and `*`.
    init(_ target: String) throws(HTTPTargetError) {
        var rest = target.utf8[...]
        var isSound = !rest.contains(UInt8(ascii: "#"))
        if rest.first != UInt8(ascii: "/"), target != "*" {
            guard let absolute = Self.absoluteForm(rest) else { throw HTTPTargetError(path: "") }
            if !HTTPAuthority.isValid(absolute.authority, allowsEmpty: false) { isSound = false }
            rest = absolute.rest
        }
        let question = rest.firstIndex(of: UInt8(ascii: "?"))
        let bytes = percentDecodedBytes(rest[..<(question ?? rest.endIndex)], as: .path)
        let decoded = decodedText(bytes)
        path = Self.normalized(decoded ?? String(decoding: bytes, as: UTF8.self))
        if decoded == nil { isSound = false }
        let query = question.map { HTTPQuery(encoded: rest[rest.index(after: $0)...]) } ?? HTTPQuery()
        guard let query, isSound else { throw HTTPTargetError(path: path) }
        self.query = query
    }

    /// The target of a question that is answered whatever the target is.
    init(preflight target: String) {
        do throws(HTTPTargetError) {
            self = try HTTPTarget(target)
        } catch {
            (path, query) = (error.path, HTTPQuery())
        }
    }

    private static func normalized(_ path: String) -> String {
        if path.isEmpty { return "/" }
        return path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") ? String(path.dropLast()) : path
    }

    /// Servers must accept the absolute form although only proxies see it (RFC 9112 section 3.2.2).
    private static func absoluteForm(
        _ target: Substring.UTF8View
    ) -> (authority: Substring.UTF8View, rest: Substring.UTF8View)? {
        for scheme in ["http://", "https://"] {
            let prefix = target.prefix(scheme.utf8.count).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
            guard prefix.elementsEqual(scheme.utf8) else { continue }
            let hierarchy = target.dropFirst(scheme.utf8.count)
            let end = hierarchy.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? hierarchy.endIndex
            return (hierarchy[..<end], hierarchy[end...])
        }
        return nil
    }
}

/// The target of a request cannot be understood; answered 400.
struct HTTPTargetError: Error, Equatable {
    /// As much of the path as could be understood, for those who word the answer.
    let path: String
}

/// The host of a request with its port (RFC 9110 section 7.2).
enum HTTPAuthority {
    /// Whether a text is a host as RFC 3986 section 3.2.2 writes it, and perhaps a port. Nobody's name stands in it.
    static func isValid(_ text: Substring.UTF8View, allowsEmpty: Bool) -> Bool {
        var host = text
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let literal = text[..<end].dropFirst()
            guard isPort(text[end...].dropFirst()), literal.contains(UInt8(ascii: ":")) else { return false }
            return literal.first.map { $0 | 0x20 } == UInt8(ascii: "v")
                ? literal.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ":") }
                : literal.allSatisfy { hexDigitValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            guard isPort(text[colon...]) else { return false }
            host = text[..<colon]
        }
        guard allowsEmpty || !host.isEmpty else { return false }
        var rest = host
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") ? isHex(rest.popFirst()) && isHex(rest.popFirst()) : isNameByte(byte) else {
                return false
            }
        }
        return true
    }

    /// Nothing, or a colon with digits behind it, or none.
    private static func isPort(_ text: Substring.UTF8View) -> Bool {
        text.isEmpty
            || (text.first == UInt8(ascii: ":")
                && text.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    }

    private static func isHex(_ byte: UInt8?) -> Bool { byte.flatMap(hexDigitValue) != nil }

    /// What RFC 3986 calls unreserved and sub-delims.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~!$&'()*+,;=".utf8.contains(byte)
        }
    }
}

// MARK: - Percent-encoding

/// The part of a target that is decoded.
enum HTTPTargetPart {
    case path
    case query
}

/// Undoes percent-encoding (RFC 3986 section 2.1). A `%` without two hex digits stands for itself: browsers send it so.
///
/// In a query `+` is a space; in a path an escaped slash stays escaped.
func percentDecodedBytes(_ text: Substring.UTF8View, as part: HTTPTargetPart) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            let digits = rest.prefix(2).compactMap(hexDigitValue)
            guard digits.count == 2 else {
                bytes.append(byte)
                continue
            }
            rest = rest.dropFirst(2)
            let decoded = digits[0] << 4 | digits[1]
            if part == .path, decoded == UInt8(ascii: "/") {
                bytes += "%2F".utf8
            } else {
                bytes.append(decoded)
            }
        case UInt8(ascii: "+") where part == .query: bytes.append(0x20)
        default: bytes.append(byte)
        }
    }
    return bytes
}

/// Decoded bytes as text; `nil` when they are not UTF-8 or have a NUL in them, which no name or value needs and which C
/// code behind us would take for the end.
func decodedText(_ bytes: [UInt8]) -> String? {
    bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
}
