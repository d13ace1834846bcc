import NIOHTTP1

/// Answers one method of one path, in its dialect's envelope whatever happens.
typealias HTTPEndpoint = @Sendable (HTTPRequest) async -> HTTPResponse

/// Decides about one WebSocket path.
typealias SocketEndpoint = @Sendable (HTTPRequest) async -> WebSocketUpgrade

/// A published dialect: its paths and how it refuses what no path handles.
protocol Surface: Sendable {
    var routes: [HTTPRouter<HTTPEndpoint>.Route] { get }
    var sockets: [String: SocketEndpoint] { get }
    /// What the paths begin with for which this surface refuses what nobody handles; the longest one decides. Its own
    /// paths need not be named.
    var prefixes: [String] { get }
    /// What the server itself refuses (an unknown path, a body too large), in this dialect's envelope.
    func answer(to refusal: HTTPRefusal) -> HTTPResponse
}
