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
///
/// A call is encoded where it is made; the frames of all threads wait in one list, and one job of the reactor sends what
/// has gathered there.
package final class BusClient: Sendable {
    private typealias Completion = @Sendable (Result<ArraySlice<UInt8>, ServiceError>) -> Void

    private struct State {
        var pending = PendingCalls<Completion>()
        /// Calls, pending too, whose frames are not on the socket yet.
        var outgoing: [OutgoingCall] = []
        /// When the next look for expired calls is due.
        var nextSweep: MonotonicTime?
        var isClosed = false
        /// Whether only greetings may be sent yet.
        var isHeld: Bool
        /// Whether the service said goodbye and has not been heard again.
        var isAway = false
        /// Whether it still has to be told that nothing more is on its way.
        var owesFarewell = false
        var socket: ZMQSocket?
        /// Why the service refuses everybody, if its last answer said so.
        var objection: String?

        /// The call an answer belongs to, once the answer was looked at.
        mutating func take(_ reply: ReplyEnvelope) -> Completion? {
            if case .failure(let error) = reply.result, let reason = error.outdatedReason {
                objection = reason
            } else if objection != nil {
                objection = nil
            }
            return pending.take(reply.id)
        }

        /// Takes out the calls that were not sent in time: they were certainly not executed, and must not be any more.
        mutating func takeLate(now: MonotonicTime) -> [Completion] {
            let late = outgoing.filter { $0.deadline <= now }
            guard !late.isEmpty else { return [] }
            outgoing.removeAll { $0.deadline <= now }
            return late.compactMap { pending.take($0.id) }
        }
    }

    private struct OutgoingCall {
        let id: UInt64
        let deadline: MonotonicTime
        var frame: [UInt8]
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
    private let marks: KnownMarks
    private let lastID = Atomic<UInt64>(0)
    private let state: Mutex<State>

    /// - Parameters:
    ///   - maxInFlight: calls waiting for an answer; one more is refused at once.
    ///   - marks: what the caller knows of the service, which every call tells it.
    ///   - isHeld: whether nothing but greetings may be sent before ``release()``.
    package init(
        to service: ServiceName, as caller: ServiceName, reactor: BusReactor, maxInFlight: Int = 4_096,
        marks: KnownMarks = KnownMarks(), isHeld: Bool = false, logger: Logger
    ) {
        self.service = service
        self.caller = caller
        self.reactor = reactor
        self.maxInFlight = maxInFlight
        self.marks = marks
        self.logger = logger
        state = Mutex(State(isHeld: isHeld))
    }

    /// Why the service, when it was last heard, refused everybody; `nil` when it did not.
    package var objection: String? { state.withLock { $0.objection } }

    /// Lets everything through from now on. Idempotent.
    package func release() { state.withLock { $0.isHeld = false } }

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
        let (unsent, sent, socket) = state.withLock { state in
            state.isClosed = true
            let unsent = state.outgoing.compactMap { state.pending.take($0.id) }
            state.outgoing = []
            return (unsent, state.pending.removeAll(), state.socket.take())
        }
        for completion in unsent { completion(.failure(ServiceError(.unavailable))) }
        for completion in sent { completion(.failure(ServiceError(.outcomeUnknown))) }
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

    /// Makes a call that does not wait for ``release()``.
    func greet<Request: BusRequest>(
        _ request: Request, _ context: CallContext
    ) async throws(ServiceError) -> Request.Reply {
        let result = await withCheckedContinuation { continuation in
            submit(encode(request, context), isGreeting: true) { result in
                continuation.resume(returning: Self.decode(result, as: Request.self))
            }
        }
        return try result.get()
    }

    /// Makes a call; `completion` runs exactly once, on the bus thread, the caller's or that of ``close()``, and must not
    /// block.
    package func send<Request: BusRequest>(
        _ request: Request, _ context: CallContext,
        completion: @escaping @Sendable (Result<Request.Reply, ServiceError>) -> Void
    ) {
        submit(encode(request, context)) { result in completion(Self.decode(result, as: Request.self)) }
    }

    private func encode<Request: BusRequest>(_ request: Request, _ context: CallContext) -> OutgoingCall {
        let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
        let head = RequestHead(id: id, caller: caller, route: Request.route, trace: context.trace)
        return OutgoingCall(id: id, deadline: context.deadline, frame: head.frame { request.write(to: &$0) })
    }

    private static func decode<Request: BusRequest>(
        _ result: Result<ArraySlice<UInt8>, ServiceError>, as _: Request.Type
    ) -> Result<Request.Reply, ServiceError> {
        switch result {
        case .success(let payload):
            do throws(WireError) {
                return .success(try Request.Reply(wireBytes: payload))
            } catch {
                return .failure(ServiceError(.internal, detail: "\(Request.route): \(error)"))
            }
        case .failure(let error): return .failure(error)
        }
    }

    private func submit(_ call: OutgoingCall, isGreeting: Bool = false, completion: @escaping Completion) {
        let isLate = call.deadline.hasPassed
        let (isAdmitted, isFirst) = state.withLock { state in
            guard !isLate, !state.isClosed, isGreeting || !state.isHeld, state.pending.count < maxInFlight else {
                return (false, false)
            }
            state.pending.add(completion, id: call.id, deadline: call.deadline)
            state.outgoing.append(call)
            return (true, state.outgoing.count == 1)
        }
        guard isAdmitted else { return completion(.failure(ServiceError(.unavailable))) }
        if isFirst { reactor.execute { [self] loop in sendOutgoing(loop) } }
    }

    private func sendOutgoing(_ loop: ReactorLoop) {
        let now = MonotonicTime.now
        let (socket, late, calls) = state.withLock { state in
            let late = state.takeLate(now: now)
            defer { state.outgoing = [] }
            return (state.isAway ? nil : state.socket, late, state.outgoing)
        }
        for completion in late { completion(.failure(ServiceError(.unavailable))) }
        transmit(calls, on: socket)
        scheduleSweepIfNeeded(loop)
        sayFarewellIfDone()
    }

    private func transmit(_ calls: consuming [OutgoingCall], on socket: ZMQSocket?) {
        guard !calls.isEmpty else { return }
        var departure = RequestHead.Departure()
        departure.sentAt = .now
        departure.seen = marks.mark(of: service)
        for index in calls.indices {
            let remaining = calls[index].deadline.milliseconds(after: departure.sentAt)
            departure.remainingMilliseconds = UInt32(clamping: remaining)
            RequestHead.set(departure, in: &calls[index].frame)
        }
        Envelope.sendTogether(calls, \.frame) { frame, calls in transmit(frame, with: calls, on: socket) }
    }

    private func transmit(_ frame: [UInt8], with calls: ArraySlice<OutgoingCall>, on socket: ZMQSocket?) {
        do throws(ZMQError) {
            if let socket, try socket.send(frame) { return }
        } catch {
            logger.warning("a call could not be sent", metadata: ["to": "\(service)", "error": "\(error)"])
        }
        for call in calls { state.withLock { $0.pending.take(call.id) }?(.failure(ServiceError(.unavailable))) }
    }

    private func receive(_ frames: [[UInt8]], _ loop: ReactorLoop) {
        do throws(WireError) {
            guard frames.count == 1 else { throw WireError("\(frames.count) frames") }
            if frames[0] == Envelope.goodbye { return withdraw(loop) }
            try Envelope.forEachFrame(in: frames[0]) { frame throws(WireError) in
                let reply = try ReplyEnvelope(frame)
                // An answer to a call that is no longer waited for is dropped: its caller has been told "unknown".
                state.withLock { $0.take(reply) }?(reply.result)
            }
        } catch {
            logger.warning("an unreadable reply was dropped", metadata: ["from": "\(service)", "error": "\(error)"])
        }
        sayFarewellIfDone()
    }

    // MARK: - Deadlines

    private func scheduleSweepIfNeeded(_ loop: ReactorLoop) {
        let isNeeded = state.withLock { state in
            guard let expiry = state.pending.nextExpiry else { return false }
            return state.nextSweep.map { expiry < $0 } ?? true
        }
        if isNeeded { scheduleSweep(loop) }
    }

    private func scheduleSweep(_ loop: ReactorLoop) {
        let due = state.withLock { state in
            state.nextSweep = state.pending.nextExpiry
            return state.nextSweep
        }
        guard let due else { return }
        loop.schedule(at: due) { [self] loop in
            let expired = state.withLock { state -> (unsent: [Completion], sent: [Completion])? in
                // An earlier deadline came after this was scheduled: its own sweep has taken over.
                guard state.nextSweep == due else { return nil }
                let now = MonotonicTime.now
                return (state.takeLate(now: now), state.pending.expire(now: now))
            }
            guard let expired else { return }
            for completion in expired.unsent { completion(.failure(ServiceError(.unavailable))) }
            for completion in expired.sent { completion(.failure(ServiceError(.outcomeUnknown))) }
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
        _ = try? socket?.send(Envelope.farewell)
    }

    private func scheduleProbe(_ loop: ReactorLoop) {
        loop.schedule(at: .after(Self.probeInterval)) { [self] loop in
            let context = CallContext(trace: "", deadline: .after(Self.probeTimeout))
            let probe = encode(EventLogAPI.Read(after: 0, limit: 0), context)
            let (isAdmitted, socket) = state.withLock { state -> (Bool, ZMQSocket?) in
                guard !state.isClosed else { return (false, nil) }
                state.pending.add({ [self] in follow($0) }, id: probe.id, deadline: probe.deadline)
                return (true, state.socket)
            }
            guard isAdmitted else { return }
            transmit([probe], on: socket)
            scheduleSweepIfNeeded(loop)
        }
    }

    /// Calls again as soon as a probe was answered; one that was refused, or not answered in time, is followed by another.
    private func follow(_ probe: Result<ArraySlice<UInt8>, ServiceError>) {
        if case .failure = probe {
            reactor.execute { [self] loop in scheduleProbe(loop) }
        } else {
            state.withLock { $0.isAway = false }
        }
    }
}
