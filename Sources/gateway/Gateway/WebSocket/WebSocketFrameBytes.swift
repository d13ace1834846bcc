import NIOCore

/// One frame from the server as the bytes on the wire, encoded once and shared by all its recipients.
///
/// A server does not mask (RFC 6455 section 5.1), so the bytes are the same for everyone, and nothing is copied when
/// the frame is queued for ten thousand connections.
struct WebSocketFrameBytes: Sendable {
    let bytes: ByteBuffer

    /// A complete text message with something put in at an offset.
    init(text: ByteBuffer, inserting insertion: String, at offset: Int) {
        var bytes = Self.head(.text, payloadLength: text.readableBytes + insertion.utf8.count)
        var rest = text
        if var before = rest.readSlice(length: offset) { bytes.writeBuffer(&before) }
        bytes.writeString(insertion)
        bytes.writeBuffer(&rest)
        self.bytes = bytes
    }

    /// A complete text message of the JSON that `write` writes, in the buffer it is written to.
    ///
    /// - Parameter capacity: the expected size in bytes.
    init(reserving capacity: Int = 256, json write: (inout JSONWriter) -> Void) {
        var json = JSONWriter(reserving: capacity, headroom: Self.maxHeadBytes)
        write(&json)
        var bytes = json.take()
        let length = bytes.readableBytes
        bytes.moveReaderIndex(to: bytes.readerIndex - Self.headBytes(payloadLength: length))
        Self.setHead(.text, payloadLength: length, in: &bytes)
        self.bytes = bytes
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

    // MARK: - Heads

    private static let maxHeadBytes = 10

    private static func headBytes(payloadLength length: Int) -> Int {
        switch length {
        case ...125: 2
        case ...0xFFFF: 4
        default: maxHeadBytes
        }
    }

    /// The head of a frame, in a buffer with room for its payload.
    private static func head(_ opcode: WebSocketFrameOpcode, payloadLength length: Int) -> ByteBuffer {
        let headBytes = headBytes(payloadLength: length)
        var bytes = ByteBufferAllocator().buffer(capacity: headBytes + length)
        bytes.moveWriterIndex(to: headBytes)
        setHead(opcode, payloadLength: length, in: &bytes)
        return bytes
    }

    /// Puts the head of a frame where its readable bytes begin.
    private static func setHead(_ opcode: WebSocketFrameOpcode, payloadLength length: Int, in bytes: inout ByteBuffer) {
        let start = bytes.readerIndex
        // FIN, and no extension bits.
        bytes.setInteger(0x80 | opcode.rawValue, at: start)
        switch headBytes(payloadLength: length) {
        case 2: bytes.setInteger(UInt8(length), at: start + 1)
        case 4:
            bytes.setInteger(UInt8(126), at: start + 1)
            bytes.setInteger(UInt16(length), at: start + 2)
        default:
            bytes.setInteger(UInt8(127), at: start + 1)
            bytes.setInteger(UInt64(length), at: start + 2)
        }
    }
}
