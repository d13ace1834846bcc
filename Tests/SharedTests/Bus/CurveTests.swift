import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import Shared

/// tcp, which is never opened without keys.
@Suite(.timeLimit(.minutes(5))) struct CurveTests {
    private struct Ping: BusRequest {
        static let route = "test.ping"
        typealias Reply = Done
        static let wireFormat = WireFormat(Self.init)
    }

    private let logger = Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) }

    /// A server with keys, and its address.
    private func withServer(
        _ keys: CurveKeyPair, _ body: (BusEndpoint) async throws -> Void
    ) async throws {
        let reactor = BusReactor(context: try ZMQContext(), logger: logger)
        defer { reactor.stop() }
        try await CurveAuthenticator.start(admitting: keys, reactor: reactor, logger: logger)
        var routes = BusRoutes()
        routes.on(Ping.self, from: [.gateway]) { _, _ throws(ServiceError) in Done() }
        let server = BusServer(routes: routes, reactor: reactor, logger: logger)
        let endpoint = try BusEndpoint("tcp://127.0.0.1:\(freePort())")
        try await server.bind(to: endpoint, security: BusSecurity(curveKeys: keys))
        try await body(endpoint)
    }

    /// Whether a client is answered within a time.
    private func isAnswered(
        _ endpoint: BusEndpoint, within limit: Duration, _ connect: @escaping @Sendable (ZMQSocket) throws -> Void
    ) async throws -> Bool {
        let reactor = BusReactor(context: try ZMQContext(), logger: logger)
        defer { reactor.stop() }
        let answers = OnceBox<Bool>()
        try await reactor.perform { loop in
            let socket = try ZMQSocket(.dealer, context: reactor.context)
            try connect(socket)
            loop.watch(socket) { _, _ in answers.set(true) }
            func ask(_ loop: ReactorLoop) {
                let ping = RequestHead(
                    id: 1, caller: .gateway, departure: .init(remainingMilliseconds: 1_000, sentAt: .now),
                    route: Ping.route, trace: "")
                // Refused as long as there is no connection.
                _ = try? socket.send(ping.frame { _ in })
                loop.schedule(at: .after(.milliseconds(20))) { ask($0) }
            }
            ask(loop)
        }
        do {
            try await eventually("an answer", within: limit) { answers.value == true }
            return true
        } catch is NeverHappened {
            return false
        }
    }

    @Test func `the deployment's key opens the door, and no other key does`() async throws {
        let (keys, others) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        try await withServer(keys) { endpoint async throws in
            let address = endpoint.description
            #expect(
                try await isAnswered(endpoint, within: .seconds(10)) { socket in
                    try BusSecurity(curveKeys: keys).connect(socket, to: endpoint)
                })
            // Another key pair that knows the server's public key; one that does not; and no key at all.
            #expect(
                try await !isAnswered(endpoint, within: .milliseconds(400)) { socket in
                    try socket.useCurve(others, server: keys.publicKey)
                    try socket.connect(address)
                })
            #expect(
                try await !isAnswered(endpoint, within: .milliseconds(400)) { socket in
                    try BusSecurity(curveKeys: others).connect(socket, to: endpoint)
                })
            #expect(try await !isAnswered(endpoint, within: .milliseconds(400)) { try $0.connect(address) })
        }
    }

    @Test func `calls go through with keys`() async throws {
        let keys = try CurveKeyPair.generate()
        try await withServer(keys) { endpoint in
            let reactor = BusReactor(context: try ZMQContext(), logger: logger)
            defer { reactor.stop() }
            let client = BusClient(to: .auth, as: .gateway, reactor: reactor, logger: logger)
            try await client.connect(to: [endpoint], security: BusSecurity(curveKeys: keys))
            try await eventually("the client is connected") {
                await refusal { () throws(ServiceError) in try await client.call(Ping(), .test()) } == nil
            }
        }
    }

    @Test func `tcp without keys is refused at the start`() async throws {
        let reactor = BusReactor(context: try ZMQContext(), logger: logger)
        defer { reactor.stop() }
        let endpoint = try BusEndpoint("tcp://127.0.0.1:\(freePort())")
        let server = BusServer(routes: BusRoutes(), reactor: reactor, logger: logger)
        await #expect(throws: BusEndpoint.Invalid.self) { try await server.bind(to: endpoint, security: BusSecurity()) }
        let client = BusClient(to: .auth, as: .gateway, reactor: reactor, logger: logger)
        await #expect(throws: BusEndpoint.Invalid.self) {
            try await client.connect(to: [endpoint], security: BusSecurity())
        }
        for key in ["auth", "social-events"] {
            var configuration = try Configuration(
                arguments: ["--bus-\(key)", "tcp://127.0.0.1:1"], environment: [:])
            let refusal = #expect(throws: Configuration.Invalid.self) {
                try BusConfiguration(reading: &configuration)
            }
            #expect(refusal?.description.contains("MARTLET_BUS_CURVE_KEYS") == true)
        }
    }

    @Test func `an authentication request is judged by mechanism and key alone`() {
        let key = [UInt8](repeating: 1, count: 32)
        func answer(_ mechanism: String, _ credentials: [UInt8]...) -> String {
            let head = ["1.0", "id", "", "127.0.0.1", "", mechanism].map { Array($0.utf8) }
            return CurveAuthenticator.answer(to: head + credentials, admitting: key).status
        }
        #expect(answer("CURVE", key) == "200")
        #expect(answer("CURVE", [UInt8](repeating: 2, count: 32)) == "400")
        #expect(answer("CURVE", []) == "400")
        #expect(answer("CURVE") == "400")
        #expect(answer("CURVE", key, key) == "400")
        #expect(answer("NULL") == "400")
        #expect(answer("NULL", key) == "400")
        #expect(answer("PLAIN", Array("a".utf8), Array("b".utf8)) == "400")
        #expect(CurveAuthenticator.answer(to: [], admitting: key).status == "500")
    }

    /// A port that was free a moment ago.
    private func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(descriptor, address, length)
                _ = getsockname(descriptor, address, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
