/// Conversations that are open in one system, and the processes that carry them.
final class Traffic {
    let loop: SocketLoop
    let processes: [ServerProcess]
    private(set) var lanes: [Lane] = []
    private var sockets: [LoopSocket] = []

    /// Deliveries and answers are counted from the first window on.
    private(set) var isCounting = false
    private var deliveries = 0
    private var missingDeliveries = 0
    private var missingAnswers = 0
    private var latencies = Histogram()
    private var whenDelivered: ((Lane) throws -> Void)?

    private static let patienceSeconds = 20.0

    init(_ loop: SocketLoop, _ processes: [ServerProcess]) {
        self.loop = loop
        self.processes = processes
    }

    /// A connection that belongs to it.
    func use<Socket: LoopSocket>(_ socket: Socket) -> Socket {
        sockets.append(socket)
        return socket
    }

    /// A conversation of one sender and some receivers.
    func addLane(_ sender: any MessageSender, _ receivers: [WebSocketConnection]) {
        lanes.append(Lane(self, sender, receivers))
    }

    func close() throws {
        for socket in sockets { try loop.close(socket) }
        sockets = []
    }

    // MARK: - What happens

    func sent(to receivers: Int) {
        missingDeliveries += receivers
        missingAnswers += 1
    }

    func answered() { missingAnswers -= 1 }

    func delivered(in lane: Lane, after nanoseconds: Int64) throws {
        deliveries += 1
        missingDeliveries -= 1
        latencies.add(nanoseconds)
        try whenDelivered?(lane)
    }

    // MARK: - Windows

    /// Sends until everybody receives, and waits until all is quiet: from here on, every message counts.
    func synchronise() throws {
        let receivers = lanes.flatMap(\.receivers)
        guard try loop.run(until: Clock.after(seconds: Self.patienceSeconds), { receivers.allSatisfy(\.isOpen) })
        else { throw BenchmarkFailure("not all push connections could be opened") }
        let deadline = Clock.after(seconds: Self.patienceSeconds)
        repeat {
            guard Clock.nanoseconds < deadline else { throw BenchmarkFailure("a receiver gets nothing") }
            for lane in lanes where !lane.isReceivedByAll { try lane.send(intendedAt: Clock.nanoseconds) }
            try loop.run(until: Clock.after(seconds: 1)) { missingAnswers == 0 && lanes.allSatisfy(\.isReceivedByAll) }
        } while missingAnswers > 0 || !lanes.allSatisfy(\.isReceivedByAll)
        repeat {
            guard Clock.nanoseconds < deadline else { throw BenchmarkFailure("receivers of one group differ") }
            try loop.run(until: Clock.after(seconds: 0.3)) { false }
        } while !lanes.allSatisfy(\.isLevel)
        for lane in lanes { lane.startCounting() }
        missingDeliveries = 0
        isCounting = true
    }

    /// Every conversation has so many messages on their way, all the time.
    func closedLoop(window: Int, seconds: Double) throws -> Window {
        let meter = try beginWindow()
        let end = Clock.after(seconds: seconds)
        whenDelivered = { lane in
            let now = Clock.nanoseconds
            // A message to a group makes room for the next when its last receiver has it.
            if now < end, lane.isCaughtUp(within: window - 1) { try lane.send(intendedAt: now) }
        }
        for lane in lanes {
            for _ in 0..<window { try lane.send(intendedAt: Clock.nanoseconds) }
        }
        try loop.run(until: end) { false }
        return try endWindow(meter)
    }

    /// So many messages a second over all conversations in turn, whatever becomes of them.
    func openLoop(perSecond rate: Double, seconds: Double) throws -> Window {
        let meter = try beginWindow()
        let start = Clock.nanoseconds
        var next = 0
        while next < Int(rate * seconds) {
            let due = start + Int64(Double(next) / rate * 1e9)
            if Clock.nanoseconds < due {
                try loop.turn(until: due)
            } else {
                try lanes[next % lanes.count].send(intendedAt: due)
                next += 1
            }
        }
        return try endWindow(meter)
    }

    private func beginWindow() throws -> Meter {
        precondition(isCounting, "synchronise first")
        deliveries = 0
        latencies = Histogram()
        return try Meter(processes)
    }

    private func endWindow(_ meter: Meter) throws -> Window {
        whenDelivered = nil
        try loop.run(until: Clock.after(seconds: Self.patienceSeconds)) {
            missingDeliveries == 0 && missingAnswers == 0
        }
        let window = try meter.window(operations: deliveries, latencies)
        guard missingDeliveries == 0, missingAnswers == 0 else {
            throw BenchmarkFailure("\(missingDeliveries) deliveries and \(missingAnswers) answers are missing")
        }
        return window
    }
}
