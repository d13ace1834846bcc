/// A WebSocket of a client.
final class WebSocketConnection: LoopSocket {
    /// Gets the payload of every text frame.
    var onText: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    private(set) var isOpen = false
    private let path: String

    /// Connects and asks for the upgrade.
    init(_ loop: SocketLoop, port: Int, path: String, token: String? = nil) throws {
        self.path = path
        try super.init(try Loopback.connect(port: port), in: loop)
        write(Self.handshake(path, token: token))
    }

    /// The bytes that ask for an upgrade.
    static func handshake(_ path: String, token: String? = nil) -> [UInt8] {
        let authorization = token.map { "Authorization: \($0)\r\n" } ?? ""
        return Array(
            """
            GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(WebSocketFrame.handshakeKey)\r\n\(authorization)\r\n
            """.utf8)
    }

    override func received(_ bytes: UnsafeMutableRawBufferPointer) throws -> Int {
        let bytes = UnsafeRawBufferPointer(bytes)
        var offset = 0
        if !isOpen {
            guard let end = bytes.first("\r\n\r\n") else { return 0 }
            guard bytes.first("HTTP/1.1 101") == 0 else {
                throw BenchmarkFailure("no WebSocket on \(path): \(bytes.asText)")
            }
            isOpen = true
            offset = end + 4
        }
        while let frame = WebSocketFrame(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            let payload = UnsafeRawBufferPointer(
                rebasing: bytes[(offset + frame.headerLength)..<(offset + frame.length)])
            switch frame.opcode {
            case WebSocketFrame.text: try onText(payload)
            case WebSocketFrame.ping: write(WebSocketFrame.masked(Array(payload), opcode: WebSocketFrame.pong))
            case WebSocketFrame.close:
                let code = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 0
                let reason = UnsafeRawBufferPointer(rebasing: payload.dropFirst(2)).asText
                throw BenchmarkFailure("a WebSocket on \(path) was closed with \(code) \(reason)")
            default: break
            }
            offset += frame.length
        }
        return offset
    }

    override func ended() throws { throw BenchmarkFailure("a WebSocket on \(path) was cut") }
}
