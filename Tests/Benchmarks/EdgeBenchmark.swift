import Foundation
import NIOCore
import NIOPosix

/// An echo over loopback with plain channel handlers and with NIOAsyncChannel: what an HTTP stack is built on.
enum EdgeBenchmark {
    private static let connections = 50
    private static let echoes = 100_000

    static func run() async throws {
        print("\(echoes) echoes of 200 bytes over \(connections) connections; CPU µs of the server's thread, best of 3")
        var handler = Double.infinity
        var channel = Double.infinity
        for _ in 0..<3 {
            handler = min(handler, try await measure(withAsyncChannel: false))
            channel = min(channel, try await measure(withAsyncChannel: true))
        }
        print("  channel handler   \(handler.text(1))")
        print("  NIOAsyncChannel   \(channel.text(1))  (\((channel / handler).text(1))×)")
    }

    private static func measure(withAsyncChannel isAsync: Bool) async throws -> Double {
        let servers = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clients = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let bootstrap = ServerBootstrap(group: servers)
        let serving: Task<Void, any Error>?
        let listener: any Channel
        if isAsync {
            let server = try await bootstrap.bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
            listener = server.channel
            serving = Task {
                try await server.executeThenClose { inbound in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in inbound {
                            group.addTask {
                                try await connection.executeThenClose { inbound, outbound in
                                    for try await bytes in inbound { try await outbound.write(bytes) }
                                }
                            }
                        }
                    }
                }
            }
        } else {
            listener = try await bootstrap.childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }.bind(host: "127.0.0.1", port: 0).get()
            serving = nil
        }
        let port = listener.localAddress?.port ?? 0
        let perConnection = echoes / connections
        let client = clients.next()
        let start = CPUTime.ofThisProcess
        let clientStart = try await client.submit { CPUTime.ofThisThread }.get()
        let done = (0..<connections).map { _ in client.makePromise(of: Void.self) }
        for promise in done {
            _ = try await ClientBootstrap(group: clients).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Caller(rounds: perConnection, done: promise))
                }
            }.connect(host: "127.0.0.1", port: port).get()
        }
        for promise in done { try await promise.futureResult.get() }
        let clientCost = try await client.submit { CPUTime.ofThisThread }.get() - clientStart
        let cost = (CPUTime.ofThisProcess - start - clientCost) / Double(echoes)
        serving?.cancel()
        // The listener may be closed already by the cancelled task.
        try? await listener.close()
        try await clients.shutdownGracefully()
        try await servers.shutdownGracefully()
        return cost
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
        }
    }

    private final class Caller: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var rounds: Int
        private var missing = 0
        private let done: EventLoopPromise<Void>
        private let payload = ByteBuffer(repeating: 0x78, count: 200)

        init(rounds: Int, done: EventLoopPromise<Void>) {
            self.rounds = rounds
            self.done = done
        }

        func channelActive(context: ChannelHandlerContext) { send(context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            missing -= unwrapInboundIn(data).readableBytes
            guard missing == 0 else { return }
            rounds -= 1
            if rounds > 0 { return send(context) }
            done.succeed()
            context.close(promise: nil)
        }

        private func send(_ context: ChannelHandlerContext) {
            missing = payload.readableBytes
            context.writeAndFlush(wrapOutboundOut(payload), promise: nil)
        }
    }
}
