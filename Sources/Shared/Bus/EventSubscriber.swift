package import Logging
import Synchronization

/// What a subscriber is told; calls come in order, one at a time, on the bus thread, and must not block.
package enum Subscription: Sendable {
    /// Events that follow the previous ones without a hole.
    case events([NumberedEvent])
    /// Everything known from earlier events is void: read the owner's present state, which includes all events up to
    /// `position`, and go on from there. The first thing every subscriber is told.
    case startAfresh(position: Int64)
}

/// Follows the events of one publisher without a hole: live over SUB, and over its log when frames were lost.
package final class EventSubscriber: Sendable {
    /// Events asked for in one read of the log.
    static let readLimit: Int32 = 500
    /// Pause before a failed read of the log is repeated.
    static let retryInterval = Duration.milliseconds(100)

    /// A publisher that is heard of no more for this long, beats included, is connected to anew.
    static let silenceLimit = Duration.seconds(2)

    private struct State {
        var cursor = EventCursor()
        /// When the last frame came; nothing at the beginning.
        var lastHeard: MonotonicTime?
        var openedAt = MonotonicTime.now
        var isClosed = false
        var socket: ZMQSocket?

        var isSilent: Bool { lastHeard.map { ($0 + silenceLimit).hasPassed } ?? true }
    }

    private let owner: BusClient
    private let marks: KnownMarks
    private let reactor: BusReactor
    private let logger: Logger
    private let onChange: @Sendable (Subscription) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - owner: the client of the publishing service, for reads of its log.
    ///   - marks: takes note of how far the publisher has come.
    ///   - onChange: takes the events and restarts.
    package init(
        owner: BusClient, reactor: BusReactor, marks: KnownMarks = KnownMarks(), logger: Logger,
        onChange: @escaping @Sendable (Subscription) -> Void
    ) {
        self.owner = owner
        self.marks = marks
        self.reactor = reactor
        self.logger = logger
        self.onChange = onChange
    }

    /// Subscribes and finds the publisher's head; the publisher may start later than this.
    package func connect(to endpoints: [BusEndpoint], security: BusSecurity) async throws {
        try await reactor.perform { [self] loop in
            try open(endpoints, security, loop)
            perform(state.withLock { $0.cursor.start() }, loop)
            watchForSilence(endpoints, security, loop)
        }
    }

    private func open(_ endpoints: [BusEndpoint], _ security: BusSecurity, _ loop: ReactorLoop) throws {
        let socket = try ZMQSocket(.subscriber, context: reactor.context)
        for endpoint in endpoints { try security.connect(socket, to: endpoint) }
        loop.watch(socket) { [self] loop, frames in receive(frames, loop) }
        let former = state.withLock { state in
            state.openedAt = .now
            defer { state.socket = socket }
            return state.socket
        }
        if let former { loop.close(former) }
    }

    /// libzmq gives up connections for good after some errors of protocol; a fresh socket tries again.
    private func watchForSilence(_ endpoints: [BusEndpoint], _ security: BusSecurity, _ loop: ReactorLoop) {
        loop.schedule(at: .after(Self.silenceLimit)) { [self] loop in
            let (isClosed, mustOpen) = state.withLock { state in
                (state.isClosed, state.isSilent && (state.openedAt + Self.silenceLimit).hasPassed)
            }
            guard !isClosed else { return }
            if mustOpen {
                do {
                    try open(endpoints, security, loop)
                } catch {
                    logger.error(
                        "cannot subscribe again", metadata: ["to": "\(owner.service)", "error": "\(error)"])
                }
            }
            watchForSilence(endpoints, security, loop)
        }
    }

    /// Stops following. Idempotent.
    package func close() {
        let socket = state.withLock { state in
            state.isClosed = true
            return state.socket.take()
        }
        if let socket { reactor.execute { loop in loop.close(socket) } }
    }

    /// Whether the publisher is heard, and every event heard of has been handed on: part of a process's readiness.
    package var isLive: Bool {
        state.withLock { $0.cursor.isLive && !$0.isSilent }
    }

    private func receive(_ frames: [[UInt8]], _ loop: ReactorLoop) {
        do throws(WireError) {
            guard frames.count == 1 else { throw WireError("\(frames.count) frames") }
            let batch = try EventBatch(wireBytes: frames[0])
            if !marks.note(batch.mark, of: owner.service), batch.events.isEmpty { checkAge(batch.mark) }
            let action = state.withLock { state in
                state.lastHeard = .now
                return state.cursor.receive(batch)
            }
            perform(action, loop)
        } catch {
            // Whatever it was, its numbers are missing now and the next frame shows it.
            logger.warning(
                "an unreadable event frame was dropped", metadata: ["from": "\(owner.service)", "error": "\(error)"])
        }
    }

    private func perform(_ action: EventCursor.Action, _ loop: ReactorLoop) {
        switch action {
        case .wait:
            break
        case .deliver(let events):
            onChange(.events(events))
        case .startAfresh(let position):
            onChange(.startAfresh(position: position))
        case .read(let after, let headOnly):
            if !headOnly {
                logger.warning("catching up on events", metadata: ["from": "\(owner.service)", "after": "\(after)"])
            }
            read(EventLogAPI.Read(after: after, limit: headOnly ? 0 : Self.readLimit))
        }
    }

    /// A publisher that seems to be older than it was is asked something: that tells it how far it was seen, and it judges
    /// by itself.
    private func checkAge(_ mark: Mark) {
        guard !mark.includes(marks.mark(of: owner.service)) else { return }
        owner.send(EventLogAPI.Read(after: 0, limit: 0), CallContext(trace: "")) { _ in }
    }

    private func read(_ request: EventLogAPI.Read) {
        owner.send(request, CallContext(trace: "")) { [self] result in
            reactor.execute { [self] loop in
                guard !state.withLock({ $0.isClosed }) else { return }
                switch result {
                case .success(let reply):
                    for action in state.withLock({ $0.cursor.receive(reply) }) { perform(action, loop) }
                case .failure:
                    // The owner is away; it is asked again until it is back.
                    loop.schedule(at: .after(Self.retryInterval)) { [self] _ in read(request) }
                }
            }
        }
    }
}
