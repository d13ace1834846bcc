import Logging
import NIOCore
import NIOPosix

/// An HTTP/1.1 server with WebSockets on the same port, entirely on one event loop.
///
/// It knows framing, limits and time, and nothing of what is asked: that is the ``HTTPApplication``'s part.
final class HTTPServer: Sendable {
    /// Time between two looks whether a Unix socket's file is still there.
    private static let fileInterval = TimeAmount.seconds(1)

    /// For tasks that work with the server's connections; they run on its event loop.
    let executor: EventLoopTaskExecutor
    let eventLoop: any EventLoop
    private let configuration: HTTPServerConfiguration
    private let logger: Logger
    let state: NIOLoopBoundBox<HTTPServerState>

    init(
        configuration: HTTPServerConfiguration, application: any HTTPApplication, eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        self.eventLoop = eventLoop
        executor = EventLoopTaskExecutor(eventLoop)
        state = NIOLoopBoundBox.makeBoxSendingValue(
            HTTPServerState(
                configuration: configuration, application: application, eventLoop: eventLoop, executor: executor,
                logger: logger),
            eventLoop: eventLoop)
    }

    /// Listens on an address. May be called more than once.
    ///
    /// - Returns: the bound port, which is a free one when `port` is 0.
    func bind(host: String, port: Int) async throws -> Int {
        let channel = try await bootstrap().bind(host: host, port: port).get()
        try await listen(channel)
        return channel.localAddress?.port ?? port
    }

    /// Listens on a Unix socket of mode 0600. A socket file left behind by a killed process is replaced, and one that is
    /// deleted later is made again.
    func bind(unixSocket path: String) async throws {
        let descriptor = try UnixSocketFile.bind(path)
        let channel = try await bootstrap().withBoundSocket(descriptor).get()
        channel.closeFuture.whenComplete { _ in UnixSocketFile.remove(path) }
        try await listen(channel)
        watch(path, of: channel)
    }

    /// Nobody finds a socket whose file is gone.
    private func watch(_ path: String, of channel: any Channel) {
        eventLoop.scheduleTask(in: Self.fileInterval) { [self] in
            guard !state.value.isDraining else { return }
            guard UnixSocketFile.isGone(path) else { return watch(path, of: channel) }
            channel.closeFuture.whenComplete { [self] _ in bindAgain(path) }
            channel.close(promise: nil)
        }
    }

    private func bindAgain(_ path: String) {
        Task {
            do {
                try await bind(unixSocket: path)
                logger.warning("a socket file was gone and is there again", metadata: ["path": "\(path)"])
            } catch {
                logger.error(
                    "a socket file is gone and cannot be made again",
                    metadata: ["path": "\(path)", "error": "\(error)"])
                eventLoop.scheduleTask(in: Self.fileInterval) { [self] in
                    if !state.value.isDraining { bindAgain(path) }
                }
            }
        }
    }

    /// Stops: no new connections, idle ones end, requests under way are answered, WebSockets are closed with 1001,
    /// those with a ``WebSocketConnection/onEnding`` when they are ready.
    ///
    /// Returns when the last connection has gone; those left after `limit` are cut.
    func drain(within limit: Duration) async {
        let drained = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { self.state.value.drain(within: TimeAmount(limit), drained) }
        // The promise never fails.
        try? await drained.futureResult.get()
    }

    /// How many connections are open, of both kinds.
    func connectionCount() async throws -> Int {
        try await eventLoop.submit { self.state.value.connectionCount }.get()
    }

    /// What there is to say about connections.
    func figures() async throws -> HTTPServerFigures {
        try await eventLoop.submit { self.state.value.figures }.get()
    }

    private func listen(_ channel: any Channel) async throws {
        try await eventLoop.submit { self.state.value.listen(channel) }.get()
    }

    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: Int32(configuration.backlog))
            // Whether there is room for the next one is known when this one has its place.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptFailureHandler { self.state.value.acceptFailed($0) })
                }
            }
            // One connection is read once before the others get their turn.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // All requests of a read are decoded at once, and so they have to be few.
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 2_048, maximum: 4_096)
            )
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.state.value.open(channel) }
            }
    }
}
