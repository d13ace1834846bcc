/// What stands behind an ``HTTPServer``: everything that knows paths and envelopes.
///
/// All functions are called on the server's event loop, or, the asynchronous ones, in a task that prefers it.
/// They must not block. Nothing cancels the task of a request when its client goes away: a started write is finished.
protocol HTTPApplication: Sendable {
    /// Answers one request.
    func respond(to request: HTTPRequest) async -> HTTPResponse

    /// The account that asks, as far as that is known without asking anybody; work is shared between accounts.
    func account(of request: HTTPRequest) -> Int64?

    /// Dresses a refusal of the server in the envelope of the dialect that owns `path`.
    ///
    /// - Parameter path: as in ``HTTPRequest/path``, or empty when the request never told one.
    func refuse(_ refusal: HTTPRefusal, path: String, requestID: String) -> HTTPResponse

    /// Decides about a well-formed WebSocket handshake.
    func upgrade(_ request: HTTPRequest) async -> WebSocketUpgrade
}

extension HTTPApplication {
    /// Nobody has an account.
    func account(of request: HTTPRequest) -> Int64? { nil }
}

/// The decision about a WebSocket handshake.
enum WebSocketUpgrade: Sendable {
    /// Answer 101. The closure runs on the connection's event loop before the first frame is delivered, which is the
    /// moment to set ``WebSocketConnection/onText`` and ``WebSocketConnection/onClose``. It does not run if the
    /// client has gone in the meantime.
    case accept(@Sendable (WebSocketConnection) -> Void)
    /// Treat it as a plain request: ``HTTPApplication/respond(to:)`` is asked, and the connection closes afterwards.
    case respond
}
