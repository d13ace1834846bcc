import Glibc
package import Logging
package import Shared
import SharedCrypto
import SharedStorage
import Synchronization

/// The process that owns accounts, passwords, pictures, sessions and the signing key.
package final class AuthService: RunnableService {
    /// What exists between start and stop.
    private struct Running {
        let host: ServiceHost
        let hasher: PasswordHasher
        let socialService: BusClient
        let relay: OutboxRelay
    }

    private let configuration: AuthConfiguration
    private let bus: BusConfiguration
    private let context: ZMQContext
    private let logger: Logger
    private let time: TimeSource
    private let running = Mutex<Running?>(nil)

    /// A service with the operator's settings and a ZeroMQ context of its own.
    package convenience init(reading configuration: inout Configuration, logger: Logger) throws {
        let bus = try BusConfiguration(reading: &configuration)
        let settings = try AuthConfiguration(reading: &configuration)
        self.init(settings, bus: bus, context: try ZMQContext(), logger: logger)
    }

    /// A service with settings made by hand; nothing is opened before ``start()``.
    package init(
        _ configuration: AuthConfiguration, bus: BusConfiguration, context: ZMQContext, logger: Logger,
        time: TimeSource = .system
    ) {
        self.configuration = configuration
        self.bus = bus
        self.context = context
        self.logger = logger
        self.time = time
    }

    /// Takes the data folder, opens database and signing key, takes up what an earlier life owed social-svc, and answers
    /// from then on.
    ///
    /// - Throws: when the folder is in use, or a file is damaged, missing or open to others.
    package func start() async throws {
        let (running, handlers) = try await assemble()
        self.running.withLock { $0 = running }
        // Before serving: what is owed already goes out ahead of anything new.
        running.relay.start()
        do {
            try await running.host.serve(handlers.routes)
        } catch {
            await stop()
            throw error
        }
    }

    /// Answers what is in flight, commits it, stops delivering and closes everything. Idempotent.
    package func stop() async {
        guard let running = running.withLock({ $0.take() }) else { return }
        await running.host.stop(afterDrain: {
            // The client first: a delivery under way to a silent receiver would otherwise hold up the stop.
            running.socialService.close()
            await running.relay.stop()
        })
        // Requests in flight wait for the hasher, so it ends after them.
        running.hasher.shutdown()
    }

    private func assemble() async throws -> (Running, AuthHandlers) {
        let host = try ServiceHost(
            .auth, bus: bus, context: context, logger: logger, migrations: AuthMigrations.register)
        do {
            let keyPath = host.directory.path + "/auth-signing-key.pem"
            let isKeyNew = access(keyPath, F_OK) != 0
            let key = try SigningKeyFile.loadOrCreate(at: keyPath)
            let store = try await AuthStore(host.database, time: time)
            if isKeyNew { try await store.revokeAll(now: store.clock.milliseconds) }
            let hasher = try PasswordHasher(
                cost: configuration.passwordCost, maxWaiting: configuration.maxWaitingHashes)
            let socialService = try await host.client(of: .social)
            let relay = OutboxRelay(database: host.database, from: .auth, to: socialService, logger: logger)
            let handlers = AuthHandlers(
                configuration: configuration, store: store, hasher: hasher, key: key,
                relay: relay, logger: logger)
            return (Running(host: host, hasher: hasher, socialService: socialService, relay: relay), handlers)
        } catch {
            await host.stop()
            throw error
        }
    }
}
