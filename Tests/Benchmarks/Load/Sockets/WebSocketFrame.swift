/// The frame at the head of some bytes: RFC 6455 as far as a client that we wrote needs it.
struct WebSocketFrame {
    static let text: UInt8 = 0x1
    static let close: UInt8 = 0x8
    static let ping: UInt8 = 0x9
    static let pong: UInt8 = 0xA
    /// The key of all our masked frames. Ours, as whom masking protects is not here.
    static let clientMask: [UInt8] = [0x5A, 0xC3, 0x17, 0x8E]
    /// The handshake's key, and the value that accepts it.
    static let handshakeKey = "dGhlIHNhbXBsZSBub25jZQ=="
    static let handshakeAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    let opcode: UInt8
    /// Four bytes in memory order; 0 when the payload is not masked.
    let mask: UInt32
    let headerLength: Int
    let payloadLength: Int

    var length: Int { headerLength + payloadLength }

    /// `nil` until the whole frame is there.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        var header = 2
        var payload = Int(bytes[1] & 0x7F)
        if payload == 126 {
            guard bytes.count >= 4 else { return nil }
            payload = Int(bytes[2]) << 8 | Int(bytes[3])
            header = 4
        } else if payload == 127 {
            guard bytes.count >= 10 else { return nil }
            payload = bytes[2..<10].reduce(0) { $0 << 8 | Int($1) }
            header = 10
        }
        if bytes[1] & 0x80 != 0 {
            guard bytes.count >= header + 4 else { return nil }
            mask = bytes.loadUnaligned(fromByteOffset: header, as: UInt32.self)
            header += 4
        } else {
            mask = 0
        }
        guard bytes.count - header >= payload else { return nil }
        opcode = bytes[0] & 0x0F
        headerLength = header
        payloadLength = payload
    }

    /// Takes the mask off a payload, in place.
    func unmask(_ payload: UnsafeMutableRawBufferPointer) {
        guard mask != 0 else { return }
        let wide = UInt64(mask) << 32 | UInt64(mask)
        var index = 0
        while index + 8 <= payload.count {
            let masked = payload.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            payload.storeBytes(of: masked ^ wide, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < payload.count {
            payload[index] ^= UInt8(truncatingIfNeeded: mask >> UInt32(8 * (index & 3)))
            index += 1
        }
    }

    /// A masked frame, as clients send them.
    static func masked(_ payload: [UInt8], opcode: UInt8 = text) -> [UInt8] {
        header(opcode, payload.count, isMasked: true) + clientMask
            + payload.enumerated().map { $1 ^ clientMask[$0 & 3] }
    }

    /// Begins an unmasked frame, as servers send them.
    static func appendHeader(payloadLength: Int, to queue: ByteQueue) {
        queue.append(0x80 | text)
        if payloadLength < 126 {
            queue.append(UInt8(payloadLength))
        } else {
            queue.append(126)
            queue.append(UInt8(payloadLength >> 8))
            queue.append(UInt8(payloadLength & 0xFF))
        }
    }

    private static func header(_ opcode: UInt8, _ count: Int, isMasked: Bool) -> [UInt8] {
        let flag: UInt8 = isMasked ? 0x80 : 0
        precondition(count < 1 << 16, "a benchmark's frame is short")
        return count < 126
            ? [0x80 | opcode, flag | UInt8(count)]
            : [0x80 | opcode, flag | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
    }
}
