/// Measures what some processes use between two moments.
struct Meter {
    static let clients = "clients"

    private let processes: [ServerProcess]
    private let cpu: [Double]
    private let ownCPU: Double
    private let host: HostTime
    private let start: Int64

    /// Starts to measure.
    init(_ processes: [ServerProcess]) throws {
        self.processes = processes
        host = try HostTime.now()
        cpu = try processes.map { try $0.cpu() }
        ownCPU = CPUTime.ofThisProcess
        start = Clock.nanoseconds
    }

    /// What was used for so many operations.
    func window(operations: Int, _ latencies: Histogram? = nil) throws -> Window {
        guard operations > 0 else { throw BenchmarkFailure("nothing happened in a window") }
        var window = Window()
        window.seconds = Double(Clock.nanoseconds - start) / 1e9
        window.operations = operations
        for (process, before) in zip(processes, cpu) {
            let cost = (try process.cpu() - before) / Double(operations)
            window.cpu[process.name] = cost
            window.cpuTogether += cost
        }
        window.cpu[Self.clients] = (CPUTime.ofThisProcess - ownCPU) / Double(operations)
        window.stolenPercent = try HostTime.now().stolenPercent(since: host)
        window.latency = latencies.map(Window.Latency.init)
        return window
    }
}
