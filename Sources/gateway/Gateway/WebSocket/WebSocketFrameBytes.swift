import NIOCore

/// One frame from the server as the bytes on the wire, encoded once and shared by all its recipients.
///
/// A server does not mask (RFC 6455 section 5.1), so the bytes are the same for everyone, and nothing is copied when
/// the frame is queued for ten thousand connections.
struct WebSocketFrameBytes: Sendable {
    let bytes: ByteBuffer

    /// A complete text message. `text` must be UTF-8, which ``JSONWriter`` guarantees.
    init(text: ByteBuffer) {
        self.init(.text, payload: text)
    }

    /// A complete text message.
    init(text: String) {
        self.init(text: ByteBuffer(string: text))
    }

    /// A complete text message in three pieces, copied once.
    init(text before: ByteBuffer, _ middle: String, _ after: ByteBuffer) {
        let length = before.readableBytes + middle.utf8.count + after.readableBytes
        var bytes = Self.head(.text, payloadLength: length)
        bytes.writeImmutableBuffer(before)
        bytes.writeString(middle)
        bytes.writeImmutableBuffer(after)
        self.bytes = bytes
    }

    /// A complete text message of JSON.
    init(json: JSONWriter) {
        self.init(text: json.bytes)
    }

    /// A close frame; the reason is cut, at a character, to the 123 bytes a control frame has room for.
    init(close code: WebSocketCloseCode?, reason: String = "") {
        var payload = ByteBuffer()
        if let code {
            payload.writeInteger(code.rawValue)
            var room = 123
            let cut = reason.prefix { character in
                room -= character.utf8.count
                return room >= 0
            }
            payload.writeString(String(cut))
        }
        self.init(.close, payload: payload)
    }

    init(_ opcode: WebSocketFrameOpcode, payload: ByteBuffer) {
        var bytes = Self.head(opcode, payloadLength: payload.readableBytes)
        bytes.writeImmutableBuffer(payload)
        self.bytes = bytes
    }

    /// The head of a frame, in a buffer with room for its payload.
    private static func head(_ opcode: WebSocketFrameOpcode, payloadLength length: Int) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: length + 10)
        // FIN, and no extension bits.
        bytes.writeInteger(0x80 | opcode.rawValue)
        switch length {
        case ...125: bytes.writeInteger(UInt8(length))
        case ...0xFFFF:
            bytes.writeInteger(UInt8(126))
            bytes.writeInteger(UInt16(length))
        default:
            bytes.writeInteger(UInt8(127))
            bytes.writeInteger(UInt64(length))
        }
        return bytes
    }
}
