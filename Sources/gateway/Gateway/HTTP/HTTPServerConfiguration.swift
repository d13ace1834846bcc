import NIOCore
import Shared

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
    /// Those of one network, beyond which it is answered 503; a quarter of all unless configured.
    var maxConnectionsPerNetwork: Int?
    /// Whether connections from an address count for its network: not those of a proxy, which are its clients'.
    var countsNetwork: @Sendable (_ address: String) -> Bool = { _ in true }
    /// Connections beyond these limits that are kept just long enough to be told so. With as many, further ones of a
    /// network that has its share are closed without a word; once ``maxConnections`` are open too, nothing is accepted.
    var maxRefusedConnections = 128
    /// Files the process needs beside the server's connections, which are never used for one.
    var keptFiles = 0
    /// How many files the process may have open, as the system says now.
    var openFileLimit: @Sendable () -> Int = { OpenFiles.limit }
    /// How long nothing is accepted after the system had no file for a connection.
    var acceptRetryInterval: TimeAmount = .seconds(1)
    /// How long a connection that was answered before its request was read stays half-open. Closing at once would
    /// reset it and destroy the answer on its way (RFC 9112 section 9.6).
    var lingerTimeout: TimeAmount = .seconds(2)
    /// How long a connection has to stand behind an answer that its client's side has acknowledged before the answer counts as
    /// taken; see ``HTTPDeliveries``.
    var deliveryGrace: TimeAmount = .seconds(1)
    /// Proxies whose word about the client counts.
    var trustedProxies = TrustedProxies.loopback
    /// How often deadlines are looked at. Every time limit, here and in ``webSocket``, is this much inexact.
    var sweepInterval: TimeAmount = .seconds(1)
    /// Length of the kernel's queue of connections not yet accepted.
    var backlog = 4096
    /// The limits of upgraded connections.
    var webSocket = WebSocketConfiguration()
}

extension HTTPServerConfiguration {
    /// The places there are now: as many as are configured, and no more than the process may open files for.
    var places: ConnectionPlaces.Limits {
        let files = max(0, openFileLimit() - keptFiles)
        let refused = min(maxRefusedConnections, files / 4)
        let served = min(maxConnections, files - refused)
        return ConnectionPlaces.Limits(
            served: served, perNetwork: maxConnectionsPerNetwork ?? max(1, served / 4), refused: refused)
    }
}
