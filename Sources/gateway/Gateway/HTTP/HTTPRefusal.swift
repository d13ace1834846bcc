import NIOHTTP1

/// Why a request is answered without a handler. ``HTTPApplication/refuse(_:path:requestID:)`` dresses it in the
/// envelope of the dialect that owns the path.
enum HTTPRefusal: Sendable, Equatable {
    /// The bytes are not an HTTP/1 request, or not an unambiguous one: framing, target, `Host`, handshake headers.
    case malformedRequest
    /// The body is coded in another way than `chunked` alone.
    case unknownTransferCoding
    /// Request line and headers exceed ``HTTPServerConfiguration/maxHeadBytes``.
    case headTooLarge
    /// The body exceeds ``HTTPServerConfiguration/maxBodyBytes``.
    case bodyTooLarge
    /// Head or body did not arrive in time.
    case requestTimeout
    /// No route has this path. Said by the application after asking its router.
    case notFound
    /// The path has no route for this method. Said by the application, and by the server, with an empty list, for a
    /// method nobody has heard of.
    case methodNotAllowed([HTTPMethod])
    /// ``HTTPServerConfiguration/maxConnections`` are open.
    case tooManyConnections
    /// Too many answers wait for clients that do not read.
    case overloaded
    /// A WebSocket handshake of a version other than 13, or a WebSocket path asked without a handshake (the latter
    /// is for the application to say).
    case upgradeRequired
    /// The server is stopping and takes no new request.
    case draining

    /// The status that belongs to the refusal. A dialect may answer another one.
    var status: HTTPResponseStatus {
        switch self {
        case .malformedRequest: .badRequest
        case .unknownTransferCoding: .notImplemented
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .bodyTooLarge: .payloadTooLarge
        case .requestTimeout: .requestTimeout
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .tooManyConnections, .overloaded, .draining: .serviceUnavailable
        case .upgradeRequired: .upgradeRequired
        }
    }

    /// Headers HTTP demands with the status: `Allow` with 405 (RFC 9110 section 15.5.6), `Upgrade` with 426
    /// (15.5.22), the version with a refused handshake (RFC 6455 section 4.4). Added by the server where the
    /// application set no such header itself.
    var requiredHeaders: HTTPHeaders {
        switch self {
        case .methodNotAllowed(let allowed):
            ["Allow": (allowed.isEmpty ? Self.usualMethods : allowed).map(\.rawValue).joined(separator: ", ")]
        case .upgradeRequired: ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"]
        case .tooManyConnections, .overloaded, .draining: ["Retry-After": "1"]
        default: [:]
        }
    }

    private static let usualMethods: [HTTPMethod] = [.GET, .HEAD, .POST, .PUT, .PATCH, .DELETE, .OPTIONS]
}

extension HTTPHeaders {
    /// Adds those that are not there yet.
    mutating func addMissing(_ headers: HTTPHeaders) {
        for (name, value) in headers where !contains(name: name) { add(name: name, value: value) }
    }
}
