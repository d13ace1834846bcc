import Logging
import NIOCore
import Shared

/// The sockets a server accepts connections on, and whether it accepts any now. Confined to the server's event loop.
///
/// What is not accepted waits in the kernel's queue. When the system has no file for another connection, accepting is
/// tried again after a while: the socket would be ready to be read all that time, and trying at once would never end.
final class HTTPListeners {
    /// Without failures for so long, the next one is news.
    private static let quietTime = TimeAmount.minutes(10)

    private let eventLoop: any EventLoop
    private let retryInterval: TimeAmount
    private let logger: Logger
    private var channels: [any Channel] = []
    private var isClosed = false
    private var hasRoom = true
    private var retry: Scheduled<Void>?
    /// When that was last seen, while the log need not say it again.
    private var reported: NIODeadline?
    /// How often the system had no file for a connection.
    private(set) var failures = 0

    init(eventLoop: any EventLoop, retryInterval: TimeAmount, logger: Logger) {
        self.eventLoop = eventLoop
        self.retryInterval = retryInterval
        self.logger = logger
    }

    /// Whether new connections are accepted.
    var isAccepting: Bool { hasRoom && retry == nil && !isClosed }

    /// Accepts on one more socket.
    func add(_ channel: any Channel) {
        guard !isClosed else { return channel.close(promise: nil) }
        channels.append(channel)
        setReading(channel)
    }

    /// Accepts while there is room for connections.
    func setRoom(_ hasRoom: Bool) {
        guard self.hasRoom != hasRoom else { return }
        self.hasRoom = hasRoom
        channels.forEach(setReading)
    }

    /// Takes note that a connection could not be accepted.
    func failed(_ error: IOError) {
        failures += 1
        guard retry == nil, !isClosed else { return }
        let isNews = reported == nil
        reported = eventLoop.now
        if isNews {
            logger.error(
                "new connections have to wait: the system has no file for them",
                metadata: [
                    "reason": "\(error)", "limit": "\(OpenFiles.limit)",
                    "cure": "raise the limit of open files (ulimit -n, LimitNOFILE=, fs.file-max)",
                ])
        }
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        retry = eventLoop.scheduleTask(in: retryInterval) {
            let listeners = this.value
            listeners.retry = nil
            listeners.channels.forEach(listeners.setReading)
        }
        channels.forEach(setReading)
    }

    /// Takes note that a connection was accepted.
    func succeeded() {
        if let reported, eventLoop.now - reported > Self.quietTime { self.reported = nil }
    }

    /// Accepts nothing any more. Idempotent.
    func close() {
        isClosed = true
        retry?.cancel()
        for channel in channels { channel.close(promise: nil) }
        channels = []
    }

    private func setReading(_ channel: any Channel) {
        // A channel that takes no options any more has ended.
        try? channel.syncOptions?.setOption(.autoRead, value: isAccepting)
    }
}

/// Sees what accepting fails of.
final class AcceptFailureHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let onFailure: (IOError) -> Void

    init(onFailure: @escaping (IOError) -> Void) { self.onFailure = onFailure }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Else it is a connection that was closed because there is no place for it.
        if let error = error as? IOError { onFailure(error) }
    }
}
