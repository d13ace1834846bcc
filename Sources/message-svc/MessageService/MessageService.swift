package import Logging
package import Shared
import SharedStorage

/// message-svc: conversations as timelines, their participants, and what each account has been handed.
package final class MessageService: RunnableService {
    private let configuration: MessageConfiguration
    private let bus: BusConfiguration
    private let context: ZMQContext
    private let logger: Logger
    private let host = OnceBox<ServiceHost>()

    package convenience init(reading configuration: inout Configuration, logger: Logger) throws {
        self.init(
            try MessageConfiguration(reading: &configuration), bus: try BusConfiguration(reading: &configuration),
            context: try ZMQContext(), logger: logger)
    }

    /// The service with another configuration or on another bus, as tests start it.
    package init(_ configuration: MessageConfiguration, bus: BusConfiguration, context: ZMQContext, logger: Logger) {
        self.configuration = configuration
        self.bus = bus
        self.context = context
        self.logger = logger
    }

    package func start() async throws {
        let timelines = Timelines(maxCachedParticipants: configuration.maxCachedParticipants)
        let host = try ServiceHost(
            .message, bus: bus, context: context, logger: logger, expand: MessageStore.expandEvent,
            onRollback: { timelines.forgetAll() }, migrations: MessageMigrations.register)
        self.host.set(host)
        let store = MessageStore(database: host.database, timelines: timelines)
        var routes = MessageRoutes(configuration: configuration, store: store).routes
        MessageEffects.inbox(store, logger: logger).addRoute(to: &routes, from: [.social], database: host.database)
        do {
            try await host.serve(routes)
        } catch {
            await host.stop()
            throw error
        }
    }

    package func stop() async {
        await host.value?.stop()
    }
}
