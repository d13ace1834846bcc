import Glibc
package import Logging
import Synchronization

/// The one thread of a process that owns its ZeroMQ sockets.
///
/// Other threads hand it jobs; it runs them between polls, in the order they came. A batch of jobs costs one wake-up.
package final class BusReactor: Sendable {
    package typealias Job = @Sendable (ReactorLoop) -> Void

    private struct Inbox {
        var jobs: [Job] = []
        var isStopping = false
        /// Nothing runs any more; what would be kept here would keep its owner, and that the reactor.
        var hasEnded = false
    }

    package let context: ZMQContext
    private let inbox = Mutex(Inbox())
    private let wakeUp = WakeUp()
    private let thread = Mutex<DedicatedThread?>(nil)

    /// Starts the thread.
    package init(context: ZMQContext, logger: Logger) {
        self.context = context
        thread.withLock { $0 = DedicatedThread { [self] in run(logger: logger) } }
    }

    /// Hands a job to the reactor's thread; from any thread, without waiting. Dropped once the reactor has stopped.
    package func execute(_ job: @escaping Job) {
        let mustWake = inbox.withLock { inbox in
            guard !inbox.hasEnded else { return false }
            inbox.jobs.append(job)
            return inbox.jobs.count == 1
        }
        if mustWake { wakeUp.signal() }
    }

    /// Runs a step on the reactor's thread and waits for its result.
    package func perform<Value: Sendable>(
        _ step: @escaping @Sendable (ReactorLoop) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            execute { loop in continuation.resume(with: Result { try step(loop) }) }
        }
    }

    /// Runs what was handed over so far, closes every socket and ends the thread. Idempotent.
    package func stop() {
        inbox.withLock { $0.isStopping = true }
        wakeUp.signal()
        thread.withLock { $0.take() }?.join()
    }

    private func run(logger: Logger) {
        let loop = ReactorLoop(wakeUp: wakeUp)
        var jobs: [Job] = []
        while true {
            do {
                try loop.poll()
            } catch {
                // Only a defect can make zmq_poll fail (a closed socket left in the set), and a process without its bus
                // is of no use to anyone: the next one starts afresh.
                logger.critical("the bus cannot poll its sockets", metadata: ["error": "\(error)"])
                exit(EXIT_FAILURE)
            }
            let isStopping = inbox.withLock { inbox in
                swap(&inbox.jobs, &jobs)
                return inbox.isStopping
            }
            for job in jobs { job(loop) }
            jobs.removeAll(keepingCapacity: true)
            if isStopping {
                loop.closeAll()
                inbox.withLock { inbox in
                    inbox.hasEnded = true
                    inbox.jobs = []
                }
                return
            }
        }
    }
}

/// What a job may do on the reactor's thread: watch sockets and set timers. It cannot leave that thread.
package final class ReactorLoop {
    private struct Watch {
        let socket: ZMQSocket
        let onMessage: (ReactorLoop, [[UInt8]]) -> Void
    }
    private struct Timer {
        let due: MonotonicTime
        let job: (ReactorLoop) -> Void
    }

    /// Messages taken from one socket before the others and the jobs get their turn.
    private static let messagesPerTurn = 512
    /// Time between two looks whether a socket's file is still there.
    private static let bindingInterval = Duration.seconds(1)

    private let wakeUp: WakeUp
    private var poller: ZMQPoller
    private var watches: [Watch] = []
    private var owned: [ZMQSocket] = []
    private var timers: [Timer] = []

    init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
        poller = ZMQPoller(wakeUp: wakeUp)
    }

    /// Calls `onMessage` with every message the socket receives from now on.
    package func watch(_ socket: ZMQSocket, onMessage: @escaping (ReactorLoop, [[UInt8]]) -> Void) {
        watches.append(Watch(socket: socket, onMessage: onMessage))
        _ = poller.add(socket)
        // The socket's file descriptor signals edges: what came before it was watched is only seen by asking.
        wakeUp.signal()
    }

    /// Keeps a socket that only sends, to close it with the others at the end.
    package func own(_ socket: ZMQSocket) {
        owned.append(socket)
    }

    /// Closes a socket and forgets it.
    package func close(_ socket: ZMQSocket) {
        watches.removeAll { $0.socket === socket }
        owned.removeAll { $0 === socket }
        socket.close()
        poller = ZMQPoller(wakeUp: wakeUp)
        for watch in watches { _ = poller.add(watch.socket) }
    }

    /// Binds a socket anew whenever its file is gone: somebody has tidied up the folder, and nobody could find it any more.
    /// Connections that stand are not touched.
    func keepBound(_ socket: ZMQSocket, to endpoint: BusEndpoint, security: BusSecurity, logger: Logger) {
        guard let path = endpoint.path else { return }
        schedule(at: .after(Self.bindingInterval)) { loop in
            guard loop.has(socket) else { return }
            defer { loop.keepBound(socket, to: endpoint, security: security, logger: logger) }
            guard access(path, F_OK) != 0, errno == ENOENT else { return }
            do {
                try Folder.create(Folder.of(path))
                try security.bind(socket, to: endpoint)
                logger.warning("a socket file was gone and is there again", metadata: ["path": "\(path)"])
            } catch {
                logger.error(
                    "a socket file is gone and cannot be made again",
                    metadata: ["path": "\(path)", "error": "\(error)"])
            }
        }
    }

    private func has(_ socket: ZMQSocket) -> Bool {
        watches.contains { $0.socket === socket } || owned.contains { $0 === socket }
    }

    /// Runs a job once, not before `due`.
    package func schedule(at due: MonotonicTime, _ job: @escaping (ReactorLoop) -> Void) {
        let index = timers.firstIndex { $0.due > due } ?? timers.endIndex
        timers.insert(Timer(due: due, job: job), at: index)
    }

    func poll() throws(ZMQError) {
        let timeout = timers.first?.due.millisecondsFromNow ?? -1
        for index in try poller.wait(milliseconds: timeout) where index < watches.count {
            try drain(watches[index])
        }
        while let timer = timers.first, timer.due.hasPassed {
            timers.removeFirst()
            timer.job(self)
        }
    }

    private func drain(_ watch: Watch) throws(ZMQError) {
        for _ in 0..<Self.messagesPerTurn {
            guard let frames = try watch.socket.receive() else { return }
            watch.onMessage(self, frames)
        }
    }

    func closeAll() {
        for socket in watches.map(\.socket) + owned { socket.close() }
        watches = []
        owned = []
        timers = []
    }
}
