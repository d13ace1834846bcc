import Shared
import TestSupport
import Testing

@testable import Gateway

/// Who answers what, asked of the running services.
@Suite struct RoutesTests {
    private static let services = [ServiceName.auth, .social, .message]

    /// The services that know a request's route; whether they like its content is another matter.
    private func owners(of request: some BusRequest, _ site: Site) async throws -> Set<ServiceName> {
        var owners: Set<ServiceName> = []
        for service in Self.services {
            let client = try await site.bus.client(of: service)
            let refusal = await refusal { () throws(ServiceError) in try await client.call(request, .test()) }
            if refusal != ServiceError(.badRequest, detail: "unknown route") { owners.insert(service) }
            client.close()
        }
        return owners
    }

    @Test func `every request is answered by exactly one service`() async throws {
        try await withGateway { site in
            for (service, exchanges) in [
                (ServiceName.auth, ContractSamples.auth), (.social, ContractSamples.social + ContractSamples.groups),
                (.message, ContractSamples.message),
            ] {
                for exchange in exchanges {
                    let owners = try await owners(of: exchange.request, site)
                    #expect(owners == [service], "\(type(of: exchange.request).route)")
                }
            }
        }
    }

    @Test func `every service answers for its event log, and message-svc takes effects`() async throws {
        try await withGateway { site in
            let log = try await owners(of: EventLogAPI.Read(after: 0, limit: 0), site)
            #expect(log == Set(Self.services))
            let effects = try await owners(of: EffectAPI.Apply(sender: .social, epoch: 1, effects: []), site)
            #expect(effects.contains(.message))
        }
    }
}
