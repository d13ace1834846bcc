import NIOCore

/// The limits of a ``WebSocketConnection``.
struct WebSocketConfiguration: Sendable {
    /// Largest message, over all its fragments, unless the connection has a limit of its own; beyond it the connection
    /// closes with 1009.
    var maxMessageBytes = 256 * 1024
    /// Bytes that may wait for a slow reader; see ``overflowCloseCode``.
    var maxQueuedBytes = 1024 * 1024
    /// Frames that may wait for a slow reader.
    var maxQueuedFrames = 4096
    /// Bytes of requests that may wait when their client has ended its side while it was not read; beyond it the connection
    /// is cut.
    var maxHeldBytes = 1024 * 1024
    /// Whether short writes go straight to the socket (decision 0011).
    var writesPastChannel = true
    /// How a reader too slow for the two limits above is closed.
    var overflowCloseCode = WebSocketCloseCode.tryAgainLater
    /// How often the server pings.
    var pingInterval: TimeAmount = .seconds(30)
    /// How long the peer may be silent, pongs included; after it the connection closes with 1001.
    var silenceLimit: TimeAmount = .seconds(90)
    /// How long a message may take from its first byte to its last; after it the connection closes with 1001.
    var messageTimeout: TimeAmount = .seconds(30)
    /// How long what was asked before the peer broke a rule, or ended its side, may take to be answered before the close.
    var endingTimeout: TimeAmount = .seconds(8)
    /// How long a closing handshake may take; after it the connection is cut.
    var closeTimeout: TimeAmount = .seconds(5)
    /// Whether binary messages are delivered; otherwise they close the connection with 1003.
    var acceptsBinary = false
}
