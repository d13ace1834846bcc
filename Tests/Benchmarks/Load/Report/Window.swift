/// What was measured in one window.
struct Window: Encodable {
    /// Length, until the last delivery or answer was in.
    var seconds = 0.0
    /// Deliveries or requests.
    var operations = 0
    /// CPU microseconds per operation of each process, clients included.
    var cpu: [String: Double] = [:]
    /// The same of all server processes together.
    var cpuTogether = 0.0
    var stolenPercent = 0.0
    /// Milliseconds from send to delivery; `nil` where none are taken.
    var latency: Latency?

    var perSecond: Double { seconds > 0 ? Double(operations) / seconds : 0 }

    struct Latency: Encodable {
        var p50: Double
        var p99: Double
        var p999: Double
        var max: Double

        init(_ histogram: Histogram) {
            p50 = histogram.milliseconds(at: 0.5)
            p99 = histogram.milliseconds(at: 0.99)
            p999 = histogram.milliseconds(at: 0.999)
            max = histogram.milliseconds(at: 1)
        }
    }

    /// The median of each figure.
    static func median(of windows: [Window]) -> Window {
        guard var result = windows.first else { return Window() }
        result.seconds = windows.map(\.seconds).median
        result.operations = Int(windows.map { Double($0.operations) }.median)
        result.cpuTogether = windows.map(\.cpuTogether).median
        result.stolenPercent = windows.map(\.stolenPercent).median
        for name in result.cpu.keys { result.cpu[name] = windows.compactMap { $0.cpu[name] }.median }
        let latencies = windows.compactMap(\.latency)
        for field in [\Latency.p50, \.p99, \.p999, \.max] {
            result.latency?[keyPath: field] = latencies.map { $0[keyPath: field] }.median
        }
        return result
    }
}

extension [Double] {
    /// The middle one; of an even number, the mean of the two.
    var median: Double {
        guard !isEmpty else { return 0 }
        let ordered = sorted()
        let middle = count / 2
        return count.isMultiple(of: 2) ? (ordered[middle - 1] + ordered[middle]) / 2 : ordered[middle]
    }
}
