package import Logging
package import Shared

/// A service made of closures, for tests that decide what it answers and when. It publishes no events, but beats.
package final class StubService: RunnableService {
    private let name: ServiceName
    private let routes: BusRoutes
    private let bus: BusConfiguration
    private let logger: Logger
    private let reactor: BusReactor

    /// - Parameter routes: what it answers; reads of its event log, which is empty, are added.
    package init(_ name: ServiceName, routes: BusRoutes, bus: BusConfiguration, context: ZMQContext, logger: Logger) {
        var routes = routes
        routes.on(EventLogAPI.Read.self, from: Set(ServiceName.allCases)) { _, _ throws(ServiceError) in
            EventLogAPI.Read.Reply(batch: EventBatch(epoch: 1, head: 0, events: []), isTooOld: false)
        }
        routes.on(MarksAPI.Exchange.self, from: Set(ServiceName.allCases)) { _, _ throws(ServiceError) in
            MarksAPI.Exchange.Reply(known: [])
        }
        self.name = name
        self.routes = routes
        self.bus = bus
        self.logger = logger
        reactor = BusReactor(context: context, logger: logger)
    }

    package func start() async throws {
        let publisher = EventPublisher(mark: Mark(age: 0, epoch: 1, head: 0), reactor: reactor, logger: logger)
        for endpoint in bus.addresses(of: name).events {
            try await publisher.bind(to: endpoint, security: bus.security)
        }
        let server = BusServer(routes: routes, reactor: reactor, logger: logger)
        for endpoint in bus.addresses(of: name).requests { try await server.bind(to: endpoint, security: bus.security) }
    }

    package func stop() async { reactor.stop() }
}

/// Runs a body with a client of a stub.
package func withStub(
    of name: ServiceName, _ routes: BusRoutes, _ body: (BusClient) async throws -> Void
) async throws {
    let bus = try TestBus()
    let stub = StubService(
        name, routes: routes, bus: bus.configuration, context: bus.context, logger: bus.logger)
    try await stub.start()
    do {
        try await body(try await bus.client(of: name))
    } catch {
        await stub.stop()
        throw error
    }
    await stub.stop()
}
