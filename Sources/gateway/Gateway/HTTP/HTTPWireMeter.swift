import NIOCore
import NIOHTTP1

/// Sits before the HTTP decoder and sees the bytes it does not show: when a head begins, how much framing surrounds a
/// body, and what the request line was when the decoder gave up on it.
final class HTTPWireMeter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Bytes of a message that are kept to tell its path, should the decoder give up on it.
    private static let maxStartBytes = 1024

    /// Bytes received since the last complete message.
    private(set) var bytesSinceMessage = 0
    /// When the first of them came.
    private(set) var firstByteTime: NIODeadline?
    /// How the message begins that is being received; `nil` for one that began in the middle of what was read at once.
    private var start: ByteBuffer?

    /// To be called at the end of each message.
    func messageEnded() {
        bytesSinceMessage = 0
        firstByteTime = nil
        start = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if bytesSinceMessage == 0 {
            firstByteTime = context.eventLoop.now
            start = buffer
        } else if var known = start, known.readableBytes < Self.maxStartBytes {
            start = nil
            known.writeBytes(buffer.readableBytesView.prefix(Self.maxStartBytes))
            start = known
        }
        bytesSinceMessage += buffer.readableBytes
        let isFirst = bytesSinceMessage == buffer.readableBytes
        context.fireChannelRead(data)
        // The network's own, much larger buffer is not kept.
        if isFirst, let known = start { start = ByteBuffer(bytes: known.readableBytesView.prefix(Self.maxStartBytes)) }
    }

    /// The path of the message being received, as far as its first bytes tell it; `nil` when they are no request line.
    var path: String? {
        requestLine.flatMap { line in
            do throws(HTTPTargetError) {
                return try HTTPTarget(line.target).path
            } catch {
                return error.path.isEmpty ? nil : error.path
            }
        }
    }

    /// Whether the message being received begins with the line of a request whose method nobody has heard of:
    /// `BREW /pot HTTP/1.1` is a method to be refused, a TLS greeting is not.
    var hasWholeRequestLine: Bool { requestLine?.isWhole == true }

    private var requestLine: (target: String, isWhole: Bool)? {
        guard let start else { return nil }
        // RFC 9112 section 2.2: an empty line before a request does not count.
        let bytes = start.readableBytesView.drop { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }
        let line = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count > 1, !parts[0].isEmpty, parts[0].allSatisfy(Self.isMethodByte) else { return nil }
        let isWhole = parts.count == 3 && parts[2].starts(with: "HTTP/1.".utf8)
        return (String(decoding: parts[1], as: UTF8.self), isWhole)
    }

    private static func isMethodByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
    }
}
