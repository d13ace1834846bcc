import Logging
import Shared

/// The three services as the surfaces see them.
struct Backend: Sendable {
    let auth: BusClient
    let social: BusClient
    let message: BusClient

    /// Clients on one reactor, not connected yet, and held until somebody releases them.
    ///
    /// - Parameter marks: what is known of the services.
    init(reactor: BusReactor, marks: KnownMarks, logger: Logger) {
        func client(_ service: ServiceName) -> BusClient {
            BusClient(to: service, as: .gateway, reactor: reactor, marks: marks, isHeld: true, logger: logger)
        }
        auth = client(.auth)
        social = client(.social)
        message = client(.message)
    }

    var all: [BusClient] { [auth, social, message] }

    func connect(_ bus: BusConfiguration) async throws {
        for client in all {
            try await client.connect(to: bus.addresses(of: client.service).requests, security: bus.security)
        }
    }
}
