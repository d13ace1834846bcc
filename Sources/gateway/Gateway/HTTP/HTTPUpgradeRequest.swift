import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The rules of RFC 6455 section 4.2.1 for the head of a handshake.
enum HTTPUpgradeRequest {
    /// Whether the HTTP decoder stops behind this request: it asks for another protocol, or for a tunnel.
    static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.method == .CONNECT
            || (head.headers.contains(name: "Upgrade")
                && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" })
    }

    static func namesWebSocket(_ head: HTTPRequestHead) -> Bool {
        head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
    }

    /// What is wrong with a handshake: not `GET`, not HTTP/1.1, no version 13, no key of 16 bytes in base64.
    static func handshakeRefusal(_ head: HTTPRequestHead) -> HTTPRefusal? {
        guard head.method == .GET, head.version != .http1_0 else { return .malformedRequest }
        let versions = head.headers["Sec-WebSocket-Version"]
        guard versions == ["13"] else { return .upgradeRequired }
        let keys = head.headers["Sec-WebSocket-Key"]
        guard keys.count == 1, keys[0].utf8.count == 24, keys[0].hasSuffix("=="),
            keys[0].utf8.dropLast(2).allSatisfy(isBase64)
        else { return .malformedRequest }
        return nil
    }

    /// The headers of the 101. Neither subprotocols nor extensions are offered, so `permessage-deflate` is declined
    /// by not being named (RFC 6455 section 9.1).
    static func responseHeaders(_ channel: any Channel, _ head: HTTPRequestHead) -> EventLoopFuture<HTTPHeaders> {
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        return upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: head, initialResponseHeaders: [:])
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
