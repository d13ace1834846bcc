import NIOCore
import NIOHTTP1

/// Turns an answer into the bytes of an HTTP/1.1 message.
///
/// Head and small bodies share one buffer, a larger body is a second one that is not copied; written together and
/// flushed once, either way is one system call.
struct HTTPResponseEncoder {
    /// Bodies up to this size are copied behind the head.
    static let copiedBodyBytes = 16 * 1024

    private var clock = HTTPDateClock()

    /// What the framing of an answer depends on besides the answer.
    struct Framing {
        var requestID: String
        /// Whether the request was `HEAD`.
        var isHead = false
        /// Whether the connection ends with this answer.
        var closes = false
        /// Whether the client speaks HTTP/1.0, which must be told that the connection stays open.
        var isHTTP10 = false
    }

    /// The message in one or two buffers, to be written in order.
    mutating func encode(_ response: HTTPResponse, _ framing: Framing) -> (head: ByteBuffer, body: ByteBuffer?) {
        // 204 and 304 end with their head whatever their headers say (RFC 9112 section 6.3).
        let allowsBody = response.status != .noContent && response.status != .notModified
        let sentBodyBytes = allowsBody && !framing.isHead ? response.body.readableBytes : 0
        let isCopied = sentBodyBytes <= Self.copiedBodyBytes

        var head = ByteBufferAllocator().buffer(capacity: 512 + (isCopied ? sentBodyBytes : 0))
        head.writeStaticString("HTTP/1.1 ")
        head.writeString(String(response.status.code))
        head.writeStaticString(" ")
        head.writeString(Self.isSafe(response.status.reasonPhrase) ? response.status.reasonPhrase : "")
        head.writeStaticString("\r\n")

        var presence = Presence()
        for (name, value) in response.headers {
            guard !presence.isServers(name), Self.isToken(name), Self.isSafe(value) else { continue }
            presence.note(name)
            head.write(name, value)
        }
        if !presence.hasRequestID { head.write(HTTPRequestID.header, framing.requestID) }
        if !presence.hasCacheControl { head.write("Cache-Control", "no-store") }
        if !presence.hasContentTypeOptions { head.write("X-Content-Type-Options", "nosniff") }
        if response.status != .noContent { head.write("Content-Length", String(response.body.readableBytes)) }
        if framing.closes {
            head.write("Connection", "close")
        } else if framing.isHTTP10 {
            head.write("Connection", "keep-alive")
        }
        head.write("Date", clock.text())
        head.writeStaticString("\r\n")
        guard sentBodyBytes > 0 else { return (head, nil) }
        guard isCopied else { return (head, response.body) }
        head.writeImmutableBuffer(response.body)
        return (head, nil)
    }

    /// The 101 of an accepted handshake.
    static func encodeSwitchingProtocols(_ headers: HTTPHeaders, requestID: String) -> ByteBuffer {
        var head = ByteBufferAllocator().buffer(capacity: 256)
        head.writeStaticString("HTTP/1.1 101 Switching Protocols\r\n")
        for (name, value) in headers { head.write(name, value) }
        head.write(HTTPRequestID.header, requestID)
        head.writeStaticString("\r\n")
        return head
    }

    /// Field names are tokens (RFC 9110 section 5.6.2).
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "^")...UInt8(ascii: "z"), UInt8(ascii: "|"), UInt8(ascii: "~"),
                    UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"),
                    UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Field values hold no control characters except tab (RFC 9110 section 5.5).
    private static func isSafe(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }

    /// Which of the headers the server would add are there already.
    private struct Presence {
        var hasRequestID = false
        var hasCacheControl = false
        var hasContentTypeOptions = false

        func isServers(_ name: String) -> Bool {
            switch name.utf8.count {
            case 4: name.lowercased() == "date"
            case 10: name.lowercased() == "connection" || name.lowercased() == "keep-alive"
            case 14: name.lowercased() == "content-length"
            case 17: name.lowercased() == "transfer-encoding"
            default: false
            }
        }

        mutating func note(_ name: String) {
            switch name.utf8.count {
            case 12 where name.lowercased() == "x-request-id": hasRequestID = true
            case 13 where name.lowercased() == "cache-control": hasCacheControl = true
            case 22 where name.lowercased() == "x-content-type-options": hasContentTypeOptions = true
            default: break
            }
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func write(_ name: String, _ value: String) {
        writeString(name)
        writeStaticString(": ")
        writeString(value)
        writeStaticString("\r\n")
    }
}
