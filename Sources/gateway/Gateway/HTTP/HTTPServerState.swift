import Logging
import NIOCore
import NIOHTTP1
import Shared

/// What a server has to say about its connections.
struct HTTPServerFigures: Sendable {
    /// Open ones, of all kinds.
    let connections: Int
    /// How many may be served at once, by configuration and by what the system allows now.
    let limit: Int
    /// Those that were refused or closed for want of a place, so far.
    let refused: Int
    /// How often the system had no file for one, so far.
    let acceptFailures: Int
    /// Whether one more would be served.
    let hasRoom: Bool
}

/// What the connections of one server share. Confined to the server's event loop.
final class HTTPServerState {
    let configuration: HTTPServerConfiguration
    let application: any HTTPApplication
    let eventLoop: any EventLoop
    let executor: EventLoopTaskExecutor
    let flusher: WebSocketFlusher
    let shares: WorkShares
    let logger: Logger
    var encoder = HTTPResponseEncoder()
    private(set) var isDraining = false
    /// Bytes of answers that clients have not taken yet.
    var unwrittenBytes = 0

    private let listeners: HTTPListeners
    private var places = ConnectionPlaces()
    private var connections: [ObjectIdentifier: HTTPConnectionHandler] = [:]
    private var sockets: [ObjectIdentifier: WebSocketHandler] = [:]
    private var sweeping: RepeatedTask?
    /// Whether the log knows that the server is full; once per time that it fills up.
    private var hasWarned = false
    /// Connections that were refused or closed for want of a place.
    private var refusedConnections = 0
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
        shares = WorkShares(eventLoop: eventLoop)
        listeners = HTTPListeners(
            eventLoop: eventLoop, retryInterval: configuration.acceptRetryInterval, logger: logger)
    }

    /// Connections of both kinds.
    var connectionCount: Int { places.count }

    /// What there is to say about connections.
    var figures: HTTPServerFigures {
        let limits = configuration.places
        return HTTPServerFigures(
            connections: places.count, limit: limits.served, refused: refusedConnections,
            acceptFailures: listeners.failures, hasRoom: listeners.isAccepting && places.served < limits.served)
    }

    // MARK: Connections

    /// Makes a channel that was just accepted an HTTP connection, or closes it when even the room for refusals is full.
    func open(_ channel: any Channel) throws {
        listeners.succeeded()
        let limits = configuration.places
        guard !isDraining, let place = places.take(for: network(of: channel), within: limits) else {
            refusedConnections += 1
            // The bootstrap closes the channel for it.
            throw ChannelError.operationUnsupported
        }
        listeners.setRoom(places.count < limits.total)
        if !place.isServed { noteRefusal(limits) }
        do {
            try begin(channel, place)
        } catch {
            ended(place)
            throw error
        }
        startSweeping()
    }

    private func begin(_ channel: any Channel, _ place: ConnectionPlaces.Place) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maxHeadBytes
        limits.maxHeaderListSize = configuration.maxHeadBytes
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop, limitConfiguration: limits)
        let meter = HTTPWireMeter()
        let handler = HTTPConnectionHandler(server: self, meter: meter, place: place)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(meter)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(handler)
        connections[ObjectIdentifier(handler)] = handler
    }

    /// Whose place a connection takes; `nil` for those that are not told apart.
    private func network(of channel: any Channel) -> String? {
        guard let address = channel.remoteAddress?.ipAddress, configuration.countsNetwork(address) else { return nil }
        return Network.name(of: address)
    }

    private func noteRefusal(_ limits: ConnectionPlaces.Limits) {
        refusedConnections += 1
        guard places.served >= limits.served, !hasWarned else { return }
        hasWarned = true
        let isConfigured = limits.served == configuration.maxConnections
        logger.warning(
            "connection limit reached",
            metadata: [
                "limit": "\(limits.served)",
                "cure": isConfigured
                    ? "raise the configured limit"
                    : "raise the limit of open files (ulimit -n, LimitNOFILE=), now \(configuration.openFileLimit())",
            ])
    }

    func add(_ socket: WebSocketHandler) {
        sockets[ObjectIdentifier(socket)] = socket
    }

    /// Forgets a connection that has ended, or become a WebSocket, which has its place then.
    func remove(_ connection: HTTPConnectionHandler) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        if let place = connection.place { ended(place) }
    }

    func remove(_ socket: WebSocketHandler, _ place: ConnectionPlaces.Place) {
        if sockets.removeValue(forKey: ObjectIdentifier(socket)) != nil { ended(place) }
    }

    private func ended(_ place: ConnectionPlaces.Place) {
        places.leave(place)
        let limits = configuration.places
        listeners.setRoom(places.count < limits.total)
        if hasWarned, places.served < limits.served / 10 * 9 { hasWarned = false }
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

    func listen(_ channel: any Channel) { listeners.add(channel) }

    func acceptFailed(_ error: IOError) { listeners.failed(error) }

    /// Stops accepting, ends what is idle, and completes the promise when the last connection has gone, at the latest
    /// after `limit`, when those left over are cut.
    func drain(within limit: TimeAmount, _ promise: EventLoopPromise<Void>) {
        drained.append(promise)
        isDraining = true
        listeners.close()
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
