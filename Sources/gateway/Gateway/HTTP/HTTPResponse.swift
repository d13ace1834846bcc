import NIOCore
import NIOHTTP1

/// One complete answer.
struct HTTPResponse: Sendable {
    var status: HTTPResponseStatus
    /// The handler's own headers. `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's and
    /// dropped here; a field whose name or value is not valid in HTTP (RFC 9110 section 5) is dropped as well, so
    /// that no text can split a header.
    var headers: HTTPHeaders
    /// Sent with its length; left out of answers to `HEAD` and of 204 and 304.
    var body: ByteBuffer
    /// Told once, on the connection's event loop, what became of the answer. That may be a while after the client has it:
    /// see ``HTTPDeliveries``.
    var onDelivery: (@Sendable (HTTPDelivery) -> Void)?

    init(
        status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer(),
        onDelivery: (@Sendable (HTTPDelivery) -> Void)? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.onDelivery = onDelivery
    }

    /// An answer with a JSON body.
    init(
        status: HTTPResponseStatus, headers: HTTPHeaders = [:], json: JSONWriter,
        onDelivery: (@Sendable (HTTPDelivery) -> Void)? = nil
    ) {
        self.init(status: status, headers: headers, body: json.bytes, onDelivery: onDelivery)
        self.headers.replaceOrAdd(name: "Content-Type", value: "application/json; charset=utf-8")
    }
}
