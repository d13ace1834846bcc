import NIOCore
import NIOHTTP1

/// Sits before the HTTP decoder and sees the bytes it does not show: when a head begins, how much framing surrounds a
/// body, and what the request line was when the decoder gave up on it.
final class HTTPWireMeter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Bytes received since the last complete message.
    private(set) var bytesSinceMessage = 0
    /// When the first of them came.
    private(set) var firstByteTime: NIODeadline?
    /// The bytes being decoded right now, if they begin a message.
    private var current: ByteBuffer?

    /// To be called at the end of each message.
    func messageEnded() {
        bytesSinceMessage = 0
        firstByteTime = nil
        current = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if bytesSinceMessage == 0 {
            firstByteTime = context.eventLoop.now
            current = buffer
        }
        bytesSinceMessage += buffer.readableBytes
        context.fireChannelRead(data)
        current = nil
    }

    /// The path of a request line whose method the decoder does not know, or `nil` if there is no such line at the
    /// start of the bytes being decoded: `BREW /pot HTTP/1.1` is a method to be refused, a TLS greeting is not.
    func pathOfUnknownMethod() -> String? {
        guard let current else { return nil }
        let view = current.readableBytesView.prefix(512)
        guard let end = view.firstIndex(of: UInt8(ascii: "\r")) else { return nil }
        let parts = view[..<end].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].starts(with: "HTTP/1.".utf8), !parts[0].isEmpty,
            parts[0].allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-") }),
            let target = String(validating: parts[1], as: UTF8.self)
        else { return nil }
        return try? HTTPTarget(target).path  // A target that cannot be read leaves a plain malformed request.
    }
}
