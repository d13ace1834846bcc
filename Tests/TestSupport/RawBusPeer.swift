import Logging
package import Shared
import Synchronization

/// A peer on a service's request socket that sends whatever bytes it is given.
package final class RawBusPeer: Sendable {
    /// What came back for a request: the kind of the frame, and the error's code if it was one.
    package struct Answer: Sendable, Hashable {
        package var isSuccess: Bool
        package var code: UInt8?

        package static let success = Answer(isSuccess: true, code: nil)

        package static func failure(_ code: UInt8) -> Answer { Answer(isSuccess: false, code: code) }
    }

    private let reactor: BusReactor
    private let socket = OnceBox<ZMQSocket>()
    private let received = Mutex<[UInt64: Answer]>([:])

    package init(to endpoint: String) async throws {
        let logger = Logger(label: "peer") { LineLogHandler(process: $0, logLevel: .critical) }
        reactor = BusReactor(context: try ZMQContext(), logger: logger)
        let context = reactor.context
        try await reactor.perform { [self] loop in
            // A peer without manners sends more than anyone takes.
            var limits = ZMQSocket.Limits()
            limits.maxMessageBytes = 1 << 30
            let socket = try ZMQSocket(.dealer, context: context, limits: limits)
            try socket.connect(endpoint)
            loop.watch(socket) { [self] _, frames in take(frames) }
            self.socket.set(socket)
        }
    }

    /// Answers by request id.
    package var answers: [UInt64: Answer] { received.withLock { $0 } }

    /// Sends one message of one or two frames as soon as there is a connection.
    package func send(_ frame: [UInt8], _ second: [UInt8]? = nil) async throws {
        try await eventually("the service takes a frame") {
            try await reactor.perform { [socket] _ in
                guard let socket = socket.value else { return false }
                return if let second { try socket.send(frame, second) } else { try socket.send(frame) }
            }
        }
    }

    /// Ends the connection.
    package func stop() { reactor.stop() }

    private func take(_ frames: [[UInt8]]) {
        // Answers that were on their way together come as one frame: kind 6, and a list of the frames.
        var batch = WireReader(frames[0].dropFirst(2))
        if frames[0].dropFirst().first == 6, let answers = try? [Blob](from: &batch) {
            for answer in answers { take(answer.bytes) }
        } else {
            take(frames[0])
        }
    }

    private func take(_ frame: [UInt8]) {
        var reader = WireReader(frame)
        // An answer that cannot be read is none, which the test then misses.
        guard let _: UInt8 = try? reader.read(), let kind: UInt8 = try? reader.read(),
            let id: UInt64 = try? reader.read()
        else { return }
        let code: UInt8? = kind == 3 ? try? reader.read() : nil
        received.withLock { $0[id] = Answer(isSuccess: kind == 2, code: code) }
    }
}

/// The parts of a request frame, each of which a test may make wrong.
package struct RawRequest: Sendable {
    package var version: UInt8 = 3
    package var kind: UInt8 = 1
    package var id: UInt64
    package var caller: UInt8 = 1
    package var remainingMilliseconds: UInt32 = 5_000
    /// When it left, by the monotonic clock of this host.
    package var sentAt = MonotonicTime.now
    /// How far the caller has seen the service.
    package var seen = Mark.unseen
    package var route: String
    package var trace = "raw"
    package var payload: [UInt8] = []

    /// A request of the gateway.
    package init(_ id: UInt64, _ route: String, _ payload: [UInt8] = []) {
        self.id = id
        self.route = route
        self.payload = payload
    }

    /// The same with something changed.
    package func with(_ change: (inout RawRequest) -> Void) -> RawRequest {
        var copy = self
        change(&copy)
        return copy
    }

    package var bytes: [UInt8] {
        var writer = WireWriter()
        writer.write(version)
        writer.write(kind)
        writer.write(id)
        writer.write(caller)
        writer.write(remainingMilliseconds)
        writer.write(sentAt.nanoseconds)
        seen.write(to: &writer)
        writer.write(route)
        writer.write(trace)
        writer.write(raw: payload)
        return writer.bytes
    }
}
