/// A report for people.
struct ReportTable {
    private let report: Report

    init(_ report: Report) { self.report = report }

    func show() {
        let machine = report.machine
        print("\(machine.processor), \(machine.cores) cores, Linux \(machine.kernel), \(report.build)")
        print(report.date)
        showCosts()
        showLatencies()
        showSeries()
        showFigures()
    }

    private func showCosts() {
        guard !report.comparisons.isEmpty else { return }
        print("\nCPU µs per operation, medians; \"relay\" is the raw relay in the same run")
        let processes = ["gateway", "auth", "social", "message", "together"]
        var rows = [["workload", "per"] + processes + ["relay", "ratio", "per s", "steal %"]]
        for item in report.comparisons {
            let median = item.martletMedian
            let relay = item.relayMedian?.cpuTogether
            rows.append(
                [item.workload, item.operation] + Site.processNames.map { (median.cpu[$0] ?? 0).text(1) } + [
                    median.cpuTogether.text(1), relay?.text(1) ?? "–",
                    relay.map { "\((median.cpuTogether / $0).text(1))×" } ?? "–", median.perSecond.text(0),
                    median.stolenPercent.text(1),
                ])
        }
        show(rows)
    }

    private func showLatencies() {
        let items = report.comparisons.filter { $0.martletMedian.latency != nil }
        guard !items.isEmpty else { return }
        print("\nms from send to delivery (or answer), medians of the windows' percentiles; relay in parentheses")
        var rows = [["workload", "p50", "p99", "p99.9", "max", "p99 ratio"]]
        for item in items {
            guard let own = item.martletMedian.latency else { continue }
            let relay = item.relayMedian?.latency
            let texts = [\Window.Latency.p50, \.p99, \.p999, \.max].map { field in
                own[keyPath: field].text(2) + (relay.map { " (\($0[keyPath: field].text(2)))" } ?? "")
            }
            rows.append([item.workload] + texts + [relay.map { "\((own.p99 / max($0.p99, 0.001)).text(1))×" } ?? "–"])
        }
        show(rows)
    }

    private func showSeries() {
        guard !report.series.isEmpty else { return }
        print("\ngrowth; exponent 0 is flat, 1 is linear")
        show(
            report.series.map { series in
                [series.name, series.unit]
                    + [series.points.map { "\($0.size): \($0.value.text(1))" }.joined(separator: "   ")]
                    + ["exponent \(series.exponent.text(2))"]
            })
    }

    private func showFigures() {
        guard !report.figures.isEmpty else { return }
        print("")
        show(report.figures.map { [$0.name, $0.value.text($0.value < 10 ? 2 : 1), $0.unit] })
    }

    /// Columns as wide as their widest cell.
    private func show(_ rows: [[String]]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        for row in rows {
            let cells = row.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            print("  " + cells.joined(separator: "  "))
        }
    }
}
