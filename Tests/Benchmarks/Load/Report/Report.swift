import Foundation

/// All that a run found out.
struct Report: Encodable {
    /// A workload on Martlet beside the same on the relay, when it has one.
    struct Comparison: Encodable {
        var workload: String
        /// What an operation is.
        var operation: String
        var martlet: [Window]
        var relay: [Window]
        var martletMedian: Window
        var relayMedian: Window?
    }

    /// How a cost grows with a size.
    struct Series: Encodable {
        struct Point: Encodable {
            var size: Int
            var value: Double
        }

        var name: String
        var unit: String
        var points: [Point]

        /// The exponent between the first and the last size: 0 is flat, 1 is linear.
        var exponent: Double {
            guard let first = points.first, let last = points.last, first.value > 0, last.value > 0,
                last.size > first.size
            else { return 0 }
            return log(last.value / first.value) / log(Double(last.size) / Double(first.size))
        }
    }

    /// A figure by itself.
    struct Figure: Encodable {
        var name: String
        var value: Double
        var unit: String
    }

    let date = ISO8601DateFormatter().string(from: Date())
    let machine = Machine.current()
    let build = Executables.configuration
    let method = """
        Four processes and the clients share the machine; loopback, no TLS, 128-byte texts, one thread of clients. CPU is \
        user and system time of all threads of a process, per delivery that reached its recipient's socket (per request \
        where there is none). Windows of Martlet and of the relay alternate; medians of the windows. Latencies run from \
        the (intended) send to the delivery. Every delivery is checked: none lost, doubled or out of order.
        """
    private(set) var comparisons: [Comparison] = []
    private(set) var series: [Series] = []
    private(set) var figures: [Figure] = []

    mutating func add(_ workload: String, per operation: String, martlet: [Window], relay: [Window] = []) {
        comparisons.append(
            Comparison(
                workload: workload, operation: operation, martlet: martlet, relay: relay,
                martletMedian: .median(of: martlet), relayMedian: relay.isEmpty ? nil : .median(of: relay)))
    }

    mutating func add(_ series: Series) { self.series.append(series) }

    mutating func add(_ name: String, _ value: Double, _ unit: String) {
        figures.append(Figure(name: name, value: value, unit: unit))
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }
}
