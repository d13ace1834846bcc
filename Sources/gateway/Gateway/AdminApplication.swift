import NIOCore
import NIOHTTP1

/// The admin listener: is the process alive, can it serve, and what does it hold?
struct AdminApplication: HTTPApplication {
    /// One thing the gateway needs, and whether it is there.
    struct Condition: Sendable {
        let name: String
        let isMet: @Sendable () async -> Bool
        /// Why it is not there, if that is known; asked afterwards.
        var reason: @Sendable () -> String? = { nil }
    }

    let conditions: [Condition]
    let metrics: @Sendable () async -> [Metric]

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard request.method == .GET || request.method == .HEAD else {
            return refuse(.methodNotAllowed([.GET]), path: request.path, requestID: request.id)
        }
        switch request.path {
        case "/healthz": return answer(.ok) { $0.field("alive", true) }
        case "/readyz": return await readiness()
        case "/metrics": return await exposition()
        default: return refuse(.notFound, path: request.path, requestID: request.id)
        }
    }

    func refuse(_ refusal: HTTPRefusal, path: String, requestID: String) -> HTTPResponse {
        var response = answer(refusal.status) { $0.field("error", refusal.status.reasonPhrase) }
        response.headers.addMissing(refusal.requiredHeaders)
        return response
    }

    func upgrade(_ request: HTTPRequest) async -> WebSocketUpgrade { .respond }

    /// 200 when every condition is met, else 503; the body names each of them, and under `reasons` why one is not.
    private func readiness() async -> HTTPResponse {
        var states: [(name: String, isMet: Bool)] = []
        var reasons: [(name: String, reason: String)] = []
        for condition in conditions {
            let isMet = await condition.isMet()
            states.append((condition.name, isMet))
            if !isMet, let reason = condition.reason() { reasons.append((condition.name, reason)) }
        }
        return answer(states.allSatisfy(\.isMet) ? .ok : .serviceUnavailable) { json in
            for (name, isMet) in states { json.field(name, isMet) }
            guard !reasons.isEmpty else { return }
            json.object("reasons") { json in for (name, reason) in reasons { json.field(name, reason) } }
        }
    }

    /// Everything measured, in Prometheus's text format.
    private func exposition() async -> HTTPResponse {
        HTTPResponse(
            status: .ok, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"],
            body: ByteBuffer(string: await metrics().map(\.text).joined()))
    }

    private func answer(_ status: HTTPResponseStatus, _ fields: (inout JSONWriter) -> Void) -> HTTPResponse {
        var json = JSONWriter()
        json.object(fields)
        return HTTPResponse(status: status, json: json)
    }
}
