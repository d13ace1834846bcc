package import Logging
package import Shared

/// A bus of its own for one test: `inproc` endpoints in a private context, and a data folder that goes with it.
package final class TestBus: Sendable {
    package let context: ZMQContext
    package let configuration: BusConfiguration
    package let logger: Logger
    private let reactor: BusReactor
    private let folder = TemporaryFolder()

    package init() throws {
        context = try ZMQContext()
        var addresses: [ServiceName: BusConfiguration.Addresses] = [:]
        for service in [ServiceName.auth, .social, .message] {
            addresses[service] = BusConfiguration.Addresses(
                requests: [try BusEndpoint("inproc://\(service)")],
                events: [try BusEndpoint("inproc://\(service)-events")])
        }
        configuration = BusConfiguration(dataPath: folder.path, runtimePath: folder.path + "/run", addresses: addresses)
        logger = Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) }
        reactor = BusReactor(context: context, logger: logger)
    }

    deinit { reactor.stop() }

    /// A client of a service, speaking as another process.
    package func client(of service: ServiceName, as caller: ServiceName = .gateway) async throws -> BusClient {
        let client = BusClient(to: service, as: caller, reactor: reactor, logger: logger)
        try await client.connect(to: configuration.addresses(of: service).requests, security: configuration.security)
        return client
    }

    /// The same folder with Unix sockets in it, for tests that stop services and start them again.
    package func configurationOverFiles() throws -> BusConfiguration {
        var addresses: [ServiceName: BusConfiguration.Addresses] = [:]
        for service in [ServiceName.auth, .social, .message] {
            let path = "ipc://\(configuration.runtimePath)/\(service)"
            addresses[service] = BusConfiguration.Addresses(
                requests: [try BusEndpoint(path + ".sock")], events: [try BusEndpoint(path + "-events.sock")])
        }
        return BusConfiguration(
            dataPath: configuration.dataPath, runtimePath: configuration.runtimePath, addresses: addresses)
    }

    /// Follows a service's events; returns once it is subscribed and knows the head.
    package func follow(_ service: ServiceName) async throws -> EventRecorder {
        let recorder = EventRecorder()
        let subscriber = EventSubscriber(
            owner: try await client(of: service), reactor: reactor, logger: logger,
            onChange: { recorder.receive($0) })
        try await subscriber.connect(
            to: configuration.addresses(of: service).events, security: configuration.security)
        try await recorder.waitForStart()
        return recorder
    }
}

/// The events of one service, in order, as something a test can wait for.
package final class EventRecorder: Sendable {
    private let stream: AsyncStream<NumberedEvent>
    private let events: AsyncStream<NumberedEvent>.Continuation
    private let starts: AsyncStream<Int64>
    private let start: AsyncStream<Int64>.Continuation

    init() {
        (stream, events) = AsyncStream.makeStream()
        (starts, start) = AsyncStream.makeStream()
    }

    func receive(_ change: Subscription) {
        switch change {
        case .events(let batch): for event in batch { events.yield(event) }
        case .startAfresh(let position): start.yield(position)
        }
    }

    func waitForStart() async throws {
        for await _ in starts { return }
    }

    /// The next event of a type; events of other types before it are passed over.
    package func next<Event: BusEvent>(_: Event.Type) async throws -> Event {
        for await event in stream where event.kind == Event.kind {
            return try Event(wireBytes: event.payload.bytes)
        }
        throw CancellationError()
    }
}

extension CallContext {
    /// A context for calls made by tests.
    package static func test(timeout: Duration = .seconds(20)) -> CallContext {
        CallContext(trace: "test", deadline: .after(timeout))
    }
}

/// Runs a call that must be refused and returns why; `nil` when it was not refused.
package func refusal<Value>(_ body: () async throws(ServiceError) -> Value) async -> ServiceError? {
    do throws(ServiceError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
