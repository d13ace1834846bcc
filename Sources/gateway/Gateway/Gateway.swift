package import Logging
import NIOCore
import NIOPosix
package import Shared

/// The process clients connect to: HTTP and WebSocket on one port, the dialects, and the fan-out of events.
package final class Gateway: RunnableService {
    /// Time that requests in flight get at a stop.
    private static let drainLimit = Duration.seconds(8)
    /// Time that a gateway which has just begun waits for every service before it serves those that are there: each of
    /// them may know that another is older than it was.
    private static let patience = Duration.seconds(2)

    private let configuration: GatewayConfiguration
    private let bus: BusConfiguration
    private let logger: Logger
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let reactor: BusReactor
    private let backend: Backend
    private let exchange: MarkExchange
    private let gate: TokenGate
    private let hub: PushHub
    private let servers: (clients: HTTPServer, admin: HTTPServer)
    private let subscribers: [ServiceName: EventSubscriber]
    private let boundPort = OnceBox<Int>()
    private let seenReports = OnceBox<Task<Void, Never>>()

    package convenience init(reading configuration: inout Configuration, logger: Logger) throws {
        let bus = try BusConfiguration(reading: &configuration)
        self.init(
            try GatewayConfiguration(reading: &configuration, runtimePath: bus.runtimePath), bus: bus,
            context: try ZMQContext(), logger: logger)
    }

    /// The gateway with another configuration or on another bus, as tests start it.
    init(_ configuration: GatewayConfiguration, bus: BusConfiguration, context: ZMQContext, logger: Logger) {
        self.configuration = configuration
        self.bus = bus
        self.logger = logger
        let eventLoop = group.next()
        let reactor = BusReactor(context: context, logger: logger)
        let marks = KnownMarks()
        let backend = Backend(reactor: reactor, marks: marks, logger: logger)
        let gate = TokenGate(auth: backend.auth, logger: logger)
        let profiles = ProfileCache(auth: backend.auth, maxCount: configuration.maxCachedProfiles)
        let groups = GroupCache(social: backend.social, maxCount: configuration.maxCachedProfiles)
        let hub = PushHub(
            eventLoop: eventLoop, backend: backend, profiles: profiles, groups: groups, gate: gate,
            configuration: configuration, logger: logger)
        let subscribers = Dictionary(
            uniqueKeysWithValues: backend.all.map { client in
                let service = client.service
                return (
                    service,
                    EventSubscriber(owner: client, reactor: reactor, marks: marks, logger: logger) {
                        hub.receive($0, from: service)
                    }
                )
            })

        let core = GatewayCore(
            backend: backend, profiles: profiles, groups: groups, gate: gate, hub: hub,
            timeout: configuration.requestTimeout, limits: SurfaceLimits(isOn: configuration.limitsRates),
            executor: EventLoopTaskExecutor(eventLoop), logger: logger)
        let pictures = PictureCache(auth: backend.auth, maxBytes: configuration.maxCachedPictureBytes)
        let classic = ClassicSurface(
            core: core, pictures: pictures, repeatsApplications: configuration.repeatsApplications)
        let media = MediaEndpoint(backend: backend, profiles: profiles, timeout: configuration.requestTimeout)
        let socket = SocketSurface(core: core, allowedOrigins: configuration.allowedOrigins)
        let rest = RestSurface(core: core)
        let registration = SharedRegistration(socket: socket.registration, rest: rest.registration)
        let application = GatewayApplication(
            [classic, socket, rest], others: media.routes + registration.routes, straySocket: socket.refuseStray,
            knownAccount: { request in AccessToken.anywhere(in: request).flatMap(gate.knownAccount) })
        let clients = HTTPServer(
            configuration: configuration.server, application: application, eventLoop: eventLoop, logger: logger)
        let admin = AdminApplication(
            conditions: [
                .init(name: "tokens", isMet: { gate.isReady }),
                // The only failure is an event loop that has ended, and then nobody is served.
                .init(name: "connections", isMet: { (try? await clients.figures())?.hasRoom ?? false }),
            ]
                + backend.all.map { client in
                    .init(
                        name: "\(client.service)",
                        isMet: {
                            guard subscribers[client.service]?.isLive == true else { return false }
                            let context = CallContext(trace: "readyz", deadline: .after(.milliseconds(500)))
                            return await client.isAnswering(context)
                        }, reason: { client.objection })
                },
            metrics: {
                // The only failure is an event loop that has ended, and then nothing is open.
                let connections = (try? await clients.figures())?.metrics ?? []
                return connections + [
                    Metric("martlet_cached_profiles", "Profiles in memory.", Double(profiles.count)),
                    Metric("martlet_cached_groups", "Groups in memory.", Double(groups.count)),
                    Metric("martlet_cached_picture_bytes", "Pictures in memory.", Double(pictures.bytes)),
                ] + (await hub.metrics) + ProcessUsage.metrics
            })

        self.reactor = reactor
        self.backend = backend
        exchange = MarkExchange(with: backend.all, marks: marks)
        self.gate = gate
        self.hub = hub
        self.subscribers = subscribers
        servers = (
            clients,
            HTTPServer(
                configuration: .admin, application: admin, eventLoop: eventLoop, logger: logger)
        )
    }

    /// The port clients connect to, once started; 0 on a Unix socket.
    package var port: Int { boundPort.value ?? 0 }

    package func start() async throws {
        do {
            try await open()
        } catch {
            await stop()
            throw error
        }
    }

    private func open() async throws {
        try checkOpenFiles()
        try bus.createFolders()
        // The port first: whoever holds it already is the reason not to start, and nothing was begun yet.
        let port = try await bind(servers.clients, to: configuration.listen)
        boundPort.set(port)
        try await bus.startAuthentication(on: reactor, logger: logger)
        try await backend.connect(bus)
        exchange.start(patience: Self.patience)
        for (service, subscriber) in subscribers {
            try await subscriber.connect(to: bus.addresses(of: service).events, security: bus.security)
        }
        _ = try await bind(servers.admin, to: configuration.admin)
        await hub.start()
        seenReports.set(Task { [gate] in await gate.reportSeenRegularly() })
        logger.info(
            "listening",
            metadata: ["address": "\(configuration.listen.bound(to: port))", "admin": "\(configuration.admin)"])
    }

    package func stop() async {
        await servers.clients.drain(within: Self.drainLimit)
        await servers.admin.drain(within: .seconds(1))
        for subscriber in subscribers.values { subscriber.close() }
        await hub.stop()
        seenReports.value?.cancel()
        await seenReports.value?.value
        for client in backend.all { client.close() }
        await exchange.stop()
        reactor.stop()
        do {
            try await group.shutdownGracefully()
        } catch {
            logger.warning("the event loop did not end in order", metadata: ["error": "\(error)"])
        }
    }

    /// Whether there are files for the connections that may be opened.
    private func checkOpenFiles() throws {
        let server = configuration.server
        let places = server.places
        guard places.served > 0 else {
            throw TooFewFiles(
                description: "of \(server.openFileLimit()) open files the gateway needs \(server.keptFiles) itself: "
                    + "raise the limit (ulimit -n, LimitNOFILE=)")
        }
        guard places.served < server.maxConnections else { return }
        logger.warning(
            "fewer connections are served than configured",
            metadata: [
                "configured": "\(server.maxConnections)", "served": "\(places.served)",
                "cure": "raise the limit of open files (ulimit -n, LimitNOFILE=), now \(server.openFileLimit())",
            ])
    }

    private func bind(_ server: HTTPServer, to address: ListenAddress) async throws -> Int {
        do {
            switch address {
            case .tcp(let host, let port):
                return try await server.bind(host: host, port: port)
            case .unix(let path):
                try await server.bind(unixSocket: path)
                return 0
            }
        } catch {
            throw CannotListen(description: "cannot listen on \(address): \(error)")
        }
    }
}

/// Why an address cannot be listened on, with the address.
private struct CannotListen: Error, CustomStringConvertible {
    let description: String
}

/// Why the gateway could not serve anybody.
private struct TooFewFiles: Error, CustomStringConvertible {
    let description: String
}

extension HTTPServerConfiguration {
    /// The admin listener's: a few connections, which are among the files kept from the clients'.
    fileprivate static var admin: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.maxConnections = 12
        configuration.maxRefusedConnections = 4
        configuration.countsNetwork = { _ in false }
        return configuration
    }
}

extension HTTPServerFigures {
    fileprivate var metrics: [Metric] {
        [
            Metric("martlet_connections", "Open connections of all kinds.", Double(connections)),
            Metric("martlet_connection_limit", "Connections that may be open at once.", Double(limit)),
            Metric(
                "martlet_refused_connections_total", "Connections refused for want of a place.", Double(refused),
                kind: .counter),
            Metric(
                "martlet_accept_failures_total", "Times the system had no file for a connection.",
                Double(acceptFailures), kind: .counter),
        ]
    }
}

extension BusClient {
    /// Whether the service answers at all.
    fileprivate func isAnswering(_ context: CallContext) async -> Bool {
        do throws(ServiceError) {
            _ = try await call(EventLogAPI.Read(after: 0, limit: 0), context)
            return true
        } catch {
            return false
        }
    }
}
