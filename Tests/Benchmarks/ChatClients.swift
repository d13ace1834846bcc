import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// One keep-alive connection of the chat benchmark; one request at a time.
final class ChatHTTPClient: Sendable {
    private let channel: any Channel

    private init(_ channel: any Channel) { self.channel = channel }

    static func open(_ group: any EventLoopGroup, host: String, port: Int) async throws -> ChatHTTPClient {
        let channel = try await ClientBootstrap(group: group)
            .channelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(Exchange())
                }
            }.connect(host: host, port: port).get()
        return ChatHTTPClient(channel)
    }

    /// Makes a request and returns its JSON answer; throws unless the dialect's code is 0.
    @discardableResult
    func request(_ method: String, _ path: String, token: String? = nil, body: String) async throws -> [String: Any] {
        let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
        var headers: HTTPHeaders = ["Host": "martlet", "Content-Length": "\(body.utf8.count)"]
        if let token { headers.add(name: "Authorization", value: token) }
        let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers)
        channel.writeAndFlush(Outgoing(head: head, body: ByteBuffer(string: body), promise: promise), promise: nil)
        let answer = try await promise.futureResult.get()
        let json = try JSONSerialization.jsonObject(with: Data(answer.readableBytesView)) as? [String: Any] ?? [:]
        guard json["code"] as? Int == 0 else { throw BenchmarkFailure("\(method) \(path): \(json)") }
        return json
    }

    private struct Outgoing: Sendable {
        let head: HTTPRequestHead
        let body: ByteBuffer
        let promise: EventLoopPromise<ByteBuffer>
    }

    private final class Exchange: ChannelDuplexHandler {
        typealias InboundIn = HTTPClientResponsePart
        typealias OutboundIn = Outgoing
        typealias OutboundOut = HTTPClientRequestPart

        private var waiting: EventLoopPromise<ByteBuffer>?
        private var body = ByteBuffer()

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let outgoing = unwrapOutboundIn(data)
            waiting = outgoing.promise
            context.write(wrapOutboundOut(.head(outgoing.head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(outgoing.body))), promise: nil)
            context.write(wrapOutboundOut(.end(nil)), promise: promise)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: body.clear()
            case .body(var part): body.writeBuffer(&part)
            case .end:
                waiting?.succeed(body)
                waiting = nil
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            waiting?.fail(BenchmarkFailure("the gateway closed a connection"))
            waiting = nil
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A push socket of the chat benchmark: counts the messages of its conversation and checks their sequence.
final class ChatPushReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let tally: Tally
    private let opened: EventLoopPromise<Void>
    private var bytes = ByteBuffer()
    private var isOpen = false
    private var lastSequence: Int?

    private init(tally: Tally, opened: EventLoopPromise<Void>) {
        self.tally = tally
        self.opened = opened
    }

    /// Opens a push socket; returns once it has brought the greeting of the friendship.
    static func open(
        _ group: any EventLoopGroup, host: String, port: Int, token: String, tally: Tally
    ) async throws {
        let loop = group.next()
        let opened = loop.makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(ChatPushReader(tally: tally, opened: opened))
            }
        }.connect(host: host, port: port).get()
        try await channel.writeAndFlush(
            ByteBuffer(
                string: "GET /ws/?since=0 HTTP/1.1\r\nHost: martlet\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: \(token)\r\n\r\n"
            )
        ).get()
        try await opened.futureResult.get()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        bytes.writeBuffer(&part)
        if !isOpen { readHead() }
        while isOpen, let frame = nextFrame() { receive(frame) }
        bytes.discardReadBytes()
    }

    func channelInactive(context: ChannelHandlerContext) { opened.fail(BenchmarkFailure("a push socket was closed")) }

    private func readHead() {
        guard let end = bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        isOpen = true
        bytes.moveReaderIndex(to: end.upperBound)
    }

    private func nextFrame() -> ByteBuffer? {
        guard let short: UInt8 = bytes.getInteger(at: bytes.readerIndex + 1) else { return nil }
        var header = 2
        var length = Int(short)
        if short == 126 {
            guard let long: UInt16 = bytes.getInteger(at: bytes.readerIndex + 2) else { return nil }
            (header, length) = (4, Int(long))
        }
        guard bytes.readableBytes >= header + length else { return nil }
        bytes.moveReaderIndex(forwardBy: header)
        return bytes.readSlice(length: length)
    }

    private func receive(_ frame: ByteBuffer) {
        let view = frame.readableBytesView
        guard let name = view.firstRange(of: Array("\"seq\":".utf8)) else { return }
        let digits = view[name.upperBound...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let sequence = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        if sequence == 1 {
            // The greeting, which every friendship begins with and `since=0` brings.
            lastSequence = 1
            return opened.succeed()
        }
        if let lastSequence, sequence != lastSequence + 1 { tally.disorders.add(1, ordering: .relaxed) }
        lastSequence = sequence
        tally.received.add(1, ordering: .relaxed)
    }
}
