import Logging
package import Shared

extension Stack {
    /// What a running service knows of how far every service has come, itself included.
    package func marks(knownTo process: StackProcess, _ service: ServiceName) async throws -> [MarksAPI.Known] {
        let logger = Logger(label: "marks") { LineLogHandler(process: $0, logLevel: .critical) }
        let reactor = BusReactor(context: try ZMQContext(), logger: logger)
        defer { reactor.stop() }
        let client = BusClient(to: service, as: .gateway, reactor: reactor, logger: logger)
        try await client.connect(to: [BusEndpoint("ipc://\(runtimePath)/\(process).sock")], security: BusSecurity())
        var known: [MarksAPI.Known] = []
        try await eventually("\(service) answers") {
            do throws(ServiceError) {
                known = try await client.call(MarksAPI.Exchange(known: []), .test(timeout: .seconds(1))).known
                return true
            } catch {
                return false
            }
        }
        return known
    }
}
