import NIOHTTP1

extension HTTPRequestHead {
    /// What is wrong with a head that could be decoded.
    func refusal(maxBodyBytes: Int) -> HTTPRefusal? {
        let hosts = headers["Host"]
        // RFC 9112 section 3.2: exactly one.
        guard hosts.count == 1 || (hosts.isEmpty && version == .http1_0),
            hosts.allSatisfy({ HTTPAuthority.isValid(Self.trimmed($0), allowsEmpty: true) })
        else { return .malformedRequest }
        if headers.contains(name: "Transfer-Encoding") {
            // RFC 9112 section 6.1: chunks from HTTP/1.0 are a sign of broken framing.
            if version == .http1_0 { return .malformedRequest }
            let codings = headers["Transfer-Encoding"]
            guard codings.count == 1, String(Self.trimmed(codings[0]))?.lowercased() == "chunked" else {
                return .unknownTransferCoding
            }
        }
        if let length = headers.first(name: "Content-Length") {
            // The decoder has checked that it is a number; one that does not fit is too large whatever it is.
            guard let length = String(Self.trimmed(length)).flatMap({ Int($0) }), length <= maxBodyBytes else {
                return .bodyTooLarge
            }
        }
        return nil
    }

    /// Blanks around a value are none of it (RFC 9110 section 5.5); the decoder leaves those behind it.
    private static func trimmed(_ value: String) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = value.utf8.drop(while: isBlank)
        while rest.last.map(isBlank) == true { rest.removeLast() }
        return rest
    }
}
