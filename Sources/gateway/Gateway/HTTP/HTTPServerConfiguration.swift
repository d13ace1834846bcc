import NIOCore

/// The limits of an ``HTTPServer``. Everything a client can make grow or last is bounded by one of these.
struct HTTPServerConfiguration: Sendable {
    /// Largest body; beyond it 413 is answered before the rest is read, and the connection closes.
    var maxBodyBytes = 2 * 1024 * 1024
    /// Largest request line with headers; beyond it 431.
    var maxHeadBytes = 16 * 1024
    /// Time for a head, from the first byte of it (of a new connection: from its start); after it 408.
    var headTimeout: TimeAmount = .seconds(10)
    /// Time for a body, from the end of the head; after it 408.
    var bodyTimeout: TimeAmount = .seconds(30)
    /// How long a connection may stay open between two requests; also the time a client has to take an answer.
    var idleTimeout: TimeAmount = .seconds(75)
    /// Connections open at once, WebSockets included; each further one is answered 503 and closed.
    var maxConnections = 10_000
    /// Bytes of answers that may wait for their clients, over all connections; one more answer becomes a 503.
    var maxUnwrittenBytes = 256 * 1024 * 1024
    /// Connections beyond ``maxConnections`` that are kept just long enough to be told so; further ones are closed
    /// without a word.
    var maxRefusedConnections = 128
    /// How long a connection that was answered before its request was read stays half-open. Closing at once would
    /// reset it and destroy the answer on its way (RFC 9112 section 9.6).
    var lingerTimeout: TimeAmount = .seconds(2)
    /// How often deadlines are looked at. Every time limit, here and in ``webSocket``, is this much inexact.
    var sweepInterval: TimeAmount = .seconds(1)
    /// Length of the kernel's queue of connections not yet accepted.
    var backlog = 4096
    /// The limits of upgraded connections.
    var webSocket = WebSocketConfiguration()
}
