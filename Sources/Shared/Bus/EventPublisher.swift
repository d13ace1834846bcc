package import Logging
import Synchronization

/// Publishes a service's committed events over PUB, and beats while there are none, so that a lost last event shows.
///
/// PUB may lose; every batch carries epoch and numbers, and subscribers read what they miss from the owner's log.
package final class EventPublisher: Sendable {
    /// Time between two frames of a quiet publisher.
    package static let beatInterval = Duration.milliseconds(250)

    /// Bytes of events in one frame; a group of more is published in several.
    static let maxFrameBytes = 1 << 20

    private struct State {
        var mark: Mark
        var sentSinceBeat = false
        var socket: ZMQSocket?
    }

    private let reactor: BusReactor
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameter mark: how far the log had come before now.
    package init(mark: Mark, reactor: BusReactor, logger: Logger) {
        self.reactor = reactor
        self.logger = logger
        state = Mutex(State(mark: mark))
    }

    /// Starts to publish and to beat.
    package func bind(to endpoint: BusEndpoint, security: BusSecurity) async throws {
        try await reactor.perform { [self] loop in
            let socket = try ZMQSocket(.publisher, context: reactor.context)
            try security.bind(socket, to: endpoint)
            loop.own(socket)
            loop.keepBound(socket, to: endpoint, security: security, logger: logger)
            state.withLock { $0.socket = socket }
            beat(loop)
        }
    }

    /// Publishes consecutive events, committed and in order; from any thread, one caller at a time.
    package func publish(_ events: [NumberedEvent]) {
        guard !events.isEmpty else { return }
        reactor.execute { [self] _ in
            var rest = events[...]
            while !rest.isEmpty {
                let batch = rest.prefix(bytes: Self.maxFrameBytes)
                rest = rest.dropFirst(batch.count)
                let mark = state.withLock { state in
                    state.mark.head = batch.last?.number ?? 0
                    state.sentSinceBeat = true
                    return state.mark
                }
                send(EventBatch(mark, events: Array(batch)))
            }
        }
    }

    private func beat(_ loop: ReactorLoop) {
        let batch = state.withLock { state -> EventBatch? in
            defer { state.sentSinceBeat = false }
            return state.sentSinceBeat ? nil : EventBatch(state.mark, events: [])
        }
        if let batch { send(batch) }
        loop.schedule(at: .after(Self.beatInterval)) { [self] loop in beat(loop) }
    }

    private func send(_ batch: EventBatch) {
        guard let socket = state.withLock({ $0.socket }) else { return }
        do throws(ZMQError) {
            // PUB takes everything and drops for the slow; the numbers make that visible to whom it concerns.
            _ = try socket.send(batch.wireBytes)
        } catch {
            logger.warning("events could not be published", metadata: ["error": "\(error)"])
        }
    }
}

extension Collection where Element == NumberedEvent {
    /// As many events from the front as have payloads of at most this many bytes together; at least one.
    package func prefix(bytes: Int) -> SubSequence {
        var room = bytes
        var end = startIndex
        while end < endIndex {
            room -= self[end].payload.bytes.count
            guard room >= 0 || end == startIndex else { break }
            end = index(after: end)
        }
        return self[..<end]
    }
}
