import Glibc
import NIOCore

/// The server's end of one WebSocket: the only handler of its channel, in both directions (RFC 6455).
///
/// It reads frames with ``WebSocketFrameReader`` and writes frames that are encoded already, so there is no codec in
/// the pipeline that every frame for every recipient would have to pass. Confined to its event loop. Time is looked
/// at by ``sweep(now:)``, which the server calls for all connections together.
final class WebSocketHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case open
        /// The connection ends this way once its owner has said what there is to be said, or time is up; the peer is not
        /// listened to any more.
        case ending(WebSocketEnd, until: NIODeadline)
        /// Our close frame is queued or sent, and the peer's is awaited.
        case awaitingClose(until: NIODeadline)
        /// The peer has nothing more to say, or nothing that could be understood.
        case discarding(until: NIODeadline)
        case gone
    }

    /// Frames up to this size in all are copied into one buffer when they are written together: eight frames then
    /// cost as much as one.
    private static let gatheredBytes = 16 * 1024

    /// Bytes that the channel is given before the kernel has taken some of them. What waits behind them can still be
    /// dropped, so that a slow reader hears soon why its connection ends.
    private static let maxWritingBytes = 64 * 1024

    /// How often and how long an orderly close waits for the peer's acknowledgement, if it does: longer than one may be
    /// delayed on Linux, 0.2 s.
    private static let lingeringStep = TimeAmount.milliseconds(10)
    private static let maxLingeringSteps = 25

    var lingers = false
    var onText: ((ByteBuffer) -> Void)?
    var onBinary: ((ByteBuffer) -> Void)?
    var onClose: ((WebSocketCloseCode?) -> Void)?
    var onEnding: ((WebSocketEnd) -> Void)?
    var overflowCloseCode: WebSocketCloseCode
    var acceptsBinary: Bool {
        get { assembler.acceptsBinary }
        set { assembler.acceptsBinary = newValue }
    }
    var maxMessageBytes: Int {
        get { assembler.maxMessageBytes }
        set {
            reader.maxPayloadBytes = newValue
            assembler.maxMessageBytes = newValue
        }
    }

    private let configuration: WebSocketConfiguration
    private let eventLoop: any EventLoop
    private let flusher: WebSocketFlusher
    private let onGone: (WebSocketHandler) -> Void
    private let shares: WorkShares
    /// What reading and requests are taken from.
    private(set) var share: WorkShare
    /// Whether reading waits for room in the share.
    private(set) var isHeldBack = false
    private var context: ChannelHandlerContext?
    private var socket: ChannelSocket?
    /// Kept alive with the channel, so that callbacks may refer to it weakly; released behind the last callback.
    private var connection: WebSocketConnection?
    private var phase = Phase.open
    private var hasReportedClose = false

    private var reader: WebSocketFrameReader
    private var assembler: WebSocketMessageAssembler
    private var isProcessing = false
    private var isPaused = false
    private var holdsRead = false
    /// Whether the peer has ended its side.
    private var hasInputEnded = false
    private var lastFrame: NIODeadline
    private var lastPing: NIODeadline
    /// Since when a message has been coming in without coming to its end.
    private var incompleteSince: NIODeadline?
    /// What the latest ping said that is not answered yet: the only one that has to be (RFC 6455 section 5.5.3).
    private var pingToAnswer: ByteBuffer?

    /// Frames of this tick, then what the channel has not handed to the kernel yet.
    private var pending: [ByteBuffer] = []
    private var pendingBytes = 0
    /// Bytes queued since the handshake.
    private(set) var queuedBytes: UInt64 = 0
    /// Bytes handed to the kernel since the handshake; not counted any more once something queued was dropped.
    private var writtenBytes: UInt64 = 0
    private var hasDropped = false
    private var lastAcknowledged: UInt64 = 0
    /// Whether the peer has ended its side in order.
    private var hasSaidGoodbye = false
    /// ``deliveredBytes`` in the end.
    private var finallyDelivered: UInt64?
    private var writingFrames = 0
    private var writingBytes = 0
    private var awaitsFlush = false
    private var awaitsWrite = false
    private var closesWhenWritten = false
    private var endsOutputWhenWritten = false
    private var isLingering = false
    private var lingeredSteps = 0
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - owner: whose the connection is, as far as is known.
    ///   - onGone: called when the channel has died.
    init(
        configuration: WebSocketConfiguration, eventLoop: any EventLoop, flusher: WebSocketFlusher,
        shares: WorkShares, owner: WorkShares.Owner, onGone: @escaping (WebSocketHandler) -> Void
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.flusher = flusher
        self.onGone = onGone
        self.shares = shares
        share = shares.join(owner)
        overflowCloseCode = configuration.overflowCloseCode
        reader = WebSocketFrameReader(maxPayloadBytes: configuration.maxMessageBytes)
        assembler = WebSocketMessageAssembler(
            maxMessageBytes: configuration.maxMessageBytes, acceptsBinary: configuration.acceptsBinary)
        lastFrame = eventLoop.now
        lastPing = lastFrame
    }

    var isOpen: Bool {
        switch phase {
        case .open, .ending: true
        case .awaitingClose, .discarding, .gone: false
        }
    }

    /// Whether the peer's side has the answer to the handshake and everything sent behind it; asks the kernel.
    var isEstablished: Bool {
        guard isOpen, let context else { return false }
        return isEverythingWritten(context) && socket?.unacknowledgedBytes == 0
    }

    /// Whether ``deliveredBytes`` will not change any more.
    var isDeliveryFinal: Bool { finallyDelivered != nil }

    /// Of the bytes queued since the handshake, in their order, those that the peer's side has acknowledged.
    var deliveredBytes: UInt64 { finallyDelivered ?? acknowledgedBytes }

    /// As the kernel knows it. When there is nothing to ask any more, what it knew after the peer's goodbye: a connection
    /// that breaks off has left bytes that were acknowledged and not read.
    private var acknowledgedBytes: UInt64 {
        guard let unacknowledged = socket?.unacknowledgedBytes else { return lastAcknowledged }
        let acknowledged = writtenBytes - min(writtenBytes, UInt64(unacknowledged))
        if hasSaidGoodbye { lastAcknowledged = acknowledged }
        return acknowledged
    }

    var queued: (bytes: Int, frames: Int) { (pendingBytes + writingBytes, pending.count + writingFrames) }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        socket = ChannelSocket(context.channel, takesShortcut: configuration.writesPastChannel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        socket = nil
        die()
    }

    func channelInactive(context: ChannelHandlerContext) {
        die()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        inputEnded()
    }

    /// The peer says nothing more, without having said goodbye. Whoever is just being answered is answered first.
    func inputEnded() {
        hasInputEnded = true
        hasSaidGoodbye = true
        // What it has acknowledged is known only until the socket is closed.
        guard isOpen, onEnding != nil, reader.buffer.readableBytes <= configuration.maxHeldBytes else {
            finallyDelivered = deliveredBytes
            return cut()
        }
        endWithInput()
    }

    private func endWithInput() {
        guard hasInputEnded, !isPaused, !isHeldBack, case .open = phase else { return }
        end(with: WebSocketEnd(code: .normal, reason: ""))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Only the socket itself can fail here, and then there is nobody to be told.
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if isPaused || isHeldBack {
            holdsRead = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .open, .awaitingClose:
            let bytes = unwrapInboundIn(data)
            share.use(bytes: bytes.readableBytes)
            reader.append(bytes)
            process()
        case .ending, .discarding, .gone: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        reader.compact()
        context.fireChannelReadComplete()
    }

    /// The end of everything, whatever came before.
    private func die() {
        if case .gone = phase { return }
        finallyDelivered = deliveredBytes
        phase = .gone
        pending = []
        pendingBytes = 0
        reportClose(nil)
        shares.leave(share)
        onGone(self)
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { this.value.connection = nil }
    }

    private func reportClose(_ code: WebSocketCloseCode?) {
        guard !hasReportedClose else { return }
        hasReportedClose = true
        releaseDrainWaiters()
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute {
            let handler = this.value
            let onClose = handler.onClose
            handler.onText = nil
            handler.onBinary = nil
            handler.onClose = nil
            handler.onEnding = nil
            onClose?(code)
        }
    }

    // MARK: Receiving

    private func process() {
        // A callback may lead back here; the outer loop goes on with whatever came.
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        do throws(WebSocketViolation) {
            while !isPaused, receives, mayRead(), let frame = try reader.next() {
                share.use(units: 1)
                lastFrame = eventLoop.now
                let event = try assembler.receive(frame)
                if !assembler.isInsideMessage { incompleteSince = nil }
                handle(event)
            }
        } catch {
            return end(with: WebSocketEnd(code: error.code, reason: error.reason))
        }
        endWithInput()
        if !reader.isInsideFrame, !assembler.isInsideMessage {
            incompleteSince = nil
        } else if incompleteSince == nil {
            incompleteSince = eventLoop.now
        }
    }

    /// Whether more may be looked at now; if not, it goes on when there is room again.
    private func mayRead() -> Bool {
        guard !isHeldBack else { return false }
        guard !share.mayBegin(now: eventLoop.now) else { return true }
        isHeldBack = true
        share.wait { [self] in
            isHeldBack = false
            noteSilenceAnew()
            goOn()
        }
        return false
    }

    /// What is not read cannot be heard, so time starts anew.
    private func noteSilenceAnew() {
        lastFrame = eventLoop.now
        incompleteSince = nil
    }

    /// Takes work from the share of another owner from now on.
    func belongs(to owner: WorkShares.Owner) {
        guard share.owner != owner else { return }
        let joined = shares.join(owner)
        shares.leave(share)
        share = joined
    }

    private var receives: Bool {
        switch phase {
        case .open, .awaitingClose: true
        case .ending, .discarding, .gone: false
        }
    }

    private func handle(_ event: WebSocketMessageAssembler.Event) {
        switch event {
        case .close(let code): answerClose(code)
        // Behind our close frame nothing may follow (section 5.5.1), and nothing matters any more.
        case _ where !isOpen: break
        case .text(let text): onText?(text)
        case .binary(let bytes): onBinary?(bytes)
        case .ping(let payload): answerPing(payload)
        case .pong, .incomplete: break
        }
    }

    func pauseReading() {
        isPaused = true
    }

    func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        noteSilenceAnew()
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { this.value.goOn() }
    }

    private func goOn() {
        process()
        guard !isPaused, !isHeldBack, holdsRead, let context else { return }
        holdsRead = false
        context.read()
    }

    // MARK: Sending

    @discardableResult
    func send(_ frame: WebSocketFrameBytes) -> Bool {
        guard isOpen else { return false }
        let waiting = queued
        guard waiting.frames < configuration.maxQueuedFrames,
            waiting.bytes == 0 || waiting.bytes + frame.bytes.readableBytes <= configuration.maxQueuedBytes
        else {
            pending = []
            pendingBytes = 0
            hasDropped = true
            close(code: overflowCloseCode, reason: "too slow")
            return false
        }
        enqueue(frame.bytes)
        return true
    }

    private func enqueue(_ bytes: ByteBuffer) {
        append(bytes)
        flushSoon()
    }

    private func append(_ bytes: ByteBuffer) {
        pending.append(bytes)
        pendingBytes += bytes.readableBytes
        queuedBytes += UInt64(bytes.readableBytes)
    }

    private func flushSoon() {
        guard !awaitsFlush else { return }
        awaitsFlush = true
        flusher.add(self)
    }

    /// However many pings come before there is room for a pong, the last one is answered.
    private func answerPing(_ payload: ByteBuffer) {
        pingToAnswer = payload
        flushSoon()
    }

    /// Writes the frames of this tick. Called by the ``WebSocketFlusher``.
    ///
    /// A few go straight to the socket while the channel holds nothing back, because the way through it costs a good part of
    /// a short write (decision 0011). What the kernel does not take waits in the channel.
    func flush() {
        awaitsFlush = false
        guard let context, writingBytes < Self.maxWritingBytes else { return }
        if let payload = pingToAnswer {
            pingToAnswer = nil
            append(WebSocketFrameBytes(.pong, payload: payload).bytes)
        }
        guard !pending.isEmpty else { return }
        // Before the first frame it may still hold the answer to the handshake.
        let isChannelEmpty = writingFrames == 0 && (writtenBytes > 0 || isEverythingWritten(context))
        if pendingBytes <= Self.gatheredBytes {
            let frames = pending.count
            writingFrames += frames
            writingBytes += pendingBytes
            var bytes = frames == 1 ? pending[0] : flusher.gather(pending, pendingBytes)
            if isChannelEmpty, let socket { bytes.moveReaderIndex(forwardBy: socket.write(bytes)) }
            pending.removeAll(keepingCapacity: frames <= 16)
            pendingBytes = 0
            if bytes.readableBytes == 0 { return wrote(writingFrames, writingBytes) }
            context.write(wrapOutboundOut(bytes), promise: nil)
        } else {
            writeSome(context)
        }
        context.flush()
        noteWrites()
    }

    /// Gives the channel as many frames as it may have, and at least one.
    private func writeSome(_ context: ChannelHandlerContext) {
        var frames = 0
        while frames < pending.count, writingBytes < Self.maxWritingBytes {
            let bytes = pending[frames]
            frames += 1
            writingBytes += bytes.readableBytes
            pendingBytes -= bytes.readableBytes
            context.write(wrapOutboundOut(bytes), promise: nil)
        }
        writingFrames += frames
        pending.removeFirst(frames)
    }

    /// Takes note of what the kernel has taken: all of it as a rule, and then a promise per write would only cost.
    private func noteWrites() {
        guard !awaitsWrite, writingFrames > 0, let context else { return }
        let (frames, bytes) = (writingFrames, writingBytes)
        if isEverythingWritten(context) { return wrote(frames, bytes) }
        awaitsWrite = true
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            self.awaitsWrite = false
            guard case .success = result else { return }
            self.wrote(frames, bytes)
            self.noteWrites()
        }
        // Behind everything written so far.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    private func isEverythingWritten(_ context: ChannelHandlerContext) -> Bool {
        // A channel that cannot say so any more has ended.
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) == 0
    }

    private func wrote(_ frames: Int, _ bytes: Int) {
        writingFrames -= frames
        writingBytes -= bytes
        if !hasDropped { writtenBytes += UInt64(bytes) }
        closeIfWritten()
        if queued.frames == 0 { releaseDrainWaiters() }
        if !pending.isEmpty { flushSoon() }
    }

    /// Resumes the continuation once nothing is queued, or nothing can be sent any more.
    func whenDrained(_ continuation: CheckedContinuation<Void, Never>) {
        if isOpen, queued.frames > 0 { drainWaiters.append(continuation) } else { continuation.resume() }
    }

    private func releaseDrainWaiters() {
        let waiting = drainWaiters
        drainWaiters = []
        for continuation in waiting { continuation.resume() }
    }

    // MARK: Closing

    func close(code: WebSocketCloseCode, reason: String) {
        guard isOpen else { return }
        pingToAnswer = nil
        if case .ending = phase {
            closeUnheard(WebSocketEnd(code: code, reason: reason))
        } else {
            phase = .awaitingClose(until: closeDeadline)
            enqueue(WebSocketFrameBytes(close: code, reason: reason).bytes)
            reportClose(code)
        }
        // For the peer's close frame, or its end.
        resumeReading()
    }

    /// Ends the connection for a stop of the server: at once, or when its owner is ready.
    func drain() {
        guard isOpen else { return }
        let end = WebSocketEnd.serverStops
        if let onEnding { onEnding(end) } else { close(code: end.code, reason: end.reason) }
    }

    /// The peer's close frame: answered with the same code, then the server ends the connection (section 7.1.1).
    private func answerClose(_ code: WebSocketCloseCode?) {
        // The answer to our close frame comes behind everything that was written.
        if !isOpen { finallyDelivered = writtenBytes }
        hasSaidGoodbye = true
        pingToAnswer = nil
        lastAcknowledged = acknowledgedBytes
        if isOpen {
            enqueue(WebSocketFrameBytes(close: code).bytes)
            reportClose(code)
        }
        phase = .discarding(until: closeDeadline)
        closesWhenWritten = true
        closeIfWritten()
    }

    /// Ends the connection with a peer that is not listened to any more: it broke a rule, or has ended its side. What its
    /// owner still has to say comes first.
    private func end(with end: WebSocketEnd) {
        pingToAnswer = nil
        reader = WebSocketFrameReader(maxPayloadBytes: maxMessageBytes)
        incompleteSince = nil
        guard isOpen else { return closeUnheard(end) }
        phase = .ending(end, until: eventLoop.now + configuration.endingTimeout)
        resumeReading()
        if let onEnding { onEnding(end) } else { close(code: end.code, reason: end.reason) }
    }

    /// Fails the connection (section 7.1.7): says why, ends the sending side, and drops what still comes until the
    /// peer has gone. Closing at once would reset the connection and take the reason with it.
    private func closeUnheard(_ end: WebSocketEnd) {
        let isFirst = isOpen
        phase = .discarding(until: closeDeadline)
        if isFirst {
            enqueue(WebSocketFrameBytes(close: end.code, reason: end.reason).bytes)
            reportClose(end.code)
        }
        // With both sides ended a channel drops what it has not written.
        if hasInputEnded { closesWhenWritten = true } else { endsOutputWhenWritten = true }
        flush()
        closeIfWritten()
    }

    private var closeDeadline: NIODeadline { eventLoop.now + configuration.closeTimeout }

    private func closeIfWritten() {
        guard queued.frames == 0 else { return }
        if endsOutputWhenWritten {
            endsOutputWhenWritten = false
            context?.close(mode: .output, promise: nil)
        }
        guard closesWhenWritten, !isLingering else { return }
        guard lingers, lingeredSteps < Self.maxLingeringSteps, deliveredBytes < writtenBytes else { return cut() }
        isLingering = true
        lingeredSteps += 1
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.lingeringStep) {
            this.value.isLingering = false
            this.value.closeIfWritten()
        }
    }

    /// Ends the connection without a word.
    func cut() {
        context?.close(promise: nil)
    }

    // MARK: Time

    /// Pings, and ends what lasts too long.
    func sweep(now: NIODeadline) {
        switch phase {
        case .open:
            guard !isPaused, !isHeldBack else { return }
            if now - lastFrame >= configuration.silenceLimit {
                close(code: .goingAway, reason: "silent for too long")
            } else if let incompleteSince, now - incompleteSince >= configuration.messageTimeout {
                close(code: .goingAway, reason: "message took too long")
            } else if now - lastPing >= configuration.pingInterval, queued.frames == 0 {
                // With frames still queued the peer does not read, and a ping behind them would only lengthen it.
                lastPing = now
                enqueue(WebSocketFrameBytes(.ping, payload: ByteBuffer()).bytes)
            }
        case .ending(let end, let until):
            if now >= until { close(code: end.code, reason: end.reason) }
        case .awaitingClose(let until), .discarding(let until):
            if now >= until { cut() }
        case .gone: break
        }
    }

    /// Makes the handle for the rest of the process.
    func makeConnection(remoteAddress: String) -> WebSocketConnection {
        let made = WebSocketConnection(self, eventLoop: eventLoop, remoteAddress: remoteAddress)
        connection = made
        return made
    }
}
