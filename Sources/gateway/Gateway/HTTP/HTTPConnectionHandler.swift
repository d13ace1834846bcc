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
/// The end of the client's stream counts as its departure, even if it only shut down its sending side. Otherwise a
/// client that is gone looks like one that still listens, and ``HTTPResponse/afterWrite`` would report an answer that
/// nobody can receive.
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
        case refused(HTTPRefusal, path: String)
    }

    let server: HTTPServerState
    let meter: HTTPWireMeter
    /// Its place among the server's connections, until it is a WebSocket's.
    private(set) var place: ConnectionPlaces.Place?
    private(set) var phase = Phase.awaitingHead
    private(set) var context: ChannelHandlerContext?
    private var waiting = CircularBuffer<Event>(initialCapacity: 0)
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

    init(server: HTTPServerState, meter: HTTPWireMeter, place: ConnectionPlaces.Place) {
        self.server = server
        self.meter = meter
        self.place = place
        phaseStart = server.eventLoop.now
    }

    /// Address of the client, without port; `unix` on a Unix socket. The kernel is asked once.
    private(set) lazy var remoteAddress = context?.remoteAddress?.ipAddress ?? "unix"

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        share = server.shares.join(.network(Network.name(of: remoteAddress)))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // What was held back belongs to whoever reads next.
        if holdsRead { context.read() }
        leaveShare()
        self.context = nil
        server.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        enter(.finished)
        waiting.removeAll()
        body = ByteBuffer()
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
            waiting.append(.part(part))
        } else {
            receive(part)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // At the end of the stream the decoder complains about what is missing; there is nobody left to be told.
        guard context.channel.isActive else { return }
        guard let error = error as? HTTPParserError else {
            server.logger.debug("connection failed", metadata: ["error": "\(error)"])
            return context.close(promise: nil)
        }
        var refusal = error == .headerOverflow ? HTTPRefusal.headTooLarge : .malformedRequest
        var path = ""
        if error == .invalidMethod, let known = meter.pathOfUnknownMethod() {
            refusal = .methodNotAllowed([])
            path = known
        }
        if isBusy {
            waiting.append(.refused(refusal, path: path))
        } else {
            refuse(refusal, path: path)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeWaiting()
        readAgain()
        context.fireChannelWritabilityChanged()
    }

    private var isBusy: Bool {
        if case .responding = phase { return true }
        return !waiting.isEmpty
    }

    /// Leaves the place to the WebSocket that the connection has become.
    func givePlace() { place = nil }

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
        do {
            target = try HTTPTarget(head.uri)
        } catch {
            return refuse(.malformedRequest, path: "", requestID: id)
        }
        if let refusal = refusal(of: head) { return refuse(refusal, path: target.path, requestID: id) }

        let request = HTTPRequest(
            id: id, method: head.method, path: target.path, query: target.query, headers: head.headers,
            body: ByteBuffer(), remoteAddress: remoteAddress)
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

    /// What is wrong with a head that could be decoded.
    private func refusal(of head: HTTPRequestHead) -> HTTPRefusal? {
        if place?.isServed == false { return .tooManyConnections }
        if server.isDraining { return .draining }
        let hosts = head.headers["Host"]
        // RFC 9112 section 3.2: exactly one.
        guard hosts.count == 1 || (hosts.isEmpty && head.version == .http1_0) else { return .malformedRequest }
        // RFC 9112 section 6.1: chunks from HTTP/1.0 are a sign of broken framing.
        if head.version == .http1_0, head.headers.contains(name: "Transfer-Encoding") { return .malformedRequest }
        if let length = head.headers.first(name: "Content-Length") {
            // The decoder has checked that it is a number; one that does not fit is too large whatever it is.
            guard let length = Int(length), length <= server.configuration.maxBodyBytes else { return .bodyTooLarge }
        }
        return nil
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
            response.afterWrite?(false)
            return
        }
        // What was done is told whatever happens; only large answers of reads, which may be repeated, are held back.
        let isLarge =
            exchange.request.method == .GET && response.body.readableBytes > HTTPResponseEncoder.copiedBodyBytes
        guard
            !isLarge
                || server.unwrittenBytes + response.body.readableBytes <= server.configuration.maxUnwrittenBytes
        else {
            response.afterWrite?(false)
            return refuse(.overloaded, path: exchange.request.path, requestID: exchange.request.id)
        }
        let keepsAlive = exchange.keepsAlive && !server.isDraining
        let framing = HTTPResponseEncoder.Framing(
            requestID: exchange.request.id, isHead: exchange.request.method == .HEAD, closes: !keepsAlive,
            isHTTP10: exchange.head.version == .http1_0)
        if keepsAlive {
            enter(.awaitingHead)
            send(response, framing)
            takeWaiting()
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
            case .refused(let refusal, let path): refuse(refusal, path: path)
            }
        }
    }

    func readAgain() {
        guard holdsRead, !isBusy, !isHeldBack, let context else { return }
        holdsRead = false
        context.read()
    }

    // MARK: Answers

    /// Answers instead of the application and closes: behind a request that was not read to its end nothing can be
    /// found.
    func refuse(_ refusal: HTTPRefusal, path: String, requestID: String = HTTPRequestID.random()) {
        if case .finished = phase { return }
        if case .lingering = phase { return }
        server.logger.debug("request refused", metadata: ["request.id": "\(requestID)", "refusal": "\(refusal)"])
        var response = server.application.refuse(refusal, path: path, requestID: requestID)
        for (name, value) in refusal.requiredHeaders where !response.headers.contains(name: name) {
            response.headers.add(name: name, value: value)
        }
        lastAnswer(response, HTTPResponseEncoder.Framing(requestID: requestID, closes: true))
    }

    /// Writes an answer, ends the sending side and waits for the client to go (RFC 9112 section 9.6).
    private func lastAnswer(_ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing) {
        // A large answer may take its time; what follows it may not.
        enter(.lingering(until: server.eventLoop.now + server.configuration.idleTimeout))
        waiting.removeAll()
        body = ByteBuffer()
        send(response, framing) {
            guard case .lingering = self.phase else { return }
            self.enter(.lingering(until: self.server.eventLoop.now + self.server.configuration.lingerTimeout))
        }
        context?.close(mode: .output, promise: nil)
        readAgain()
    }

    private func send(
        _ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing, onWritten: (() -> Void)? = nil
    ) {
        guard let context else {
            response.afterWrite?(false)
            return
        }
        var promise: EventLoopPromise<Void>?
        let (head, body) = server.encoder.encode(response, framing)
        let size = body?.readableBytes ?? 0
        if response.afterWrite != nil || onWritten != nil || size > 0 {
            let written = context.eventLoop.makePromise(of: Void.self)
            server.unwrittenBytes += size
            written.futureResult.assumeIsolated().whenComplete { [server] result in
                server.unwrittenBytes -= size
                if case .success = result { onWritten?() }
                // A client that wanted the head alone was given nothing of what was to be handed over.
                // Which error it was makes no difference.
                let isComplete = !framing.isHead && (try? result.get()) != nil
                response.afterWrite?(isComplete)
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
                refuse(.requestTimeout, path: "")
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
        if case .awaitingHead = phase, meter.bytesSinceMessage == 0, waiting.isEmpty { close() }
    }

    func close() {
        context?.close(promise: nil)
    }
}
