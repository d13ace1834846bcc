package import Logging
import Synchronization

/// Why and until when a call is made.
package struct CallContext: Sendable {
    /// The request id that joins the log lines of all processes.
    package var trace: String
    package var deadline: MonotonicTime

    /// The end-to-end time of a request unless configured otherwise.
    package static let defaultTimeout = Duration.seconds(5)

    package init(trace: String, deadline: MonotonicTime = .after(CallContext.defaultTimeout)) {
        self.trace = trace
        self.deadline = deadline
    }
}

/// Calls one service over the bus: pipelined, bounded, each call answered by a reply, a refusal or its deadline.
package final class BusClient: Sendable {
    private typealias Completion = @Sendable (Result<ArraySlice<UInt8>, ServiceError>) -> Void

    private struct State {
        var pending = PendingCalls<Completion>()
        /// Calls handed to the reactor that are not on the socket yet.
        var queued = 0
        /// When the next look for expired calls is due.
        var nextSweep: MonotonicTime?
        var isClosed = false
        /// Whether the service said goodbye and has not been heard again.
        var isAway = false
        /// Whether it still has to be told that nothing more is on its way.
        var owesFarewell = false
        var socket: ZMQSocket?
    }

    /// Pause between two looks whether a service that said goodbye is back.
    private static let probeInterval = Duration.milliseconds(50)
    /// Time such a look has.
    private static let probeTimeout = Duration.milliseconds(200)

    package let service: ServiceName
    private let caller: ServiceName
    private let reactor: BusReactor
    private let maxInFlight: Int
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maxInFlight: calls waiting for an answer; one more is refused at once.
    package init(
        to service: ServiceName, as caller: ServiceName, reactor: BusReactor, maxInFlight: Int = 4_096, logger: Logger
    ) {
        self.service = service
        self.caller = caller
        self.reactor = reactor
        self.maxInFlight = maxInFlight
        self.logger = logger
    }

    /// Connects to every instance of the service; they share the calls. Peers that are not up yet are found later.
    package func connect(to endpoints: [BusEndpoint], security: BusSecurity) async throws {
        try await reactor.perform { [self] loop in
            let socket = try ZMQSocket(.dealer, context: reactor.context)
            for endpoint in endpoints { try security.connect(socket, to: endpoint) }
            loop.watch(socket) { [self] loop, frames in receive(frames, loop) }
            state.withLock { $0.socket = socket }
        }
    }

    /// Fails what is waiting and refuses what comes later. Idempotent.
    package func close() {
        let (abandoned, socket) = state.withLock { state in
            state.isClosed = true
            return (state.pending.removeAll(), state.socket.take())
        }
        for completion in abandoned { completion(.failure(ServiceError(.outcomeUnknown))) }
        if let socket { reactor.execute { loop in loop.close(socket) } }
    }

    /// Makes a call and waits for its answer.
    ///
    /// - Throws: the service's refusal; ``ServiceError/Code/unavailable`` when the request certainly was not executed;
    ///   ``ServiceError/Code/outcomeUnknown`` when it was sent and no answer came before the deadline.
    package func call<Request: BusRequest>(
        _ request: Request, _ context: CallContext
    ) async throws(ServiceError) -> Request.Reply {
        let result = await withCheckedContinuation { continuation in
            send(request, context) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Makes a call; `completion` runs exactly once, on the bus thread or the caller's, and must not block.
    package func send<Request: BusRequest>(
        _ request: Request, _ context: CallContext,
        completion: @escaping @Sendable (Result<Request.Reply, ServiceError>) -> Void
    ) {
        let isAdmitted = state.withLock { state in
            guard !state.isClosed, state.pending.count + state.queued < maxInFlight else { return false }
            state.queued += 1
            return true
        }
        guard isAdmitted else { return completion(.failure(ServiceError(.unavailable))) }
        reactor.execute { [self] loop in
            let isAway = state.withLock { state in
                state.queued -= 1
                return state.isAway
            }
            guard !isAway else { return completion(.failure(ServiceError(.unavailable))) }
            transmit(request, context, loop) { result in
                completion(
                    result.flatMap { payload in
                        do throws(WireError) {
                            return .success(try Request.Reply(wireBytes: payload))
                        } catch {
                            return .failure(ServiceError(.internal, detail: "\(Request.route): \(error)"))
                        }
                    })
            }
        }
    }

    private func transmit<Request: BusRequest>(
        _ request: Request, _ context: CallContext, _ loop: ReactorLoop, completion: @escaping Completion
    ) {
        let (socket, id, mustSweep) = state.withLock { state -> (ZMQSocket?, UInt64, Bool) in
            guard let socket = state.socket, !context.deadline.hasPassed else { return (nil, 0, false) }
            let id = state.pending.add(completion, deadline: context.deadline)
            let expiry = state.pending.nextExpiry ?? context.deadline
            return (socket, id, state.nextSweep.map { expiry < $0 } ?? true)
        }
        guard let socket else { return completion(.failure(ServiceError(.unavailable))) }
        if mustSweep { scheduleSweep(loop) }
        let envelope = RequestEnvelope(
            id: id, caller: caller, remainingMilliseconds: UInt32(clamping: context.deadline.millisecondsFromNow),
            route: Request.route, trace: context.trace, payload: request.wireBytes[...])
        do throws(ZMQError) {
            if try socket.send(envelope.bytes) { return }
        } catch {
            logger.warning("a call could not be sent", metadata: ["to": "\(service)", "error": "\(error)"])
        }
        state.withLock { $0.pending.take(id) }?(.failure(ServiceError(.unavailable)))
    }

    private func receive(_ frames: [[UInt8]], _ loop: ReactorLoop) {
        do throws(WireError) {
            guard frames.count == 1 else { throw WireError("\(frames.count) frames") }
            if frames[0] == Envelope.signal(.goodbye) { return withdraw(loop) }
            let reply = try ReplyEnvelope(frames[0])
            // An answer to a call that is no longer waited for is dropped: its caller has been told "unknown".
            state.withLock { $0.pending.take(reply.id) }?(reply.result)
            sayFarewellIfDone()
        } catch {
            logger.warning("an unreadable reply was dropped", metadata: ["from": "\(service)", "error": "\(error)"])
        }
    }

    private func scheduleSweep(_ loop: ReactorLoop) {
        let due = state.withLock { state in
            state.nextSweep = state.pending.nextExpiry
            return state.nextSweep
        }
        guard let due else { return }
        loop.schedule(at: due) { [self] loop in
            let expired = state.withLock { state -> [Completion]? in
                // An earlier deadline came after this was scheduled: its own sweep has taken over.
                guard state.nextSweep == due else { return nil }
                return state.pending.expire(now: .now)
            }
            guard let expired else { return }
            for completion in expired { completion(.failure(ServiceError(.outcomeUnknown))) }
            sayFarewellIfDone()
            scheduleSweep(loop)
        }
    }

    // MARK: - A service that stops

    /// Calls nothing more until the service, or the process that takes its place, answers again.
    private func withdraw(_ loop: ReactorLoop) {
        let isNews = state.withLock { state in
            defer { state.isAway = true }
            state.owesFarewell = true
            return !state.isAway
        }
        sayFarewellIfDone()
        if isNews { scheduleProbe(loop) }
    }

    /// The service waits for this before it closes: no call is on its way any more, and no answer.
    private func sayFarewellIfDone() {
        let socket = state.withLock { state -> ZMQSocket? in
            guard state.owesFarewell, state.pending.count == 0 else { return nil }
            state.owesFarewell = false
            return state.socket
        }
        // If it cannot be sent, the service has gone without waiting.
        _ = try? socket?.send(Envelope.signal(.farewell))
    }

    private func scheduleProbe(_ loop: ReactorLoop) {
        loop.schedule(at: .after(Self.probeInterval)) { [self] loop in
            guard !state.withLock({ $0.isClosed }) else { return }
            let context = CallContext(trace: "", deadline: .after(Self.probeTimeout))
            transmit(EventLogAPI.Read(after: 0, limit: 0), context, loop) { [self] result in
                if case .failure = result {
                    reactor.execute { [self] loop in scheduleProbe(loop) }
                } else {
                    state.withLock { $0.isAway = false }
                }
            }
        }
    }
}
