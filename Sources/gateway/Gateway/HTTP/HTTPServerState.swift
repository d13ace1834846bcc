import Logging
import NIOCore
import NIOHTTP1

/// What the connections of one server share. Confined to the server's event loop.
final class HTTPServerState {
    let configuration: HTTPServerConfiguration
    let application: any HTTPApplication
    let eventLoop: any EventLoop
    let executor: EventLoopTaskExecutor
    let flusher: WebSocketFlusher
    let logger: Logger
    var encoder = HTTPResponseEncoder()
    private(set) var isDraining = false
    /// Bytes of answers that clients have not taken yet.
    var unwrittenBytes = 0

    private var listeners: [any Channel] = []
    private var connections: [ObjectIdentifier: HTTPConnectionHandler] = [:]
    private var sockets: [ObjectIdentifier: WebSocketHandler] = [:]
    private var sweeping: RepeatedTask?
    /// Whether the log knows that the server is full; once per time that it fills up.
    private var hasWarned = false
    private var drained: [EventLoopPromise<Void>] = []

    init(
        configuration: HTTPServerConfiguration, application: any HTTPApplication, eventLoop: any EventLoop,
        executor: EventLoopTaskExecutor, logger: Logger
    ) {
        self.configuration = configuration
        self.application = application
        self.eventLoop = eventLoop
        self.executor = executor
        self.logger = logger
        flusher = WebSocketFlusher(eventLoop: eventLoop)
    }

    /// Connections of both kinds.
    var connectionCount: Int { connections.count + sockets.count }

    // MARK: Connections

    /// Makes a channel that was just accepted an HTTP connection, or closes it when even the room for refusals is full.
    func open(_ channel: any Channel) throws {
        let surplus = connectionCount + 1 - configuration.maxConnections
        guard surplus <= configuration.maxRefusedConnections, !isDraining else {
            // The bootstrap closes the channel for it.
            throw ChannelError.operationUnsupported
        }
        if surplus > 0, !hasWarned {
            hasWarned = true
            logger.warning("connection limit reached", metadata: ["limit": "\(configuration.maxConnections)"])
        }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maxHeadBytes
        limits.maxHeaderListSize = configuration.maxHeadBytes
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop, limitConfiguration: limits)
        let meter = HTTPWireMeter()
        let handler = HTTPConnectionHandler(server: self, meter: meter, isSurplus: surplus > 0)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(meter)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(handler)
        connections[ObjectIdentifier(handler)] = handler
        startSweeping()
    }

    func add(_ socket: WebSocketHandler) {
        sockets[ObjectIdentifier(socket)] = socket
    }

    func remove(_ connection: HTTPConnectionHandler) {
        if connections.removeValue(forKey: ObjectIdentifier(connection)) != nil { connectionEnded() }
    }

    func remove(_ socket: WebSocketHandler) {
        if sockets.removeValue(forKey: ObjectIdentifier(socket)) != nil { connectionEnded() }
    }

    private func connectionEnded() {
        if hasWarned, connectionCount < configuration.maxConnections / 10 * 9 { hasWarned = false }
        finishDrainingIfEmpty()
    }

    // MARK: Time

    /// One walk over all connections instead of one timer each: setting a timer for every request and cancelling it
    /// again costs far more than looking at ten thousand deadlines once a second.
    private func startSweeping() {
        guard sweeping == nil else { return }
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        let interval = configuration.sweepInterval
        sweeping = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in this.value.sweep() }
    }

    private func sweep() {
        guard connectionCount > 0 else {
            sweeping?.cancel()
            sweeping = nil
            return
        }
        let now = eventLoop.now
        for connection in connections.values { connection.sweep(now: now) }
        for socket in sockets.values { socket.sweep(now: now) }
    }

    // MARK: Start and stop

    func listen(_ channel: any Channel) {
        if isDraining {
            channel.close(promise: nil)
        } else {
            listeners.append(channel)
        }
    }

    /// Stops accepting, ends what is idle, and completes the promise when the last connection has gone, at the latest
    /// after `limit`, when those left over are cut.
    func drain(within limit: TimeAmount, _ promise: EventLoopPromise<Void>) {
        drained.append(promise)
        isDraining = true
        for listener in listeners { listener.close(promise: nil) }
        listeners = []
        for connection in connections.values { connection.drain() }
        for socket in sockets.values { socket.drain() }
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: limit) { this.value.cut() }
        finishDrainingIfEmpty()
    }

    private func cut() {
        if connectionCount > 0 {
            logger.warning("connections cut at shutdown", metadata: ["count": "\(connectionCount)"])
        }
        for connection in connections.values { connection.close() }
        for socket in sockets.values { socket.cut() }
    }

    private func finishDrainingIfEmpty() {
        guard isDraining, connectionCount == 0 else { return }
        sweeping?.cancel()
        sweeping = nil
        let waiting = drained
        drained = []
        for promise in waiting { promise.succeed() }
    }
}
