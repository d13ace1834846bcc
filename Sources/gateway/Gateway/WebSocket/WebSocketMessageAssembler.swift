import NIOCore

/// Puts messages together from frames and checks the rules that concern more than one frame: fragmentation
/// (RFC 6455 section 5.4), control frames in between (5.5), UTF-8 (8.1), close frames (7.1.5), total size.
struct WebSocketMessageAssembler {
    /// What a frame amounts to.
    enum Event: Equatable {
        case text(ByteBuffer)
        case binary(ByteBuffer)
        case ping(ByteBuffer)
        case pong
        case close(WebSocketCloseCode?)
        /// Part of a message that goes on.
        case incomplete
    }

    var maxMessageBytes: Int
    var acceptsBinary: Bool
    private var opcode: WebSocketFrameOpcode?
    private var message = ByteBuffer()

    init(maxMessageBytes: Int, acceptsBinary: Bool) {
        self.maxMessageBytes = maxMessageBytes
        self.acceptsBinary = acceptsBinary
    }

    /// Whether a message has begun and not ended.
    var isInsideMessage: Bool { opcode != nil }

    mutating func receive(_ frame: WebSocketInboundFrame) throws(WebSocketViolation) -> Event {
        switch frame.opcode {
        case .ping: return .ping(frame.payload)
        case .pong: return .pong
        case .close: return .close(try Self.closeCode(frame.payload))
        case .text, .binary:
            guard opcode == nil else { throw .broken("message inside a message") }
            if frame.opcode == .binary, !acceptsBinary {
                throw WebSocketViolation(code: .unsupportedData, reason: "binary messages are not accepted")
            }
            if frame.isFinal { return try Self.finished(frame.opcode, frame.payload) }
            opcode = frame.opcode
            message = frame.payload
            return .incomplete
        case .continuation:
            guard let opcode else { throw .broken("continuation of nothing") }
            guard message.readableBytes + frame.payload.readableBytes <= maxMessageBytes else {
                throw WebSocketViolation(code: .messageTooBig, reason: "message is too big")
            }
            message.writeImmutableBuffer(frame.payload)
            guard frame.isFinal else { return .incomplete }
            let whole = message
            message = ByteBuffer()
            self.opcode = nil
            return try Self.finished(opcode, whole)
        }
    }

    private static func finished(
        _ opcode: WebSocketFrameOpcode, _ payload: ByteBuffer
    ) throws(WebSocketViolation) -> Event {
        guard opcode == .text else { return .binary(payload) }
        guard payload.isUTF8 else {
            throw WebSocketViolation(code: .invalidPayload, reason: "text is not UTF-8")
        }
        return .text(payload)
    }

    /// A close frame is empty, or a code with a text behind it (section 5.5.1).
    private static func closeCode(_ payload: ByteBuffer) throws(WebSocketViolation) -> WebSocketCloseCode? {
        guard payload.readableBytes > 0 else { return nil }
        var payload = payload
        guard let code = payload.readInteger(as: UInt16.self).map(WebSocketCloseCode.init(rawValue:)),
            code.isAllowedOnWire
        else { throw .broken("malformed close code") }
        guard payload.isUTF8 else {
            throw WebSocketViolation(code: .invalidPayload, reason: "close reason is not UTF-8")
        }
        return code
    }
}

extension ByteBuffer {
    /// Whether the readable bytes are well-formed UTF-8.
    var isUTF8: Bool {
        withUnsafeReadableBytes { bytes in
            let span = bytes.assumingMemoryBound(to: UInt8.self).span
            return (try? UTF8Span(validating: span)) != nil  // The error says where; nobody asks.
        }
    }
}
