import Dispatch
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Shared

/// Calls, over every transport that needs no keys.
@Suite(.timeLimit(.minutes(5))) struct BusTests {
    enum Transport: CaseIterable {
        case memory
        case files
    }

    @Test(arguments: Transport.allCases)
    func `a call is answered, whatever its size`(_ transport: Transport) async throws {
        try await withLine(transport) { line async throws in
            for size in [0, 1, 255, 65_536, 8 << 20] {
                let text = String(repeating: "x", count: size)
                #expect(try await line.client.call(Echo(text: text), .test()).text.utf8.count == size)
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func `calls at once each get their own answer`(_ transport: Transport) async throws {
        try await withLine(transport) { line in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1_000 {
                    group.addTask { try await line.client.call(Echo(text: "\(number)"), .test()).text == "\(number)" }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func `what a service does not answer is refused, not ignored`(_ transport: Transport) async throws {
        try await withLine(transport) { line async throws in
            #expect(await line.refusal(of: Unknown())?.code == .badRequest)
            #expect(await line.refusal(of: NotForGateways())?.code == .badRequest)
            // Two of three bytes of a number.
            #expect(await line.refusal(of: Misread())?.code == .badRequest)
            #expect(
                await line.refusal(of: Failing())
                    == ServiceError(.userNameTaken, detail: "Ålice"))
            #expect(await line.refusal(of: Dropped())?.code == .internal)
            #expect(try await line.client.call(Echo(text: "still here"), .test()).text == "still here")
        }
    }

    @Test(arguments: Transport.allCases)
    func `more requests than a service works on are refused`(_ transport: Transport) async throws {
        try await withLine(transport, maxInFlight: 2) { line in
            let held = (0..<2).map { _ in Task { try await line.client.call(Held(), .test()) } }
            try await eventually("both are being worked on") { line.held.withLock { $0.count == 2 } }
            let third = await line.refusal(of: Echo(text: ""))
            #expect(third?.code == .unavailable)
            line.release()
            for call in held { _ = try await call.value }
            #expect(try await line.client.call(Echo(text: "a"), .test()).text == "a")
        }
    }

    @Test(arguments: Transport.allCases)
    func `more calls than a client may have waiting are refused at once`(_ transport: Transport) async throws {
        try await withLine(transport, maxWaiting: 2) { line in
            let held = (0..<2).map { _ in Task { try await line.client.call(Held(), .test()) } }
            try await eventually("both are being worked on") { line.held.withLock { $0.count == 2 } }
            let third = await line.refusal(of: Echo(text: ""))
            #expect(third?.code == .unavailable)
            line.release()
            for call in held { _ = try await call.value }
        }
    }

    @Test(arguments: Transport.allCases)
    func `a call that is not answered in time has an unknown outcome, and its late answer is dropped`(
        _ transport: Transport
    ) async throws {
        try await withLine(transport) { line in
            let start = MonotonicTime.now
            let late = await line.refusal(of: Held(), .test(timeout: .milliseconds(50)))
            #expect(late?.code == .outcomeUnknown)
            #expect(start + .milliseconds(50) <= .now)
            line.release()
            for number in 0..<100 {
                let reply = try await line.client.call(Echo(text: "\(number)"), .test())
                #expect(reply.text == "\(number)")
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func `a call past its deadline is not made`(_ transport: Transport) async throws {
        try await withLine(transport) { line in
            let expired = CallContext(trace: "", deadline: .now)
            let refusal = await line.refusal(of: Held(), expired)
            #expect(refusal?.code == .unavailable)
            _ = try await line.client.call(Echo(text: ""), .test())
            #expect(line.held.withLock { $0.isEmpty })
        }
    }

    @Test(arguments: Transport.allCases)
    func `a client that closes tells who still waits`(_ transport: Transport) async throws {
        try await withLine(transport) { line in
            let waiting = Task { await line.refusal(of: Held()) }
            try await eventually("it is being worked on") { line.held.withLock { $0.count == 1 } }
            line.client.close()
            line.client.close()
            #expect(await waiting.value?.code == .outcomeUnknown)
            let later = await line.refusal(of: Echo(text: ""))
            #expect(later?.code == .unavailable)
        }
    }

    @Test func `a call whose time is over before the bus thread has its turn is refused and never made`() async throws {
        try await withLine(.memory) { line in
            let goOn = line.holdUpClient()
            let context = CallContext.test(timeout: .milliseconds(20))
            let refusal = line.send(Held(), context)
            try await eventually("its time is over") { context.deadline.hasPassed }
            goOn()
            try await eventually("it is refused") { refusal.value != nil }
            #expect(refusal.value == .unavailable)
            _ = try await line.client.call(Echo(text: ""), .test())
            #expect(line.held.withLock { $0.isEmpty })
        }
    }

    @Test func `a call that has not left yet when its client closes was certainly not made`() async throws {
        try await withLine(.memory) { line in
            let goOn = line.holdUpClient()
            defer { goOn() }
            let refusal = line.send(Held(), .test())
            line.client.close()
            #expect(refusal.value == .unavailable)
        }
    }

    @Test func `without a server a call is refused at once`() async throws {
        try await withLine(.files, isServing: false) { line in
            let start = MonotonicTime.now
            let refusal = await line.refusal(of: Echo(text: ""))
            #expect(refusal?.code == .unavailable)
            #expect(MonotonicTime.now < start + .seconds(5))
        }
    }

    @Test func `requests that came in one frame are each answered once, those behind an unreadable one too`()
        async throws
    {
        try await withLine(.files) { line in
            let peer = try await RawBusPeer(to: line.address)
            defer { peer.stop() }
            let payload = Echo(text: "").wireBytes
            var frames = (1...200).map { RawRequest(UInt64($0), Echo.route, payload).bytes }
            frames.insert(Array(repeating: 0xFF, count: 30), at: 100)
            var batch = WireWriter()
            batch.write(raw: [3, 6])
            frames.map(Blob.init).write(to: &batch)
            try await peer.send(batch.bytes)
            try await eventually("all are answered") { peer.answers.count == 200 }
            #expect(peer.answers.values.allSatisfy { $0 == .success })
        }
    }

    @Test func `a server that died is found again when it is back`() async throws {
        try await withLine(.files) { line in
            #expect(try await line.client.call(Echo(text: "1"), .test()).text == "1")
            let waiting = Task {
                await line.refusal(of: Held(), .test(timeout: .seconds(2)))
            }
            try await eventually("it is being worked on") { line.held.withLock { $0.count == 1 } }
            line.killServer()
            #expect(await waiting.value?.code == .outcomeUnknown)
            try await line.startServer()
            try await eventually("calls are answered again") {
                await line.refusal(of: Echo(text: "2"), .test(timeout: .milliseconds(200))) == nil
            }
        }
    }
}

// MARK: - Requests of these tests

private struct Echo: BusRequest {
    static let route = "test.echo"
    struct Reply: WireRecord, Hashable {
        var text: String
        static let wireFormat = WireFormat(Self.init, \.text)
    }
    var text: String
    static let wireFormat = WireFormat(Self.init, \.text)
}

/// Answered when the test says so.
private struct Held: BusRequest {
    static let route = "test.held"
    typealias Reply = Done
    static let wireFormat = WireFormat(Self.init)
}

private struct Failing: BusRequest {
    static let route = "test.failing"
    typealias Reply = Done
    static let wireFormat = WireFormat(Self.init)
}

/// Whose handler forgets to answer.
private struct Dropped: BusRequest {
    static let route = "test.dropped"
    typealias Reply = Done
    static let wireFormat = WireFormat(Self.init)
}

private struct Unknown: BusRequest {
    static let route = "test.unknown"
    typealias Reply = Done
    static let wireFormat = WireFormat(Self.init)
}

private struct NotForGateways: BusRequest {
    static let route = "test.notForGateways"
    typealias Reply = Done
    static let wireFormat = WireFormat(Self.init)
}

/// Too short for what the server takes it for.
private struct Misread: BusRequest {
    static let route = "test.echo"
    typealias Reply = Done
    var number: UInt16 = 0xFFFF
    static let wireFormat = WireFormat({ Self(number: $0) }, \.number)
}

// MARK: - The line

/// A server and its client on a transport.
private final class Line: Sendable {
    let client: BusClient
    let held = Mutex<[Responder<Done>]>([])
    /// Whose folder has the sockets.
    private let owner: TestBus
    private let bus: BusConfiguration
    private let context: ZMQContext
    private let logger: Logger
    private let maxInFlight: Int
    private let clientReactor: BusReactor
    private let serverReactor = Mutex<BusReactor?>(nil)

    init(_ bus: TestBus, _ transport: BusTests.Transport, maxInFlight: Int, maxWaiting: Int) throws {
        owner = bus
        self.bus = transport == .memory ? bus.configuration : try bus.configurationOverFiles()
        (context, logger) = (bus.context, bus.logger)
        self.maxInFlight = maxInFlight
        clientReactor = BusReactor(context: context, logger: logger)
        client = BusClient(to: .auth, as: .gateway, reactor: clientReactor, maxInFlight: maxWaiting, logger: logger)
    }

    func startServer() async throws {
        var routes = BusRoutes()
        routes.on(Echo.self, from: [.gateway]) { request, _ throws(ServiceError) in Echo.Reply(text: request.text) }
        routes.on(Failing.self, from: [.gateway]) { _, _ throws(ServiceError) in
            throw ServiceError(.userNameTaken, detail: "Ålice")
        }
        routes.on(NotForGateways.self, from: [.social]) { _, _ throws(ServiceError) in Done() }
        routes.onBusThread(Dropped.self, from: [.gateway]) { _, _, _ in }
        routes.onBusThread(Held.self, from: [.gateway]) { [self] _, _, respond in held.withLock { $0.append(respond) } }
        routes.on(EventLogAPI.Read.self, from: [.gateway]) { _, _ throws(ServiceError) in
            EventLogAPI.Read.Reply(batch: EventBatch(epoch: 1, head: 0, events: []), isTooOld: false)
        }
        let reactor = BusReactor(context: context, logger: logger)
        serverReactor.withLock { $0 = reactor }
        let server = BusServer(routes: routes, reactor: reactor, maxInFlight: maxInFlight, logger: logger)
        try bus.createFolders()
        for endpoint in bus.addresses(of: .auth).requests {
            try await server.bind(to: endpoint, security: bus.security)
        }
    }

    func connect() async throws {
        try bus.createFolders()
        try await client.connect(to: bus.addresses(of: .auth).requests, security: bus.security)
    }

    func waitForConnection() async throws {
        try await eventually("the client is connected") {
            await refusal(of: Echo(text: "")) == nil
        }
    }

    /// Makes a call and returns why it was refused.
    func refusal(of request: some BusRequest, _ context: CallContext = .test()) async -> ServiceError? {
        await TestSupport.refusal { () throws(ServiceError) in try await client.call(request, context) }
    }

    /// Makes a call and returns where its refusal will be.
    func send(_ request: some BusRequest, _ context: CallContext) -> OnceBox<ServiceError.Code> {
        let refusal = OnceBox<ServiceError.Code>()
        client.send(request, context) { result in
            if case .failure(let error) = result { refusal.set(error.code) }
        }
        return refusal
    }

    /// Keeps the client's bus thread busy; returns what lets it go on.
    func holdUpClient() -> @Sendable () -> Void {
        let gate = DispatchSemaphore(value: 0)
        clientReactor.execute { _ in gate.wait() }
        return { gate.signal() }
    }

    /// Where the server is.
    var address: String { bus.addresses(of: .auth).requests[0].description }

    /// Answers what is held.
    func release() {
        for respond in held.withLock({ $0 }) { respond(.success(Done())) }
    }

    /// Ends the server without a word.
    func killServer() { serverReactor.withLock { $0.take() }?.stop() }

    func stop() {
        client.close()
        clientReactor.stop()
        killServer()
    }
}

private func withLine(
    _ transport: BusTests.Transport, maxInFlight: Int = 4_096, maxWaiting: Int = 4_096, isServing: Bool = true,
    _ body: (Line) async throws -> Void
) async throws {
    let line = try Line(TestBus(), transport, maxInFlight: maxInFlight, maxWaiting: maxWaiting)
    let result: Result<Void, any Error>
    do {
        if isServing { try await line.startServer() }
        try await line.connect()
        if isServing { try await line.waitForConnection() }
        result = .success(try await body(line))
    } catch {
        result = .failure(error)
    }
    line.stop()
    try result.get()
}
