import Dispatch
import Synchronization

/// One WebSocket for tests, with every frame in the hands of the test.
///
/// Receiving and sending have a queue each, so one may wait while the other goes on.
package final class WebSocketClient: Sendable {
    /// One frame from the server.
    package struct Frame: Sendable, Equatable {
        package var opcode: UInt8
        package var isFinal: Bool
        package var payload: [UInt8]
    }

    /// Headers of the 101, names in lower case.
    package let handshakeHeaders: [String: String]
    private let socket: ClientSocket
    private let receiving = DispatchQueue(label: "test.websocket-client.receiving")
    private let sending = DispatchQueue(label: "test.websocket-client.sending")
    private let receivedCloseCode = Mutex<UInt16?>(nil)

    private init(socket: ClientSocket, handshakeHeaders: [String: String]) {
        self.socket = socket
        self.handshakeHeaders = handshakeHeaders
    }

    /// Connects and shakes hands.
    ///
    /// - Throws: ``ClientError/refused(status:body:)`` if the answer is not 101.
    package static func connect(
        port: Int, path: String, headers: [String: String] = [:], receiveBufferBytes: Int32? = nil,
        within limit: Duration = .seconds(10)
    ) async throws -> WebSocketClient {
        try await ClientSocket.run(on: DispatchQueue(label: "test.websocket-client.connect")) {
            let deadline = ContinuousClock.Instant.now + limit
            let socket = try ClientSocket.connect(port: port, within: limit)
            if let receiveBufferBytes { socket.limitReceiveBuffer(bytes: receiveBufferBytes) }
            var request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            // The key and the answer to it are the example of RFC 6455 section 1.3.
            request += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            for (name, value) in headers { request += "\(name): \(value)\r\n" }
            try socket.send(Array((request + "\r\n").utf8))
            let head = try ResponseHead(socket.take(through: Array("\r\n\r\n".utf8), until: deadline))
            guard head.status == 101 else {
                let length = head.headers["content-length"].flatMap { Int($0) } ?? 0
                throw ClientError.refused(status: head.status, body: try socket.take(length, until: deadline))
            }
            guard head.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
                throw ClientError.malformed("handshake key")
            }
            return WebSocketClient(socket: socket, handshakeHeaders: head.headers)
        }
    }

    /// The code of the server's close frame, once one was received; 1005 if it carried none (RFC 6455 section 7.4.1).
    package var closeCode: UInt16? { receivedCloseCode.withLock { $0 } }

    // MARK: Receiving

    /// The next frame of any kind, unanswered.
    package func nextFrame(within limit: Duration = .seconds(10)) async throws -> Frame {
        try await ClientSocket.run(on: receiving) { try self.readFrame(until: .now + limit) }
    }

    /// The next text message. Pings are answered on the way.
    ///
    /// - Throws: ``ClientError/webSocketClosed(code:)`` if the server closes instead; its close frame is answered.
    package func nextText(within limit: Duration = .seconds(10)) async throws -> String {
        try await ClientSocket.run(on: receiving) {
            let deadline = ContinuousClock.Instant.now + limit
            while true {
                let frame = try self.readFrame(until: deadline)
                switch frame.opcode {
                case 0x1: return String(decoding: frame.payload, as: UTF8.self)
                case 0x8: throw ClientError.webSocketClosed(code: self.closeCode)
                case 0x9: try self.socket.send(Self.encode(opcode: 0xA, payload: frame.payload))
                default: break
                }
            }
        }
    }

    /// Awaits the end of the connection, dropping what comes before it and answering the server's close frame.
    ///
    /// - Returns: the code of the close frame, or `nil` if the connection ended without one.
    @discardableResult
    package func end(within limit: Duration = .seconds(10)) async throws -> UInt16? {
        try await ClientSocket.run(on: receiving) {
            let deadline = ContinuousClock.Instant.now + limit
            do {
                while true { _ = try self.readFrame(until: deadline) }
            } catch ClientError.closed {
                return self.closeCode
            }
        }
    }

    private func readFrame(until deadline: ContinuousClock.Instant) throws -> Frame {
        let head = try socket.take(2, until: deadline)
        guard head[1] & 0x80 == 0 else { throw ClientError.malformed("masked by the server") }
        var length = Int(head[1])
        if length >= 126 {
            length = try socket.take(length == 126 ? 2 : 8, until: deadline).reduce(0) { $0 << 8 | Int($1) }
        }
        let payload = try socket.take(length, until: deadline)
        if head[0] & 0x0F == 0x8 {
            receivedCloseCode.withLock { $0 = payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : 1005 }
            // The server may have gone without waiting for the answer.
            try? socket.send(Self.encode(opcode: 0x8, payload: Array(payload.prefix(2))))
        }
        return Frame(opcode: head[0] & 0x0F, isFinal: head[0] & 0x80 != 0, payload: payload)
    }

    // MARK: Sending

    /// Sends a text message.
    package func sendText(_ text: String) async throws {
        try await send(raw: Self.encode(opcode: 0x1, payload: Array(text.utf8)))
    }

    /// Sends a close frame.
    package func sendClose(code: UInt16) async throws {
        try await send(raw: Self.encode(opcode: 0x8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)]))
    }

    /// Sends a frame of any form, valid or not.
    package func sendFrame(
        opcode: UInt8, payload: [UInt8] = [], isFinal: Bool = true, reservedBits: UInt8 = 0, isMasked: Bool = true
    ) async throws {
        try await send(
            raw: Self.encode(
                opcode: opcode, payload: payload, isFinal: isFinal, reservedBits: reservedBits, isMasked: isMasked))
    }

    /// Sends bytes as they are.
    package func send(raw bytes: [UInt8]) async throws {
        try await ClientSocket.run(on: sending) { try self.socket.send(bytes) }
    }

    /// Ends the sending side; what the server sends can still be read.
    package func endSending() {
        socket.shutdownSending()
    }

    /// Ends the connection without a closing handshake.
    package func cut() {
        socket.close()
    }

    /// The bytes of a client frame.
    package static func encode(
        opcode: UInt8, payload: [UInt8], isFinal: Bool = true, reservedBits: UInt8 = 0, isMasked: Bool = true
    ) -> [UInt8] {
        var bytes = [(isFinal ? 0x80 : 0) | reservedBits << 4 | opcode]
        let maskBit: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ...125: bytes.append(maskBit | UInt8(payload.count))
        case ...0xFFFF: bytes += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(maskBit | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 0xFF)) }
        }
        guard isMasked else { return bytes + payload }
        let mask = (0..<4).map { _ in UInt8.random(in: .min ... .max) }
        bytes += mask
        for (position, byte) in payload.enumerated() { bytes.append(byte ^ mask[position % 4]) }
        return bytes
    }
}
