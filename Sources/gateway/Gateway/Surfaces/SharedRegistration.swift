import NIOCore
import NIOHTTP1

/// Registrations on the path that two dialects share, told apart by the field `username`, which one of them has.
struct SharedRegistration: Sendable {
    let socket: HTTPEndpoint
    let rest: HTTPEndpoint

    var routes: [HTTPRouter<HTTPEndpoint>.Route] {
        let endpoint: HTTPEndpoint = { request in
            await (await Self.hasUserName(request.body) ? socket : rest)(request)
        }
        return ["/register", "/api/register"].map { HTTPRouter.Route(.POST, $0, endpoint) }
    }

    /// A body that is no JSON is for the dialect to refuse.
    private static func hasUserName(_ body: ByteBuffer) async -> Bool {
        await JSONBody.parse(body)?["username"] != nil
    }
}
