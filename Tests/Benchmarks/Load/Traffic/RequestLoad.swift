/// One HTTP request, again and again over some connections, each of which waits for its answers.
final class RequestLoad {
    private let loop: SocketLoop
    private let processes: [ServerProcess]
    private let request: [UInt8]
    private let connections: [HTTPConnection]
    private var wanted = 0
    private var begun = 0
    private var answered = 0
    private var times: [Int64]
    private var latencies = Histogram()

    private static let patienceSeconds = 20.0

    init(_ site: Site, _ loop: SocketLoop, connections count: Int, _ request: [UInt8]) throws {
        self.loop = loop
        self.processes = site.processes
        self.request = request
        connections = try (0..<count).map { _ in try HTTPConnection(loop, port: site.port) }
        times = [Int64](repeating: 0, count: count)
        for (number, connection) in connections.enumerated() {
            connection.onAnswer = { [unowned self] answer in
                guard answer.status == 200 else {
                    throw BenchmarkFailure("\(request.withUnsafeBytes { $0.asText })\n→ \(answer.body.asText)")
                }
                answered += 1
                latencies.add(Clock.nanoseconds - times[number])
                try next(number)
            }
        }
    }

    /// As many as are answered in a time.
    func window(seconds: Double) throws -> Window { try window(atMost: .max, seconds: seconds) }

    /// So many, however long they take.
    @discardableResult
    func window(requests: Int) throws -> Window { try window(atMost: requests, seconds: 3_600) }

    func close() throws {
        for connection in connections { try loop.close(connection) }
    }

    private func window(atMost count: Int, seconds: Double) throws -> Window {
        (begun, answered, wanted) = (0, 0, count)
        latencies = Histogram()
        let meter = try Meter(processes)
        for number in connections.indices { try next(number) }
        try loop.run(until: Clock.after(seconds: seconds)) { answered == wanted }
        wanted = begun
        try loop.run(until: Clock.after(seconds: Self.patienceSeconds)) { answered == begun }
        guard answered == begun else { throw BenchmarkFailure("\(begun - answered) answers are missing") }
        return try meter.window(operations: answered, latencies)
    }

    private func next(_ number: Int) throws {
        guard begun < wanted else { return }
        begun += 1
        times[number] = Clock.nanoseconds
        try connections[number].send(request)
    }
}
