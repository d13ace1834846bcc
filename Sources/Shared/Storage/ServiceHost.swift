package import GRDB
package import Logging
package import Shared
import Synchronization

/// What every service is made of: its folder and database, the bus thread, the server and the publisher.
package final class ServiceHost: Sendable {
    /// Time that requests in flight get at a stop.
    static let drainLimit = Duration.seconds(8)

    package let name: ServiceName
    package let directory: DataDirectory
    package let database: ServiceDatabase
    package let reactor: BusReactor
    private let bus: BusConfiguration
    private let publisher: EventPublisher
    private let guardian: MarkGuardian
    private let exchanges = Mutex<[MarkExchange]>([])
    private let logger: Logger
    private let server = OnceBox<BusServer>()

    /// Takes the folder's lock, opens the database and starts the bus thread; nothing is reachable yet.
    ///
    /// - Parameter onOutdated: called once when it turns out that the database is older than others have seen it.
    package init(
        _ name: ServiceName, bus: BusConfiguration, context: ZMQContext, logger: Logger,
        expand: @escaping ServiceDatabase.Expansion = { _, _, payload in payload },
        onRollback: @escaping @Sendable () -> Void = {},
        onOutdated: @escaping @Sendable (_ reason: String) -> Void = ServiceRunner.giveUp,
        migrations: (inout DatabaseMigrator) -> Void
    ) throws {
        self.name = name
        self.bus = bus
        self.logger = logger
        try bus.createFolders()
        directory = try DataDirectory(path: bus.dataPath, service: name)
        database = try ServiceDatabase(
            in: directory, logger: logger, expand: expand, onRollback: onRollback, migrations: migrations)
        reactor = BusReactor(context: context, logger: logger)
        publisher = EventPublisher(mark: database.mark, reactor: reactor, logger: logger)
        guardian = MarkGuardian(directory: directory, database: database, logger: logger, onOutdated: onOutdated)
        database.publishEvents(to: publisher)
    }

    /// A client of another service, connected. It calls nothing before the two have told each other how far they have come.
    package func client(of service: ServiceName) async throws -> BusClient {
        let client = BusClient(
            to: service, as: name, reactor: reactor, marks: guardian.marks, isHeld: true, logger: logger)
        try await client.connect(to: bus.addresses(of: service).requests, security: bus.security)
        let exchange = MarkExchange(
            with: [client], marks: guardian.marks, own: { [guardian] in guardian.own },
            learn: { [guardian] in guardian.hear($0.known) })
        exchanges.withLock { $0.append(exchange) }
        exchange.start(patience: nil)
        return client
    }

    /// Opens the service to its callers: events first, so that nothing it does from now on goes unheard.
    package func serve(_ routes: BusRoutes) async throws {
        var routes = routes
        database.addEventLogRoute(to: &routes)
        guardian.addRoute(to: &routes)
        try await bus.startAuthentication(on: reactor, logger: logger)
        let addresses = bus.addresses(of: name)
        guard addresses.requests.count == 1 else {
            // Several are for its callers: each instance has its own.
            throw Configuration.Invalid("\(name) answers at one address, not \(addresses.requests.count)")
        }
        for endpoint in addresses.events { try await publisher.bind(to: endpoint, security: bus.security) }
        let server = BusServer(
            routes: routes, reactor: reactor, logger: logger, objection: { [guardian] in guardian.objection(to: $0) })
        for endpoint in addresses.requests { try await server.bind(to: endpoint, security: bus.security) }
        self.server.set(server)
    }

    /// Answers what is in flight, commits what is queued and closes everything. Idempotent.
    ///
    /// - Parameter endWork: ends what works beside the server, such as an outbox relay. The requests in flight could
    ///   still count on it, and it can count on database and bus.
    package func stop(afterDrain endWork: () async -> Void = {}) async {
        await server.value?.drain(within: Self.drainLimit)
        await endWork()
        for exchange in exchanges.withLock({ $0 }) { await exchange.stop() }
        database.close()
        reactor.stop()
    }
}
