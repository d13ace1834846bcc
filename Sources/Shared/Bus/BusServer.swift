package import Logging
import Synchronization

/// Answers a service's requests over a ROUTER socket. Every request gets an answer: unknown routes, undecodable payloads,
/// strangers, overload and expiry too.
///
/// A server that drains tells its callers so and waits until each has parted: a request that is still on its way when a
/// socket closes would vanish, and its caller would have to call the outcome unknown.
package final class BusServer: Sendable {
    private enum Phase {
        case serving
        case draining
        case drained
    }

    /// A connection, and the socket it belongs to.
    private struct Caller: Hashable {
        let socket: ZMQSocket
        let id: [UInt8]

        static func == (one: Self, other: Self) -> Bool { one.id == other.id && one.socket === other.socket }

        func hash(into hasher: inout Hasher) { hasher.combine(id) }
    }

    private struct State {
        var phase = Phase.serving
        var inFlight = 0
        /// Answers that are not on their socket yet; their requests count as in flight.
        var outgoing: [Caller: [[UInt8]]] = [:]
        /// Who may have a request on its way.
        var callers: Set<Caller> = []
        var isWaitingForPartings = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }

    /// Connections remembered; beyond that all are forgotten, and those in use come back with their next request.
    private static let maxCallers = 1_000
    /// Time that callers have to part once nothing is in flight: a paused one must not hold up the stop.
    private static let partingLimit = Duration.milliseconds(500)

    private let routes: [String: BusRoutes.Route]
    private let reactor: BusReactor
    private let maxInFlight: Int
    private let logger: Logger
    private let objection: @Sendable (Mark) -> ServiceError?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maxInFlight: requests being worked on; one more is refused as ``ServiceError/Code/unavailable``.
    ///   - objection: why a request is refused whose caller has seen this service at a mark; `nil` to take it.
    package init(
        routes: BusRoutes, reactor: BusReactor, maxInFlight: Int = 4_096, logger: Logger,
        objection: @escaping @Sendable (Mark) -> ServiceError? = { _ in nil }
    ) {
        self.routes = routes.routes
        self.reactor = reactor
        self.maxInFlight = maxInFlight
        self.logger = logger
        self.objection = objection
    }

    /// Starts to answer at an endpoint.
    ///
    /// The caller holds the lock of the service's data folder: ZeroMQ would let a second process take over the path of a
    /// bound `ipc` socket without an error.
    package func bind(to endpoint: BusEndpoint, security: BusSecurity) async throws {
        try await reactor.perform { [self] loop in
            let socket = try ZMQSocket(.router, context: reactor.context)
            try security.bind(socket, to: endpoint)
            let sharesClock = endpoint.isOnThisHost
            loop.watch(socket) { [self] loop, frames in
                receive(frames, on: socket, sharesClock: sharesClock, loop)
            }
            loop.keepBound(socket, to: endpoint, security: security, logger: logger)
        }
    }

    /// Refuses new requests and returns when those in flight are answered and the callers have parted, or when `limit`
    /// has passed. Idempotent.
    package func drain(within limit: Duration) async {
        let timer = Task {
            // Cancelled when everything was answered in time, which is no failure.
            try? await Task.sleep(for: limit)
            finishDraining()
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.phase != .drained { state.drained.append(continuation) }
                return state.phase == .drained
            }
            guard !isOver else { return continuation.resume() }
            reactor.execute { [self] loop in
                let callers = state.withLock { state in
                    if state.phase == .serving { state.phase = .draining }
                    return state.callers
                }
                for caller in callers { sayGoodbye(to: caller) }
                finishDrainingIfDone(loop)
            }
        }
        timer.cancel()
    }

    private func finishDraining() {
        let waiting = state.withLock { state in
            state.phase = .drained
            defer { state.drained = [] }
            return state.drained
        }
        for continuation in waiting { continuation.resume() }
    }

    private func finishDrainingIfDone(_ loop: ReactorLoop) {
        let (isDone, mustSetTimer) = state.withLock { state in
            guard state.phase == .draining, state.inFlight == 0 else { return (false, false) }
            guard !state.callers.isEmpty else { return (true, false) }
            defer { state.isWaitingForPartings = true }
            return (false, !state.isWaitingForPartings)
        }
        if isDone { finishDraining() }
        if mustSetTimer { loop.schedule(at: .after(Self.partingLimit)) { [self] _ in finishDraining() } }
    }

    private func sayGoodbye(to caller: Caller) {
        // A caller that is gone, or reads nothing, will not part.
        if (try? caller.socket.send(caller.id, Envelope.goodbye)) != true {
            state.withLock { _ = $0.callers.remove(caller) }
        }
    }

    private func part(_ caller: Caller, _ loop: ReactorLoop) {
        state.withLock { _ = $0.callers.remove(caller) }
        finishDrainingIfDone(loop)
    }

    private func receive(_ frames: [[UInt8]], on socket: ZMQSocket, sharesClock: Bool, _ loop: ReactorLoop) {
        do throws(WireError) {
            guard frames.count == 2 else { throw WireError("\(frames.count) frames") }
            let caller = Caller(socket: socket, id: frames[0])
            if frames[1] == Envelope.farewell { return part(caller, loop) }
            let now = MonotonicTime.now
            try Envelope.forEachFrame(in: frames[1]) { frame throws(WireError) in
                try receive(frame, from: caller, now: now, sharesClock: sharesClock)
            }
        } catch {
            logger.warning("an unreadable frame was dropped", metadata: ["error": "\(error)"])
        }
    }

    private func receive(
        _ frame: ArraySlice<UInt8>, from caller: Caller, now: MonotonicTime, sharesClock: Bool
    ) throws(WireError) {
        guard let id = RequestEnvelope.id(of: frame) else { throw WireError("no request") }
        let reply: BusRoutes.Reply = { [self] frame in submit(frame, to: caller) }
        let (isAdmitted, missedGoodbye) = state.withLock { state in
            if state.callers.count >= Self.maxCallers { state.callers = [] }
            let isNew = state.callers.insert(caller).inserted
            guard state.phase == .serving else { return (false, isNew) }
            guard state.inFlight < maxInFlight else { return (false, false) }
            state.inFlight += 1
            return (true, false)
        }
        if missedGoodbye { sayGoodbye(to: caller) }
        guard isAdmitted else { return transmit(ReplyEnvelope.failure(id, ServiceError(.unavailable)), to: caller) }
        do throws(ServiceError) {
            let envelope = try decode(frame)
            let head = envelope.head
            if let objection = objection(head.departure.seen) { throw objection }
            guard let route = routes[head.route] else { throw ServiceError(.badRequest, detail: "unknown route") }
            guard route.peers.contains(head.caller) else {
                throw ServiceError(.badRequest, detail: "\(head.route) is not for \(head.caller)")
            }
            // Work that nobody waits for any more is not begun.
            let deadline = head.departure.deadline(now: now, sharesClock: sharesClock)
            guard deadline > now else { throw ServiceError(.unavailable, detail: "expired") }
            let call = BusCall(caller: head.caller, trace: head.trace, deadline: deadline)
            route.handler(envelope.payload, call, id, reply)
        } catch {
            if error.code == .badRequest {
                logger.warning("a bus request was refused", metadata: ["reason": "\(error.detail)"])
            }
            reply(ReplyEnvelope.failure(id, error))
        }
    }

    private func decode(_ frame: ArraySlice<UInt8>) throws(ServiceError) -> RequestEnvelope {
        do throws(WireError) {
            return try RequestEnvelope(frame)
        } catch {
            throw ServiceError(.badRequest, detail: "\(error)")
        }
    }

    /// Hands an answer to the reactor; those that gather until its turn go together.
    private func submit(_ frame: [UInt8], to caller: Caller) {
        let isFirst = state.withLock { state in
            defer { state.outgoing[caller, default: []].append(frame) }
            return state.outgoing.isEmpty
        }
        if isFirst { reactor.execute { [self] loop in sendOutgoing(loop) } }
    }

    private func sendOutgoing(_ loop: ReactorLoop) {
        let outgoing = state.withLock { state in
            defer { state.outgoing = [:] }
            return state.outgoing
        }
        for (caller, frames) in outgoing {
            Envelope.sendTogether(frames, \.self) { frame, _ in transmit(frame, to: caller) }
        }
        state.withLock { $0.inFlight -= outgoing.values.reduce(0) { $0 + $1.count } }
        finishDrainingIfDone(loop)
    }

    private func transmit(_ bytes: [UInt8], to caller: Caller) {
        do throws(ZMQError) {
            if try caller.socket.send(caller.id, bytes) { return }
            logger.warning("a reply was dropped: the peer does not read")
        } catch {
            if error.isMessageTooLong, let reply = try? ReplyEnvelope(bytes[...]) {
                logger.error("an answer was too long for the bus", metadata: ["bytes": "\(bytes.count)"])
                return transmit(ReplyEnvelope.failure(reply.id, ServiceError(.internal)), to: caller)
            }
            // The caller is gone; its deadline or its restart has told its clients already.
            logger.debug("a reply had no receiver", metadata: ["error": "\(error)"])
        }
    }
}
