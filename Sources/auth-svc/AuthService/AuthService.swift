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
    }

    private let configuration: AuthConfiguration
    private let bus: BusConfiguration
    private let context: ZMQContext
    private let logger: Logger
    private let running = Mutex<Running?>(nil)

    /// A service with the operator's settings and a ZeroMQ context of its own.
    package convenience init(reading configuration: inout Configuration, logger: Logger) throws {
        let bus = try BusConfiguration(reading: &configuration)
        let settings = try AuthConfiguration(reading: &configuration)
        self.init(settings, bus: bus, context: try ZMQContext(), logger: logger)
    }

    /// A service with settings made by hand; nothing is opened before ``start()``.
    package init(_ configuration: AuthConfiguration, bus: BusConfiguration, context: ZMQContext, logger: Logger) {
        self.configuration = configuration
        self.bus = bus
        self.context = context
        self.logger = logger
    }

    /// Takes the data folder, opens database and signing key, and answers from then on.
    ///
    /// - Throws: when the folder is in use, or a file is damaged, missing or open to others.
    package func start() async throws {
        let host = try ServiceHost(
            .auth, bus: bus, context: context, logger: logger, migrations: AuthMigrations.register)
        do {
            let key = try SigningKeyFile.loadOrCreate(at: host.directory.path + "/auth-signing-key.pem")
            let hasher = try PasswordHasher(
                cost: configuration.passwordCost, maxWaiting: configuration.maxWaitingHashes)
            let handlers = AuthHandlers(
                configuration: configuration, store: AuthStore(database: host.database), hasher: hasher,
                key: key, logger: logger)
            try await host.serve(handlers.routes)
            running.withLock { $0 = Running(host: host, hasher: hasher) }
        } catch {
            await host.stop()
            throw error
        }
    }

    /// Answers what is in flight, commits it and closes everything. Idempotent.
    package func stop() async {
        guard let running = running.withLock({ $0.take() }) else { return }
        // Requests in flight wait for the hasher, so it ends after them.
        await running.host.stop()
        running.hasher.shutdown()
    }
}
