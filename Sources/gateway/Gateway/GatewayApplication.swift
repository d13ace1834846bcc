import NIOHTTP1
import Shared

/// Leads each request to the surface its path belongs to, and adds what holds for all of them (CORS).
struct GatewayApplication: HTTPApplication {
    private let router: HTTPRouter<HTTPEndpoint>
    private let sockets: [String: SocketEndpoint]
    private let straySocket: SocketEndpoint
    /// Which surface a path belongs to.
    private let homes: [String: any Surface]
    /// Which surface refuses for the other paths that begin with a text, the longest texts first.
    private let owners: [(prefix: String, surface: any Surface)]
    private let surfaces: [any Surface]
    private let knownAccount: @Sendable (HTTPRequest) -> AccountID?

    /// - Parameters:
    ///   - surfaces: at least one; the first answers for paths that belong to none.
    ///   - others: routes that belong to no surface.
    ///   - straySocket: decides about handshakes on paths that nobody knows.
    ///   - knownAccount: whose token a request carries, as far as it was seen before.
    init(
        _ surfaces: [any Surface], others: [HTTPRouter<HTTPEndpoint>.Route], straySocket: @escaping SocketEndpoint,
        knownAccount: @escaping @Sendable (HTTPRequest) -> AccountID? = { _ in nil }
    ) {
        self.knownAccount = knownAccount
        self.straySocket = straySocket
        self.surfaces = surfaces
        homes = surfaces.reduce(into: [:]) { homes, surface in
            for route in surface.routes { homes[route.pattern] = surface }
        }
        owners = surfaces.flatMap { surface in surface.prefixes.map { ($0, surface) } }
            .sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        router = HTTPRouter(surfaces.flatMap(\.routes) + others)
        sockets = surfaces.reduce(into: [:]) { $0.merge($1.sockets) { first, _ in first } }
    }

    func account(of request: HTTPRequest) -> Int64? { knownAccount(request)?.rawValue }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        if request.isPreflight {
            return HTTPResponse(status: .noContent, headers: Self.preflightHeaders)
        }
        var response: HTTPResponse
        switch router.match(request.method, request.path) {
        case .found(let endpoint, let parameters):
            var request = request
            request.parameters = parameters
            response = await endpoint(request)
        case .notFound:
            response = surface(of: request.path).answer(to: .notFound)
        case .methodNotAllowed(let allowed):
            response = surface(of: request.path).answer(to: .methodNotAllowed(allowed))
        }
        response.headers.add(contentsOf: Self.originHeaders)
        return response
    }

    func refuse(_ refusal: HTTPRefusal, path: String, requestID: String) -> HTTPResponse {
        var response = surface(of: path).answer(to: refusal)
        response.headers.add(contentsOf: Self.originHeaders)
        return response
    }

    func upgrade(_ request: HTTPRequest) async -> WebSocketUpgrade {
        if let endpoint = sockets[request.path] { return await endpoint(request) }
        guard case .notFound = router.match(request.method, request.path) else { return .respond }
        return await straySocket(request)
    }

    private func surface(of path: String) -> any Surface {
        homes[path] ?? owners.first { path.hasPrefix($0.prefix) }?.surface ?? surfaces[0]
    }

    private static let originHeaders: HTTPHeaders = [
        "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "X-Request-Id, Retry-After",
    ]

    private static let preflightHeaders: HTTPHeaders = [
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": "Content-Type, Authorization, Idempotency-Key",
        "Access-Control-Max-Age": "86400",
    ]
}
