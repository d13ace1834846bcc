import Logging
import Shared
import Synchronization

/// Stands between a publisher and its subscribers and does to the frames what a test tells it.
package final class EventProxy: Sendable {
    /// Decides about a frame that carries events; beats always pass.
    ///
    /// - Parameter index: counts such frames from 0.
    /// - Returns: what is sent on instead, frame by frame.
    package typealias Tamper = @Sendable (_ index: Int, _ frame: [UInt8]) -> [[UInt8]]

    private let reactor: BusReactor
    private let counted = Mutex(0)

    /// - Parameters:
    ///   - source: where the publisher publishes, now or later.
    ///   - target: where the subscribers connect.
    package init(from source: String, to target: String, _ tamper: @escaping Tamper) async throws {
        let logger = Logger(label: "proxy") { LineLogHandler(process: $0, logLevel: .critical) }
        reactor = BusReactor(context: try ZMQContext(), logger: logger)
        let context = reactor.context
        try await reactor.perform { [self] loop in
            let publisher = try ZMQSocket(.publisher, context: context)
            try publisher.bind(target)
            loop.own(publisher)
            let subscriber = try ZMQSocket(.subscriber, context: context)
            try subscriber.connect(source)
            loop.watch(subscriber) { [self] _, frames in
                for frame in decide(frames[0], tamper) {
                    // What cannot be sent is lost, like everything this proxy loses.
                    _ = try? publisher.send(frame)
                }
            }
        }
    }

    /// Frames with events that have come by.
    package var count: Int { counted.withLock { $0 } }

    /// Ends the proxy; nothing passes any more.
    package func stop() { reactor.stop() }

    private func decide(_ frame: [UInt8], _ tamper: Tamper) -> [[UInt8]] {
        guard let batch = try? EventBatch(wireBytes: frame), !batch.events.isEmpty else { return [frame] }
        let index = counted.withLock { counted in
            defer { counted += 1 }
            return counted
        }
        return tamper(index, frame)
    }
}
