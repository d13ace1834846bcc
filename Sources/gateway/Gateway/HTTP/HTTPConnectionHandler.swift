import Logging
import NIOCore
import NIOHTTP1
import Shared

/// One HTTP/1 connection: collects requests, lets the application answer them one after the other, writes the answers.
///
/// Lives on the connection's event loop. While a request is being answered nothing more is read from the socket, and
/// requests that came along with it (pipelining) wait: at most what one round of reading brings. Deadlines are looked
/// at by ``sweep(now:)`` rather than by a timer per request.
///
/// A client that ends its sending side gets the answers to what it has asked, and then the connection ends. It cannot be
/// told from one that is gone: whether an answer has arrived, the client's acknowledgement says (``HTTPDeliveries``).
final class HTTPConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// A request whose head has arrived.
    struct Exchange {
        var request: HTTPRequest
        let head: HTTPRequestHead
        var keepsAlive: Bool
        var isHandshake = false
    }

    enum Phase {
        /// Before the end of the next head.
        case awaitingHead
        case readingBody(Exchange)
        /// The application works on it.
        case responding
        /// The last answer is written; what still comes is dropped until the client goes or time is up.
        case lingering(until: NIODeadline)
        /// The connection is a WebSocket now, or gone.
        case finished
    }

    /// What arrived while the connection was busy.
    private enum Event {
        case part(HTTPServerRequestPart)
        case refused(HTTPRefusal, path: String?)
    }

    /// Bytes that may wait while the connection is busy. It is not read then, but what a client has sent that ends its side
    /// comes at once. A head counts for what it takes in memory.
    private static let maxWaitingBytes = 1 << 20
    private static let headBytes = 512

    let server: HTTPServerState
    let meter: HTTPWireMeter
    /// Its place among the server's connections, until it is a WebSocket's.
    private(set) var place: ConnectionPlaces.Place?
    private(set) var phase = Phase.awaitingHead
    private(set) var context: ChannelHandlerContext?
    private var waiting = CircularBuffer<Event>(initialCapacity: 0)
    private var waitingBytes = 0
    /// The body so far, beside the phase: inside it, every part would copy all that came before.
    private var body = ByteBuffer()
    private var holdsRead = false
    /// What its work is taken from: its network's until it is known who asks, and none once it has ended.
    var share: WorkShare?
    /// The token of the account whose share it is.
    var ownersToken: String?
    /// Whether reading waits for room in the share.
    var isHeldBack = false
    /// Since when the present phase lasts.
    private var phaseStart: NIODeadline
    private var hasServed = false
    /// The path of the last request; what cannot be read behind it is likely to be for the same dialect.
    private var lastPath = ""
    /// Whether the client has ended its sending side.
    private(set) var hasEnded = false
    /// Whether no answer follows any more.
    private(set) var hasLastAnswer = false
    var deliveries = HTTPDeliveries()
    var nextLook: Scheduled<Void>?

    init(server: HTTPServerState, meter: HTTPWireMeter, place: ConnectionPlaces.Place) {
        self.server = server
        self.meter = meter
        self.place = place
        phaseStart = server.eventLoop.now
    }

    /// Address of the client, without port; `unix` on a Unix socket. The kernel is asked once.
    private(set) lazy var remoteAddress = context?.remoteAddress?.ipAddress ?? "unix"
    private lazy var isFromTrustedProxy = server.configuration.trustedProxies.contains(remoteAddress)

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        share = server.shares.join(.network(Network.name(of: remoteAddress)))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // What was held back belongs to whoever reads next.
        if holdsRead { context.read() }
        leaveShare()
        nextLook?.cancel()
        deliveries.abandon()
        self.context = nil
        server.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        enter(.finished)
        dropWaiting()
        body = ByteBuffer()
        nextLook?.cancel()
        deliveries.abandon()
        server.remove(self)
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        // Nor while requests wait for a client that does not take its answers.
        if isBusy || !mayRead() {
            holdsRead = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .end = part { meter.messageEnded() }
        if isBusy {
            if case .head = part { share?.use(units: WorkShares.unitsPerWaitingRequest) }
            wait(.part(part))
        } else {
            if case .head = part { settleBeforeRequest() }
            receive(part)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        hasEnded = true
        settleBeforeEnd()
        endIfIdle()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard context.channel.isActive else { return }
        guard let error = error as? HTTPParserError else {
            lookWhatArrived(takenBy: .distantFuture)
            server.logger.debug("connection failed", metadata: ["error": "\(error)"])
            return context.close(promise: nil)
        }
        // At the end of the stream the decoder complains about what is missing.
        let refusal: HTTPRefusal =
            switch error {
            case .headerOverflow: .headTooLarge
            case .invalidMethod where meter.hasWholeRequestLine: .methodNotAllowed([])
            default: .malformedRequest
            }
        let path = meter.path
        if isBusy { wait(.refused(refusal, path: path)) } else { refuseUnread(refusal, path: path) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeWaiting()
        endIfIdle()
        readAgain()
        context.fireChannelWritabilityChanged()
    }

    private var isBusy: Bool {
        if case .responding = phase { return true }
        return !waiting.isEmpty
    }

    /// Leaves the place to the WebSocket that the connection has become.
    func givePlace() { place = nil }

    private func wait(_ event: Event) {
        switch event {
        case .part(.head(let head)): waitingBytes += Self.headBytes + head.uri.utf8.count
        case .part(.body(let bytes)): waitingBytes += bytes.readableBytes
        case .part(.end), .refused: break
        }
        guard waitingBytes <= Self.maxWaitingBytes else {
            // Certainly not done.
            if case .refused(.overloaded, _)? = waiting.last { return }
            return waiting.append(.refused(.overloaded, path: nil))
        }
        waiting.append(event)
    }

    private func dropWaiting() {
        waiting.removeAll()
        waitingBytes = 0
    }

    func enter(_ phase: Phase) {
        self.phase = phase
        phaseStart = server.eventLoop.now
    }

    // MARK: Requests

    private func receive(_ part: HTTPServerRequestPart) {
        switch (part, phase) {
        case (.head(let head), .awaitingHead): receiveHead(head)
        case (.body(var bytes), .readingBody(let exchange)):
            share?.use(bytes: bytes.readableBytes)
            if body.readableBytes == 0 { body = bytes } else { body.writeBuffer(&bytes) }
            checkBody(exchange)
        case (.end, .readingBody(var exchange)):
            exchange.request.body = body
            body = ByteBuffer()
            start(exchange)
        default: break  // The rest of a request that was refused before its end.
        }
    }

    private func receiveHead(_ head: HTTPRequestHead) {
        let id = HTTPRequestID.choose(head.headers.first(name: HTTPRequestID.header))
        let target: HTTPTarget
        do throws(HTTPTargetError) {
            // What a page may do on a path does not depend on whether the path can be understood.
            target = try head.isPreflight ? HTTPTarget(preflight: head.uri) : HTTPTarget(head.uri)
        } catch {
            return refuse(.malformedRequest, path: error.path, requestID: id)
        }
        lastPath = target.path
        if let refusal = refusal(of: head) { return refuse(refusal, path: target.path, requestID: id) }

        let request = HTTPRequest(
            id: id, method: head.method, path: target.path, query: target.query, headers: head.headers,
            body: ByteBuffer(), remoteAddress: remoteAddress, isFromTrustedProxy: isFromTrustedProxy)
        findOwner(of: request)
        // The decoder reads nothing more behind a request that asks for another protocol, so that ends the connection.
        let endsDecoding = HTTPUpgradeRequest.isUpgrade(head)
        var exchange = Exchange(request: request, head: head, keepsAlive: head.isKeepAlive && !endsDecoding)
        if endsDecoding, HTTPUpgradeRequest.namesWebSocket(head) {
            if let refusal = HTTPUpgradeRequest.handshakeRefusal(head) {
                return refuse(refusal, path: target.path, requestID: id)
            }
            exchange.isHandshake = true
        }
        enter(.readingBody(exchange))
        let expectations = head.headers[canonicalForm: "expect"]
        if head.version != .http1_0, expectations.contains(where: { $0.lowercased() == "100-continue" }) {
            // RFC 9110 section 10.1.1. One that was sent needlessly does no harm, so the body is not waited for.
            write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"), promise: nil)
            context?.flush()
        }
    }

    private func refusal(of head: HTTPRequestHead) -> HTTPRefusal? {
        if place?.isServed == false { return .tooManyConnections }
        if server.isDraining { return .draining }
        return head.refusal(maxBodyBytes: server.configuration.maxBodyBytes)
    }

    private func checkBody(_ exchange: Exchange) {
        let limit = server.configuration.maxBodyBytes
        if body.readableBytes > limit {
            refuse(.bodyTooLarge, path: exchange.request.path, requestID: exchange.request.id)
        } else if meter.bytesSinceMessage > 2 * limit + server.configuration.maxHeadBytes + 65_536 {
            // More framing than content: chunk extensions or tiny chunks without end.
            refuse(.malformedRequest, path: exchange.request.path, requestID: exchange.request.id)
        }
    }

    private func start(_ exchange: Exchange) {
        enter(.responding)
        hasServed = true
        // Without one it has ended.
        guard let share else { return close() }
        share.begin { [self] in
            // Whoever has gone while the request waited is not worked for.
            guard case .responding = phase else { return share.end() }
            work(on: exchange, share)
        }
    }

    private func work(on exchange: Exchange, _ share: WorkShare) {
        let this = NIOLoopBound((handler: self, share: share), eventLoop: server.eventLoop)
        let application = server.application
        Task(executorPreference: server.executor) {
            if exchange.isHandshake, case .accept(let accept) = await application.upgrade(exchange.request) {
                this.value.share.end()
                return this.value.handler.completeHandshake(exchange, accept)
            }
            let response = await application.respond(to: exchange.request)
            this.value.share.use(bytes: response.body.readableBytes)
            this.value.share.end()
            this.value.handler.finish(exchange, with: response)
        }
    }

    private func finish(_ exchange: Exchange, with response: HTTPResponse) {
        guard case .responding = phase else {
            response.onDelivery?(.lost)
            return
        }
        // What was done is told whatever happens; only large answers of reads, which may be repeated, are held back.
        let isLarge =
            exchange.request.method == .GET && response.body.readableBytes > HTTPResponseEncoder.copiedBodyBytes
        guard
            !isLarge
                || server.unwrittenBytes + response.body.readableBytes <= server.configuration.maxUnwrittenBytes
        else {
            response.onDelivery?(.lost)
            return refuse(.overloaded, path: exchange.request.path, requestID: exchange.request.id)
        }
        let keepsAlive = exchange.keepsAlive && !server.isDraining && !(hasEnded && waiting.isEmpty)
        let framing = HTTPResponseEncoder.Framing(
            requestID: exchange.request.id, isHead: exchange.request.method == .HEAD, closes: !keepsAlive,
            isHTTP10: exchange.head.version == .http1_0)
        if keepsAlive {
            enter(.awaitingHead)
            send(response, framing)
            takeWaiting()
            endIfIdle()
            readAgain()
        } else {
            // The request was read to its end, but the client may have sent more behind it.
            lastAnswer(response, framing)
        }
    }

    /// Goes on with what arrived meanwhile: up to the next complete request, and not before the client takes answers.
    private func takeWaiting() {
        while let context, context.channel.isWritable, !waiting.isEmpty {
            if case .responding = phase { return }
            switch waiting.removeFirst() {
            case .part(let part): receive(part)
            case .refused(let refusal, let path): refuseUnread(refusal, path: path)
            }
            if waiting.isEmpty { waitingBytes = 0 }
        }
    }

    func readAgain() {
        guard holdsRead, !isBusy, !isHeldBack, let context else { return }
        holdsRead = false
        context.read()
    }

    // MARK: Answers

    /// Refuses what the decoder could not read.
    ///
    /// - Parameter path: as the first bytes of the message told it.
    private func refuseUnread(_ refusal: HTTPRefusal, path: String?) {
        if case .readingBody(let exchange) = phase {
            refuse(refusal, path: exchange.request.path, requestID: exchange.request.id)
        } else {
            refuse(refusal, path: path ?? lastPath)
        }
    }

    /// Answers instead of the application and closes: behind a request that was not read to its end nothing can be
    /// found.
    func refuse(_ refusal: HTTPRefusal, path: String, requestID: String = HTTPRequestID.random()) {
        if case .finished = phase { return }
        if case .lingering = phase { return }
        server.logger.debug("request refused", metadata: ["request.id": "\(requestID)", "refusal": "\(refusal)"])
        var response = server.application.refuse(refusal, path: path, requestID: requestID)
        response.headers.addMissing(refusal.requiredHeaders)
        lastAnswer(response, HTTPResponseEncoder.Framing(requestID: requestID, closes: true))
    }

    /// Writes an answer, ends the sending side and waits for the client to go (RFC 9112 section 9.6).
    private func lastAnswer(_ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing) {
        // A large answer may take its time; what follows it may not.
        enter(.lingering(until: server.eventLoop.now + server.configuration.idleTimeout))
        hasLastAnswer = true
        dropWaiting()
        body = ByteBuffer()
        send(response, framing) {
            if self.deliveries.isEmpty { self.endSending() }
        }
        readAgain()
    }

    /// Ends the sending side behind the last answer. Not before it is known what became of the answers: a client that has
    /// ended its own side before could not say any more that it goes without having read them.
    private func endSending() {
        guard case .lingering = phase else { return }
        // When both sides have ended the channel drops what it has not written.
        guard !hasEnded else { return closeBehindAnswers() }
        enter(.lingering(until: server.eventLoop.now + server.configuration.lingerTimeout))
        context?.close(mode: .output, promise: nil)
    }

    /// It is known what became of every answer.
    func deliveriesSettled() {
        endSending()
        endIfIdle()
    }

    /// Ends the connection of a client that has ended its side, once it has been given everything.
    private func endIfIdle() {
        guard hasEnded, waiting.isEmpty, deliveries.isEmpty, case .awaitingHead = phase else { return }
        closeBehindAnswers()
    }

    /// Ends the connection once everything is written.
    private func closeBehindAnswers() {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        // Whether it could be written makes no difference any more.
        written.futureResult.assumeIsolated().whenComplete { _ in self.close() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    private func send(
        _ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing, onWritten: (() -> Void)? = nil
    ) {
        guard let context else {
            response.onDelivery?(.lost)
            return
        }
        // A client that wanted the head alone is given nothing of what is to be handed over.
        if framing.isHead { response.onDelivery?(.lost) }
        let isFollowed = response.onDelivery != nil && !framing.isHead
        if isFollowed, let onDelivery = response.onDelivery { deliveries.add(onDelivery) }
        var promise: EventLoopPromise<Void>?
        let (head, body) = server.encoder.encode(response, framing)
        let size = body?.readableBytes ?? 0
        if isFollowed || onWritten != nil || size > 0 {
            let written = context.eventLoop.makePromise(of: Void.self)
            server.unwrittenBytes += size
            written.futureResult.assumeIsolated().whenComplete { [server] result in
                server.unwrittenBytes -= size
                guard case .success = result else { return }
                if isFollowed { self.noteWritten() }
                onWritten?()
            }
            promise = written
        }
        if let body {
            write(head, promise: nil)
            write(body, promise: promise)
        } else {
            write(head, promise: promise)
        }
        context.flush()
    }

    func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    // MARK: Time and shutdown

    /// Ends what lasts too long.
    func sweep(now: NIODeadline) {
        let limits = server.configuration
        switch phase {
        case .awaitingHead:
            if let start = meter.firstByteTime ?? (hasServed ? nil : phaseStart) {
                // One that is only to be told that it is too many does not keep others from being told.
                let limit = place?.isServed == false ? limits.lingerTimeout : limits.headTimeout
                guard now - start >= limit else { return }
                // A connection that never sent a byte has asked nothing, so there is nothing to answer.
                if meter.firstByteTime == nil { return close() }
                refuse(.requestTimeout, path: meter.path ?? lastPath)
            } else if now - phaseStart >= limits.idleTimeout {
                close()
            }
        case .readingBody(let exchange):
            guard now - phaseStart >= limits.bodyTimeout else { return }
            refuse(.requestTimeout, path: exchange.request.path, requestID: exchange.request.id)
        case .lingering(let until):
            if now >= until { close() }
        case .responding, .finished: break
        }
    }

    /// Ends the connection if it is idle. A request under way is answered first, with `Connection: close`.
    func drain() {
        if case .awaitingHead = phase, meter.bytesSinceMessage == 0, waiting.isEmpty { closeBehindAnswers() }
    }

    func close() {
        settleAtClose()
        context?.close(promise: nil)
    }
}
