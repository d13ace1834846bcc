import Shared
import Synchronization
import TestSupport
import Testing

/// How a server takes its leave.
@Suite(.timeLimit(.minutes(5))) struct GoodbyeTests {
    @Test func `a server that stops under load leaves no call in doubt`() async throws {
        let bus = try TestBus()
        let endpoint = try BusEndpoint("ipc://\(bus.configuration.dataPath)/goodbye.sock")
        let reactor = BusReactor(context: try ZMQContext(), logger: bus.logger)
        defer { reactor.stop() }
        let client = BusClient(to: .message, as: .gateway, reactor: reactor, logger: bus.logger)
        try await client.connect(to: [endpoint], security: BusSecurity())
        let counts = Counts()

        try await withThrowingTaskGroup(of: Void.self) { callers in
            defer { counts.isOver.store(true, ordering: .relaxed) }
            for _ in 1...8 { callers.addTask { await counts.keepCalling(client) } }
            for _ in 1...5 {
                let (server, serverReactor) = try await Self.serve(at: endpoint, bus)
                let goal = counts.answered.load(ordering: .relaxed) + 200
                try await eventually("calls are answered") { counts.answered.load(ordering: .relaxed) >= goal }
                await server.drain(within: .seconds(5))
                serverReactor.stop()
            }
        }

        #expect(counts.unknown.load(ordering: .relaxed) == 0)
        #expect(counts.refused.load(ordering: .relaxed) > 0)
    }

    @Test func `a caller that never parts holds up a stop for a moment only`() async throws {
        let bus = try TestBus()
        let path = "ipc://\(bus.configuration.dataPath)/goodbye.sock"
        let (server, serverReactor) = try await Self.serve(at: try BusEndpoint(path), bus)
        defer { serverReactor.stop() }
        let peer = try await RawBusPeer(to: path)
        defer { peer.stop() }
        try await peer.send(RawRequest(1, "events.read", EventLogAPI.Read(after: 0, limit: 0).wireBytes).bytes)
        try await eventually("it is answered") { peer.answers[1] == .success }

        let begun = ContinuousClock.now
        await server.drain(within: .seconds(30))
        #expect(ContinuousClock.now - begun < .seconds(10))
        try await peer.send(RawRequest(2, "events.read", EventLogAPI.Read(after: 0, limit: 0).wireBytes).bytes)
        try await eventually("late requests are refused as long as anyone is there") { peer.answers[2] == .failure(1) }
        await server.drain(within: .seconds(30))
    }

    private static func serve(at endpoint: BusEndpoint, _ bus: TestBus) async throws -> (BusServer, BusReactor) {
        var routes = BusRoutes()
        routes.on(EventLogAPI.Read.self, from: [.gateway]) { _, _ throws(ServiceError) in
            EventLogAPI.Read.Reply(batch: EventBatch(epoch: 1, head: 0, events: []), isTooOld: false)
        }
        let reactor = BusReactor(context: try ZMQContext(), logger: bus.logger)
        let server = BusServer(routes: routes, reactor: reactor, logger: bus.logger)
        try await server.bind(to: endpoint, security: BusSecurity())
        return (server, reactor)
    }
}

/// What became of calls.
private final class Counts: Sendable {
    let answered = Atomic(0)
    let refused = Atomic(0)
    let unknown = Atomic(0)
    let isOver = Atomic(false)

    /// Makes one call after the other.
    func keepCalling(_ client: BusClient) async {
        while !isOver.load(ordering: .relaxed) {
            switch await refusal({ () throws(ServiceError) in
                try await client.call(EventLogAPI.Read(after: 0, limit: 0), .test(timeout: .seconds(2)))
            })?.code {
            case nil: answered.add(1, ordering: .relaxed)
            case .outcomeUnknown: unknown.add(1, ordering: .relaxed)
            default:
                refused.add(1, ordering: .relaxed)
                // Refused, nobody comes back at once; cancelled only with the test.
                try? await Task.sleep(for: .milliseconds(2))
            }
        }
    }
}
