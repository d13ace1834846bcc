package import Logging
package import Shared
import SharedStorage
import Synchronization

/// The process social-svc: friends, groups and presence; it allocates conversation ids.
package final class SocialService: RunnableService {
    /// What is running between start and stop.
    private struct Parts: Sendable {
        let host: ServiceHost
        let messageService: BusClient
        let relay: OutboxRelay
        let store: SocialStore
        let keeper: PresenceKeeper
    }

    private let configuration: SocialConfiguration
    private let bus: BusConfiguration
    private let context: ZMQContext
    private let logger: Logger
    private let parts = Mutex<Parts?>(nil)

    /// The service as an operator has configured it.
    package convenience init(reading configuration: inout Configuration, logger: Logger) throws {
        self.init(
            try SocialConfiguration(reading: &configuration), bus: try BusConfiguration(reading: &configuration),
            context: try ZMQContext(), logger: logger)
    }

    /// The service with given settings, on a given bus; nothing is opened before ``start()``.
    package init(_ configuration: SocialConfiguration, bus: BusConfiguration, context: ZMQContext, logger: Logger) {
        self.configuration = configuration
        self.bus = bus
        self.context = context
        self.logger = logger
    }

    /// Opens the database, takes up the deliveries an earlier life left behind, and answers.
    package func start() async throws {
        let parts = try await assemble()
        self.parts.withLock { $0 = parts }
        // Before serving: what is owed already goes out ahead of anything new.
        parts.relay.start()
        parts.keeper.start()
        do {
            try await parts.host.serve(routes(parts))
        } catch {
            await stop()
            throw error
        }
    }

    /// Answers what is in flight, stops delivering and closes everything. Idempotent.
    package func stop() async {
        guard let parts = self.parts.withLock({ $0.take() }) else { return }
        await parts.host.stop(afterDrain: {
            // The client first: a delivery under way to a silent receiver would otherwise hold up the stop.
            parts.messageService.close()
            await parts.relay.stop()
            await parts.keeper.stop()
        })
    }

    private func assemble() async throws -> Parts {
        let host = try ServiceHost(
            .social, bus: bus, context: context, logger: logger, migrations: SocialMigrations.register)
        do {
            let messageService = try await host.client(of: .message)
            let relay = OutboxRelay(database: host.database, from: .social, to: messageService, logger: logger)
            let store = SocialStore(database: host.database, limits: configuration.limits)
            let keeper = try await PresenceKeeper(configuration.presence, store: store, logger: logger)
            return Parts(host: host, messageService: messageService, relay: relay, store: store, keeper: keeper)
        } catch {
            await host.stop()
            throw error
        }
    }

    private func routes(_ parts: Parts) -> BusRoutes {
        let handlers = SocialHandlers(
            store: parts.store, relay: parts.relay, keeper: parts.keeper,
            requestRate: configuration.friendRequestsPerMinute.map(RequestRateLimiter.init(perMinute:)), logger: logger)
        return handlers.routes
    }
}
