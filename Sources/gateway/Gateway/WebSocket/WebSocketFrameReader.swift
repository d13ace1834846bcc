import NIOCore

/// What a frame is (RFC 6455 section 5.2); the values between are reserved.
enum WebSocketFrameOpcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue >= 0x8 }
}

/// One frame from a client, unmasked.
struct WebSocketInboundFrame: Equatable {
    var opcode: WebSocketFrameOpcode
    var isFinal: Bool
    var payload: ByteBuffer
}

/// A rule that the peer broke, and how the connection ends for it.
struct WebSocketViolation: Error, Equatable {
    let code: WebSocketCloseCode
    let reason: String

    static func broken(_ rule: String) -> WebSocketViolation {
        WebSocketViolation(code: .protocolError, reason: rule)
    }
}

/// Takes client frames off a stream of bytes (RFC 6455 section 5.2).
///
/// Its own reader rather than NIO's, because that one hands out a frame only when all of it is there and checks
/// neither reserved bits nor opcodes, masking, or the shortest form of the length. Here a frame that is wrong or too
/// large is refused on its first bytes, and nothing of it is collected.
struct WebSocketFrameReader {
    /// Bytes not yet taken.
    private(set) var buffer = ByteBuffer()
    /// Largest payload of a data frame.
    var maxPayloadBytes: Int

    init(maxPayloadBytes: Int) {
        self.maxPayloadBytes = maxPayloadBytes
    }

    /// Whether a frame has begun and not ended.
    var isInsideFrame: Bool { buffer.readableBytes > 0 }

    mutating func append(_ bytes: consuming ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            // Before growing, what has been taken is dropped.
            buffer.discardReadBytes()
            buffer.writeBuffer(&bytes)
        }
    }

    /// Copies what is left of the network's own, much larger buffer, so that a frame that is slow to come does not
    /// keep that alive.
    mutating func compact() {
        guard buffer.readableBytes > 0 else {
            buffer = ByteBuffer()
            return
        }
        if buffer.capacity > 4 * buffer.readableBytes + 1024 { buffer = ByteBuffer(bytes: buffer.readableBytesView) }
    }

    /// The next complete frame, or `nil` if more bytes are needed.
    mutating func next() throws(WebSocketViolation) -> WebSocketInboundFrame? {
        let start = buffer.readerIndex
        guard let first = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
        guard first & 0x70 == 0 else { throw .broken("reserved bits are set") }
        guard let opcode = WebSocketFrameOpcode(rawValue: first & 0x0F) else { throw .broken("reserved opcode") }
        let isFinal = first & 0x80 != 0
        if opcode.isControl, !isFinal { throw .broken("fragmented control frame") }

        guard let second = buffer.getInteger(at: start + 1, as: UInt8.self) else { return nil }
        guard second & 0x80 != 0 else { throw .broken("frame is not masked") }
        guard let (length, headBytes) = try payloadLength(second & 0x7F, at: start + 2, isControl: opcode.isControl),
            let mask = buffer.getInteger(at: start + headBytes, endianness: .big, as: UInt32.self),
            var payload = buffer.getSlice(at: start + headBytes + 4, length: length)
        else { return nil }
        buffer.moveReaderIndex(forwardBy: headBytes + 4 + length)
        payload.unmask(mask)
        return WebSocketInboundFrame(opcode: opcode, isFinal: isFinal, payload: payload)
    }

    /// The length of the payload and of the head up to the mask, or `nil` if more bytes are needed.
    private func payloadLength(
        _ short: UInt8, at index: Int, isControl: Bool
    ) throws(WebSocketViolation) -> (length: Int, headBytes: Int)? {
        if isControl, short > 125 { throw .broken("control frame is too long") }
        let length: UInt64
        let headBytes: Int
        switch short {
        case 126:
            guard let long = buffer.getInteger(at: index, as: UInt16.self) else { return nil }
            guard long > 125 else { throw .broken("length is not in its shortest form") }
            (length, headBytes) = (UInt64(long), 4)
        case 127:
            guard let long = buffer.getInteger(at: index, as: UInt64.self) else { return nil }
            guard long > 0xFFFF, long >> 63 == 0 else { throw .broken("length is not in its shortest form") }
            (length, headBytes) = (long, 10)
        default: (length, headBytes) = (UInt64(short), 2)
        }
        guard isControl || length <= UInt64(maxPayloadBytes) else {
            throw WebSocketViolation(code: .messageTooBig, reason: "message is too big")
        }
        return (Int(length), headBytes)
    }
}

extension ByteBuffer {
    /// Undoes the masking of section 5.3, eight bytes at a time.
    fileprivate mutating func unmask(_ mask: UInt32) {
        guard mask != 0 else { return }
        withUnsafeMutableReadableBytes { bytes in
            let wide = UInt64(mask) << 32 | UInt64(mask)
            var position = 0
            while position + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                bytes.storeBytes(of: word ^ wide.bigEndian, toByteOffset: position, as: UInt64.self)
                position += 8
            }
            while position < bytes.count {
                bytes[position] ^= UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * (position % 4)))
                position += 1
            }
        }
    }
}
