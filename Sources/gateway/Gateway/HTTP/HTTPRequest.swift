import NIOCore
import NIOHTTP1

/// One complete request: head and body have arrived and are within the limits of ``HTTPServerConfiguration``.
struct HTTPRequest: Sendable {
    /// The caller's `X-Request-Id` when it is 1 to 64 characters of `[A-Za-z0-9._-]`, else 16 random hex digits.
    /// Safe to put into logs and headers.
    var id: String
    /// As sent. The server itself refuses only methods that the HTTP grammar does not know.
    var method: HTTPMethod
    /// As in ``HTTPTarget/path``.
    var path: String
    /// The parameters behind the question mark.
    var query: HTTPQuery
    /// As sent; names are compared without regard to case.
    var headers: HTTPHeaders
    /// The whole body with any chunking removed; empty when there is none. Any method may have one.
    var body: ByteBuffer
    /// Address of the peer of the connection, without port; `unix` on a Unix socket. Forwarding headers are not
    /// looked at.
    var remoteAddress: String
    /// Whether the peer is a proxy of ours, whose word about the client counts
    /// (``HTTPServerConfiguration/trustedProxies``).
    var isFromTrustedProxy = false
    /// Values of the `{name}` segments of the route, once ``HTTPRouter`` has found one.
    var parameters: [String: String] = [:]
}

extension HTTPRequest {
    /// Whether the client speaks TLS, as a trusted proxy before this process says in `X-Forwarded-Proto`; `nil` when none
    /// says anything. The first of several entries is the one closest to the client.
    var isSecure: Bool? {
        guard isFromTrustedProxy else { return nil }
        return headers[canonicalForm: "X-Forwarded-Proto"].first.map { ["https", "wss"].contains($0.lowercased()) }
    }
}

/// What asks for a path: a request, or the head of one.
protocol HTTPAsking {
    var method: HTTPMethod { get }
    var headers: HTTPHeaders { get }
}

extension HTTPRequest: HTTPAsking {}
extension HTTPRequestHead: HTTPAsking {}

extension HTTPAsking {
    /// Whether a browser asks what a page of another origin may do (CORS), before it does it.
    var isPreflight: Bool { method == .OPTIONS && headers.contains(name: "Access-Control-Request-Method") }
}
