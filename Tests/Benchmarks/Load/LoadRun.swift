/// A run: what its workloads share, started when the first of them needs it.
final class LoadRun {
    let options: LoadOptions
    let loop: SocketLoop
    var report = Report()
    private var current: (site: Site, people: People)?
    private var currentRelay: RelayProcess?

    init(_ options: LoadOptions) throws {
        self.options = options
        loop = try SocketLoop()
    }

    /// Measures, and shows and writes what came out; whatever happens, nothing that was started is left running, and
    /// what was measured before is shown.
    static func run(_ options: LoadOptions) throws {
        Interruption.catchSignals()
        let run = try LoadRun(options)
        defer {
            run.stop()
            ReportTable(run.report).show()
        }
        for workload in options.workloads {
            Progress.say("\(workload.rawValue): \(workload.summary)")
            try workload.measure(run)
        }
        if let path = options.json { try run.report.write(to: path) }
    }

    func site() throws -> Site { try started().site }

    func people() throws -> People { try started().people }

    func relay() throws -> RelayProcess {
        if let currentRelay { return currentRelay }
        let relay = try RelayProcess()
        currentRelay = relay
        return relay
    }

    /// Ends the site and has the next workload begin with another, with settings of its own.
    func restartSite(_ environment: [String: String] = [:]) throws {
        stopSite()
        Progress.say("starting Martlet")
        let site = try Site(environment: environment, keepsData: options.keepsData)
        current = (site, People(SetUpAPI(loop, port: site.port)))
    }

    func stopSite() {
        current?.site.stop()
        current = nil
    }

    /// Windows of Martlet and of the relay in turn.
    func compare(
        _ workload: String, _ martlet: Traffic, _ relay: Traffic, _ window: (Traffic) throws -> Window
    ) throws {
        var windows: (martlet: [Window], relay: [Window]) = ([], [])
        for round in 1...options.rounds {
            Progress.say("\(workload): round \(round) of \(options.rounds)")
            windows.relay.append(try window(relay))
            windows.martlet.append(try window(martlet))
        }
        try martlet.close()
        try relay.close()
        report.add(workload, per: "delivery", martlet: windows.martlet, relay: windows.relay)
    }

    /// A cost at some sizes, measured in turn; medians, which are returned, too.
    @discardableResult
    func measureGrowth(
        _ name: String, _ unit: String, _ variants: [(size: Int, cost: () throws -> Double)]
    ) throws -> [Report.Series.Point] {
        var costs = [[Double]](repeating: [], count: variants.count)
        for round in 1...options.rounds {
            Progress.say("\(name): round \(round) of \(options.rounds)")
            for (index, variant) in variants.enumerated() { costs[index].append(try variant.cost()) }
        }
        let points = zip(variants, costs).map { Report.Series.Point(size: $0.size, value: $1.median) }
        report.add(Report.Series(name: name, unit: unit, points: points))
        return points
    }

    private func started() throws -> (site: Site, people: People) {
        if current == nil { try restartSite() }
        guard let current else { throw BenchmarkFailure("there is no site") }
        return current
    }

    private func stop() {
        stopSite()
        currentRelay?.stop()
    }
}
