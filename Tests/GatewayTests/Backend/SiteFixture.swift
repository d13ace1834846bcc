import AuthService
import Logging
import MessageService
import NIOCore
import Shared
import SharedCrypto
import SocialService
import Synchronization
import TestSupport

@testable import Gateway

/// What a test may choose about its site.
struct SiteConfiguration {
    /// How the processes of a site reach each other.
    enum Transport {
        /// In memory: the fastest, but a service that was stopped is not found again.
        case memory
        /// Over Unix sockets, as in production.
        case files
    }

    var transport = Transport.memory
    var gateway: GatewayConfiguration
    var auth = AuthConfiguration()
    var social = SocialConfiguration()
    var message = MessageConfiguration()
    /// The clocks auth-svc reads.
    var authTime = TimeSource.system
    /// Stands in for auth-svc when it is set.
    var authRoutes: BusRoutes?
    /// Stands in for message-svc when it is set.
    var messageRoutes: BusRoutes?

    init(admin: ListenAddress) throws {
        gateway = GatewayConfiguration(admin: admin)
        gateway.listen = .tcp(host: "127.0.0.1", port: 0)
        gateway.limitsRates = false
        gateway.server.sweepInterval = .milliseconds(20)
        auth.passwordCost = try ScryptCost(n: 1_024, r: 8, p: 1)
        auth.areRatesLimited = false
        message.areRatesLimited = false
        social.friendRequestsPerMinute = nil
    }
}

/// All of Martlet in one process, on a bus and in a folder of its own.
final class Site: Sendable {
    let bus: TestBus
    /// Where the gateway listens for clients.
    let port: Int
    private let configuration: SiteConfiguration
    private let busConfiguration: BusConfiguration
    private let gateway: Gateway
    private let furtherGateways = Mutex<[Gateway]>([])
    private let services = Mutex<[ServiceName: any RunnableService]>([:])

    fileprivate init(_ adjust: (inout SiteConfiguration) throws -> Void) async throws {
        bus = try TestBus()
        let folder = bus.configuration.runtimePath
        var configuration = try SiteConfiguration(admin: .unix(path: folder + "/admin.sock"))
        try adjust(&configuration)
        self.configuration = configuration
        busConfiguration = configuration.transport == .memory ? bus.configuration : try bus.configurationOverFiles()
        gateway = Gateway(configuration.gateway, bus: busConfiguration, context: bus.context, logger: bus.logger)
        var failure: (any Error)?
        var port = 0
        do {
            try await gateway.start()
            port = gateway.port
        } catch {
            failure = error
        }
        self.port = port
        do {
            if let failure { throw failure }
            for service in [ServiceName.auth, .social, .message] { try await start(service) }
            try await untilReady()
        } catch {
            await stop()
            throw error
        }
    }

    /// What the gateway's admin listener answers.
    func admin(_ method: String, _ path: String) async throws -> HTTPClient.Response {
        try await HTTPClient(unixSocket: busConfiguration.runtimePath + "/admin.sock").request(method, path)
    }

    /// Returns as soon as the gateway says that it can serve.
    func untilReady() async throws {
        try await untilReady(busConfiguration.runtimePath + "/admin.sock")
    }

    private func untilReady(_ adminPath: String) async throws {
        let admin = HTTPClient(unixSocket: adminPath)
        try await eventually("the gateway is ready") { try await admin.request("GET", "/readyz").status == 200 }
    }

    /// Starts one more gateway on the same bus and returns its port.
    ///
    /// - Parameter waits: whether it has to be ready first.
    func startGateway(waits: Bool = true) async throws -> Int {
        let adminPath = busConfiguration.runtimePath + "/admin-\(furtherGateways.withLock { $0.count }).sock"
        var gatewayConfiguration = configuration.gateway
        gatewayConfiguration.admin = .unix(path: adminPath)
        let further = Gateway(gatewayConfiguration, bus: busConfiguration, context: bus.context, logger: bus.logger)
        furtherGateways.withLock { $0.append(further) }
        try await further.start()
        if waits { try await untilReady(adminPath) }
        return further.port
    }

    /// Stops the gateways that were started beside the first, in order.
    func stopFurtherGateways() async {
        let gateways = furtherGateways.withLock { gateways in
            defer { gateways = [] }
            return gateways
        }
        for gateway in gateways { await gateway.stop() }
    }

    /// Starts a service that is not running, on the data it left behind.
    func start(_ name: ServiceName) async throws {
        let service = make(name)
        try await service.start()
        services.withLock { $0[name] = service }
    }

    /// Stops a service in order.
    func stop(_ name: ServiceName) async {
        await services.withLock { $0.removeValue(forKey: name) }?.stop()
    }

    fileprivate func stop() async {
        await stopFurtherGateways()
        await gateway.stop()
        for name in [ServiceName.auth, .social, .message] { await stop(name) }
    }

    private func make(_ name: ServiceName) -> any RunnableService {
        let (bus, context, logger) = (busConfiguration, bus.context, bus.logger)
        return switch name {
        case .auth where configuration.authRoutes != nil:
            StubService(
                .auth, routes: configuration.authRoutes ?? BusRoutes(), bus: bus, context: context, logger: logger)
        case .message where configuration.messageRoutes != nil:
            StubService(
                .message, routes: configuration.messageRoutes ?? BusRoutes(), bus: bus, context: context,
                logger: logger)
        case .auth:
            AuthService(
                configuration.auth, bus: bus, context: context, logger: logger, time: configuration.authTime)
        case .social: SocialService(configuration.social, bus: bus, context: context, logger: logger)
        case .message, .gateway: MessageService(configuration.message, bus: bus, context: context, logger: logger)
        }
    }
}

/// Runs a test against a site of its own and stops all of it afterwards.
func withGateway(
    _ adjust: (inout SiteConfiguration) throws -> Void = { _ in }, _ body: (Site) async throws -> Void
) async throws {
    await SiteSlots.shared.take()
    let result: Result<Void, any Error>
    do {
        let site = try await Site(adjust)
        do {
            result = .success(try await body(site))
        } catch {
            result = .failure(error)
        }
        await site.stop()
    } catch {
        await SiteSlots.shared.giveBack()
        throw error
    }
    await SiteSlots.shared.giveBack()
    return try result.get()
}

/// Bounds the sites that run at once: each has a dozen threads, and all tests would start theirs together.
private actor SiteSlots {
    static let shared = SiteSlots()

    private var free = 6
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
