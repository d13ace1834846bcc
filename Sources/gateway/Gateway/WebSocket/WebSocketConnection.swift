import NIOCore

/// One open WebSocket as the rest of the process sees it.
///
/// Confined to the event loop of its channel: every use from elsewhere is a programmer error and traps. The reference
/// itself may be stored and passed anywhere, so that a task that runs on the loop can answer on it.
///
/// Callbacks are released when the connection ends, so they may hold whatever holds the connection.
final class WebSocketConnection: Sendable {
    let eventLoop: any EventLoop
    /// Address of the peer, without port; `unix` on a Unix socket.
    let remoteAddress: String
    private let bound: NIOLoopBound<WebSocketHandler>

    init(_ handler: WebSocketHandler, eventLoop: any EventLoop, remoteAddress: String) {
        self.eventLoop = eventLoop
        self.remoteAddress = remoteAddress
        bound = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    private var handler: WebSocketHandler { bound.value }

    // MARK: Receiving

    /// Called for every text message, in order, with well-formed UTF-8 of at most ``maxMessageBytes``. Not called any
    /// more once the connection is closing.
    var onText: ((ByteBuffer) -> Void)? {
        get { handler.onText }
        set { handler.onText = newValue }
    }

    /// Called for every binary message if ``acceptsBinary``.
    var onBinary: ((ByteBuffer) -> Void)? {
        get { handler.onBinary }
        set { handler.onBinary = newValue }
    }

    /// Called exactly once, as soon as the connection is of no more use: a close was asked for by either side, a
    /// rule was broken, a limit reached, or the channel died. Always in a tick of its own, never from inside
    /// ``send(_:)`` or ``close(code:reason:)``.
    ///
    /// The code is the one that was sent, or received if the peer was first; `nil` if there was none.
    var onClose: ((WebSocketCloseCode?) -> Void)? {
        get { handler.onClose }
        set { handler.onClose = newValue }
    }

    /// Called when the connection is to end: the server stops (and again if it is told to stop again), the peer broke a
    /// rule, or it has ended its side. Whoever sets it closes the connection with the end it is given as soon as nothing is
    /// under way on it; nothing more is delivered meanwhile, but at a stop. One left open is closed after
    /// ``WebSocketConfiguration/endingTimeout``, at a stop cut at its limit. Without it the connection is closed at once.
    var onEnding: ((WebSocketEnd) -> Void)? {
        get { handler.onEnding }
        set { handler.onEnding = newValue }
    }

    /// Whether binary messages are delivered; otherwise they close the connection with 1003.
    var acceptsBinary: Bool {
        get { handler.acceptsBinary }
        set { handler.acceptsBinary = newValue }
    }

    /// Largest message, over all its fragments; beyond it the connection closes with 1009. At first
    /// ``WebSocketConfiguration/maxMessageBytes``.
    var maxMessageBytes: Int {
        get { handler.maxMessageBytes }
        set { handler.maxMessageBytes = newValue }
    }

    /// Stops delivering messages and reading from the socket, so that the peer feels the pressure through TCP.
    /// Pings are not answered meanwhile, and the peer's silence is not held against it.
    func pauseReading() {
        handler.pauseReading()
    }

    /// Goes on after ``pauseReading()``; what has arrived already is delivered in a later tick. Closing does it too.
    func resumeReading() {
        handler.resumeReading()
    }

    /// Takes the work that this connection makes from an account's share from now on; at first it is that of whoever the
    /// handshake came from.
    func belongs(to account: Int64) { handler.belongs(to: .account(account)) }

    /// Counts a request of the peer as under way. Every call is followed by one ``endRequest()``.
    func beginRequest() { handler.share.count() }

    func endRequest() { handler.share.end() }

    // MARK: Sending

    /// Whether messages can still be sent.
    var isOpen: Bool { handler.isOpen }

    /// Bytes and frames that the peer has not taken yet.
    var queued: (bytes: Int, frames: Int) { handler.queued }

    /// Whether a connection that its client closes stays until it is known what the client's side has, for a moment.
    var lingers: Bool {
        get { handler.lingers }
        set { handler.lingers = newValue }
    }

    /// Bytes queued since the handshake, frames of control included.
    var queuedBytes: UInt64 { handler.queuedBytes }

    /// Of ``queuedBytes``, in their order, those that have reached the peer's side; asks the kernel. What is missing when
    /// the connection has ended may never have arrived.
    var deliveredBytes: UInt64 { handler.deliveredBytes }

    /// Whether the peer's side has the answer to the handshake and everything sent behind it; asks the kernel.
    var isEstablished: Bool { handler.isEstablished }

    /// Whether ``deliveredBytes`` will not change any more.
    var isDeliveryFinal: Bool { handler.isDeliveryFinal }

    /// How the connection is closed when its queue is full.
    var overflowCloseCode: WebSocketCloseCode {
        get { handler.overflowCloseCode }
        set { handler.overflowCloseCode = newValue }
    }

    /// Queues a frame; all frames of one tick are written together at its end.
    ///
    /// - Returns: `false` if the connection is closing, or if its queue is full. In the latter case what the kernel
    ///   has not taken is dropped and the connection closes with ``overflowCloseCode``. A single frame that finds the
    ///   queue empty is accepted whatever its size.
    @discardableResult
    func send(_ frame: WebSocketFrameBytes) -> Bool {
        handler.send(frame)
    }

    /// Waits until the kernel has taken everything that is queued, or the connection is closing.
    ///
    /// Whoever has more to send than the queue holds sends a part, waits, and goes on. The caller's actor must run on
    /// the connection's event loop.
    func drained(isolation: isolated (any Actor)? = #isolation) async {
        await withCheckedContinuation { handler.whenDrained($0) }
    }

    /// Starts the closing handshake behind what is queued (RFC 6455 section 7.1.2). Without an answer the connection
    /// is cut after ``WebSocketConfiguration/closeTimeout``. Does nothing if it is closing already.
    func close(code: WebSocketCloseCode, reason: String = "") {
        handler.close(code: code, reason: reason)
    }

    /// ``close(code:reason:)`` with an end that has a name.
    func close(_ end: WebSocketEnd) { close(code: end.code, reason: end.reason) }
}
