package import Logging
import Synchronization

/// Publishes a service's committed events over PUB, and beats while there are none, so that a lost last event shows.
///
/// PUB may lose; every batch carries epoch and numbers, and subscribers read what they miss from the owner's log.
package final class EventPublisher: Sendable {
    /// Time between two frames of a quiet publisher.
    package static let beatInterval = Duration.milliseconds(250)

    private struct State {
        var epoch: Int64
        var head: Int64
        var sentSinceBeat = false
        var socket: ZMQSocket?
    }

    private let reactor: BusReactor
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - epoch: names this life of the log.
    ///   - head: the last number committed before now.
    package init(epoch: Int64, head: Int64, reactor: BusReactor, logger: Logger) {
        self.reactor = reactor
        self.logger = logger
        state = Mutex(State(epoch: epoch, head: head))
    }

    /// Starts to publish and to beat.
    package func bind(to endpoint: BusEndpoint, security: BusSecurity) async throws {
        try await reactor.perform { [self] loop in
            let socket = try ZMQSocket(.publisher, context: reactor.context)
            try security.bind(socket, to: endpoint)
            loop.own(socket)
            state.withLock { $0.socket = socket }
            beat(loop)
        }
    }

    /// Publishes consecutive events, committed and in order; from any thread, one caller at a time.
    package func publish(_ events: [NumberedEvent]) {
        guard let last = events.last else { return }
        reactor.execute { [self] _ in
            let epoch = state.withLock { state in
                state.head = last.number
                state.sentSinceBeat = true
                return state.epoch
            }
            send(EventBatch(epoch: epoch, head: last.number, events: events))
        }
    }

    private func beat(_ loop: ReactorLoop) {
        let batch = state.withLock { state -> EventBatch? in
            defer { state.sentSinceBeat = false }
            return state.sentSinceBeat ? nil : EventBatch(epoch: state.epoch, head: state.head, events: [])
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
