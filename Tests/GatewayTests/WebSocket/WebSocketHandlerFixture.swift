import NIOCore
import NIOEmbedded
import TestSupport

@testable import Gateway

/// A ``WebSocketHandler`` on an embedded channel, whose time is in the hands of the test.
final class WebSocketHandlerFixture {
    let channel: EmbeddedChannel
    let handler: WebSocketHandler
    let connection: WebSocketConnection
    private(set) var texts: [String] = []
    private(set) var closes: [WebSocketCloseCode?] = []
    private(set) var goneCount = 0

    init(configure: (inout WebSocketConfiguration) -> Void = { _ in }) throws {
        var configuration = WebSocketConfiguration()
        configure(&configuration)
        channel = EmbeddedChannel()
        let loop = channel.embeddedEventLoop
        var gone: () -> Void = {}
        handler = WebSocketHandler(
            configuration: configuration, eventLoop: loop, flusher: WebSocketFlusher(eventLoop: loop),
            shares: WorkShares(eventLoop: loop), owner: .network("test"), onGone: { _ in gone() })
        connection = handler.makeConnection(remoteAddress: "test")
        gone = { [weak self] in self?.goneCount += 1 }
        connection.onText = { [weak self] in self?.texts.append(String(buffer: $0)) }
        connection.onClose = { [weak self] in self?.closes.append($0) }
        try channel.pipeline.syncOperations.addHandler(handler)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    deinit {
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// Lets bytes come in and the tick end; what is too much for one turn goes on in the next ones.
    func receive(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        channel.embeddedEventLoop.run()
        while handler.isHeldBack { channel.embeddedEventLoop.advanceTime(by: WorkShares.turn) }
    }

    func receive(opcode: UInt8, _ text: String, isFinal: Bool = true) throws {
        try receive(WebSocketClient.encode(opcode: opcode, payload: Array(text.utf8), isFinal: isFinal))
    }

    /// Moves time and has the deadlines looked at.
    func advance(_ amount: TimeAmount) {
        channel.embeddedEventLoop.advanceTime(by: amount)
        handler.sweep(now: channel.embeddedEventLoop.now)
        channel.embeddedEventLoop.run()
    }

    /// The next write as the channel saw it.
    func written() throws -> [UInt8]? {
        try channel.readOutbound(as: ByteBuffer.self).map { Array($0.readableBytesView) }
    }

    /// The code of the close frame that comes next.
    func writtenCloseCode() throws -> UInt16? {
        guard let bytes = try written(), bytes.count >= 4, bytes[0] == 0x88 else { return nil }
        return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }
}

extension WebSocketFrameBytes {
    /// A complete text message.
    init(text: ByteBuffer) { self.init(.text, payload: text) }

    /// A complete text message.
    init(text: String) { self.init(text: ByteBuffer(string: text)) }
}
