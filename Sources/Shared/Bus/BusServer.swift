package import Logging
import Synchronization

/// Answers a service's requests over a ROUTER socket. Every request gets an answer: unknown routes, undecodable payloads,
/// strangers, overload and expiry too.
package final class BusServer: Sendable {
    private struct State {
        var inFlight = 0
        var isDraining = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }

    private let routes: [String: BusRoutes.Route]
    private let reactor: BusReactor
    private let maxInFlight: Int
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter maxInFlight: requests being worked on; one more is refused as ``ServiceError/Code/unavailable``.
    package init(routes: BusRoutes, reactor: BusReactor, maxInFlight: Int = 4_096, logger: Logger) {
        self.routes = routes.routes
        self.reactor = reactor
        self.maxInFlight = maxInFlight
        self.logger = logger
    }

    /// Starts to answer at an endpoint.
    ///
    /// The caller holds the lock of the service's data folder: ZeroMQ would let a second process take over the path of a
    /// bound `ipc` socket without an error.
    package func bind(to endpoint: BusEndpoint, security: BusSecurity) async throws {
        try await reactor.perform { [self] loop in
            let socket = try ZMQSocket(.router, context: reactor.context)
            try security.bind(socket, to: endpoint)
            loop.watch(socket) { [self] _, frames in receive(frames, on: socket) }
        }
    }

    /// Refuses new requests and returns when those in flight are answered, or when `limit` has passed.
    package func drain(within limit: Duration) async {
        let timer = Task {
            // Cancelled when everything was answered in time, which is no failure.
            try? await Task.sleep(for: limit)
            releaseDrainers()
        }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isDraining = true
                if state.inFlight > 0 { state.drained.append(continuation) }
                return state.inFlight == 0
            }
            if isIdle { continuation.resume() }
        }
        timer.cancel()
    }

    private func releaseDrainers() {
        let waiting = state.withLock { state in
            defer { state.drained = [] }
            return state.drained
        }
        for continuation in waiting { continuation.resume() }
    }

    private func receive(_ frames: [[UInt8]], on socket: ZMQSocket) {
        guard frames.count == 2, let id = RequestEnvelope.id(of: frames[1]) else {
            return logger.warning("an unreadable frame was dropped", metadata: ["frames": "\(frames.count)"])
        }
        let peer = frames[0]
        let reply: BusRoutes.Reply = { [self] bytes in
            reactor.execute { [self] _ in
                transmit(bytes, to: peer, on: socket)
                finishOne()
            }
        }
        let isAdmitted = state.withLock { state in
            guard !state.isDraining, state.inFlight < maxInFlight else { return false }
            state.inFlight += 1
            return true
        }
        guard isAdmitted else {
            return transmit(ReplyEnvelope.failure(id, ServiceError(.unavailable)), to: peer, on: socket)
        }
        do throws(ServiceError) {
            let envelope = try decode(frames[1])
            guard let route = routes[envelope.route] else {
                throw ServiceError(.badRequest, detail: "unknown route")
            }
            guard route.peers.contains(envelope.caller) else {
                throw ServiceError(.badRequest, detail: "\(envelope.route) is not for \(envelope.caller)")
            }
            // Work that nobody waits for any more is not begun.
            guard envelope.remainingMilliseconds > 0 else { throw ServiceError(.unavailable, detail: "expired") }
            let deadline = MonotonicTime.after(.milliseconds(Int64(envelope.remainingMilliseconds)))
            let call = BusCall(caller: envelope.caller, trace: envelope.trace, deadline: deadline)
            route.handler(envelope.payload, call, id, reply)
        } catch {
            if error.code == .badRequest {
                logger.warning("a bus request was refused", metadata: ["reason": "\(error.detail)"])
            }
            reply(ReplyEnvelope.failure(id, error))
        }
    }

    private func decode(_ frame: [UInt8]) throws(ServiceError) -> RequestEnvelope {
        do throws(WireError) {
            return try RequestEnvelope(frame)
        } catch {
            throw ServiceError(.badRequest, detail: "\(error)")
        }
    }

    private func transmit(_ bytes: [UInt8], to peer: [UInt8], on socket: ZMQSocket) {
        do throws(ZMQError) {
            if try socket.send(peer, bytes) { return }
            logger.warning("a reply was dropped: the peer does not read")
        } catch {
            // The caller is gone; its deadline or its restart has told its clients already.
            logger.debug("a reply had no receiver", metadata: ["error": "\(error)"])
        }
    }

    private func finishOne() {
        let isDrained = state.withLock { state in
            state.inFlight -= 1
            return state.isDraining && state.inFlight == 0
        }
        if isDrained { releaseDrainers() }
    }
}
