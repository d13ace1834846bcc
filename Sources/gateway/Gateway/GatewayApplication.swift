import NIOHTTP1
import Shared

/// Leads each request to the surface its path belongs to, and adds what holds for all of them (CORS).
struct GatewayApplication: HTTPApplication {
    private let router: HTTPRouter<HTTPEndpoint>
    private let sockets: [String: SocketEndpoint]
    /// Which surface refuses for a path; unknown paths are the first one's.
    private let surfaces: [any Surface]
    private let owners: [String: Int]

    /// - Parameter surfaces: at least one; the first answers for paths that belong to none.
    init(_ surfaces: [any Surface], media: MediaEndpoint) {
        self.surfaces = surfaces
        var owners: [String: Int] = [:]
        for (index, surface) in surfaces.enumerated() {
            for path in surface.routes.map(\.pattern) + surface.sockets.keys { owners[path] = index }
        }
        self.owners = owners
        router = HTTPRouter(surfaces.flatMap(\.routes) + media.routes)
        sockets = surfaces.reduce(into: [:]) { $0.merge($1.sockets) { first, _ in first } }
    }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        if request.method == .OPTIONS, request.headers.contains(name: "Access-Control-Request-Method") {
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
        guard let endpoint = sockets[request.path] else { return .respond }
        return await endpoint(request)
    }

    private func surface(of path: String) -> any Surface { surfaces[owners[path] ?? 0] }

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
