import NIOCore
import NIOHTTP1

/// One complete request: head and body have arrived and are within the limits of ``HTTPServerConfiguration``.
struct HTTPRequest: Sendable {
    /// The caller's `X-Request-Id` when it is 1 to 64 characters of `[A-Za-z0-9._-]`, else 16 random hex digits.
    /// Safe to put into logs and headers.
    var id: String
    /// As sent. The server itself refuses only methods that the HTTP grammar does not know.
    var method: HTTPMethod
    /// Percent-decoded, always UTF-8 without NUL, without the query, and without one trailing slash; `/` stays.
    /// Dot segments are not resolved: a path is a name in the router's table and never a file.
    var path: String
    /// The parameters behind the question mark.
    var query: HTTPQuery
    /// As sent; names are compared without regard to case.
    var headers: HTTPHeaders
    /// The whole body with any chunking removed; empty when there is none. Any method may have one.
    var body: ByteBuffer
    /// Address of the peer of the connection, without port; `unix` on a Unix socket. Forwarding headers are not
    /// looked at.
    var remoteAddress: String
    /// Values of the `{name}` segments of the route, once ``HTTPRouter`` has found one.
    var parameters: [String: String] = [:]
}

/// The target of a request line, taken apart (RFC 9112 section 3.2).
struct HTTPTarget: Sendable, Equatable {
    let path: String
    let query: HTTPQuery

    /// - Throws: ``HTTPTargetError`` for a broken escape, bytes that are not UTF-8, a NUL, a fragment, or a form
    ///   other than `/path`, `http://host/path` and `*`.
    init(_ target: String) throws(HTTPTargetError) {
        var rest = target.utf8[...]
        if rest.first != UInt8(ascii: "/"), target != "*" {
            rest = try Self.droppingAuthority(rest)
        }
        guard !rest.contains(UInt8(ascii: "#")) else { throw HTTPTargetError() }
        let question = rest.firstIndex(of: UInt8(ascii: "?"))
        var path = try percentDecoded(rest[..<(question ?? rest.endIndex)], plusIsSpace: false)
        if path.isEmpty { path = "/" }
        if path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        self.path = path
        if let question {
            query = try HTTPQuery(encoded: rest[rest.index(after: question)...])
        } else {
            query = HTTPQuery()
        }
    }

    /// Servers must accept the absolute form although only proxies see it (RFC 9112 section 3.2.2).
    private static func droppingAuthority(_ target: Substring.UTF8View) throws(HTTPTargetError) -> Substring.UTF8View {
        for scheme in ["http://", "https://"] {
            let prefix = target.prefix(scheme.utf8.count).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
            guard prefix.elementsEqual(scheme.utf8) else { continue }
            let authority = target.dropFirst(scheme.utf8.count)
            return authority[
                (authority.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
                    ?? authority.endIndex)...]
        }
        throw HTTPTargetError()
    }
}

/// The target of a request cannot be understood; answered 400.
struct HTTPTargetError: Error, Equatable {}

/// Undoes percent-encoding (RFC 3986 section 2.1).
///
/// - Throws: ``HTTPTargetError`` for a `%` without two hex digits, for bytes that are not UTF-8, and for NUL, which no
///   name or value needs and which C code behind us would take for the end.
func percentDecoded(_ text: Substring.UTF8View, plusIsSpace: Bool) throws(HTTPTargetError) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = iterator.next().flatMap(hexDigitValue), let low = iterator.next().flatMap(hexDigitValue)
            else { throw HTTPTargetError() }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
        default: bytes.append(byte)
        }
    }
    guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else { throw HTTPTargetError() }
    return decoded
}
