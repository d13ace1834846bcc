/// What a start costs, and what the processes take when nothing happens.
enum StartWorkload {
    static func measure(_ run: LoadRun) throws {
        var cpu: [Double] = []
        var idle: [Double] = []
        var resident: [String: [Double]] = [:]
        for round in 1...run.options.rounds {
            Progress.say("start: round \(round) of \(run.options.rounds)")
            try run.restartSite()
            let site = try run.site()
            let ready = try site.processes.map { try $0.cpu() }.reduce(0, +)
            cpu.append(ready / 1e6)
            try run.loop.run(until: Clock.after(seconds: 1)) { false }
            let settled = try site.processes.map { try $0.cpu() }.reduce(0, +)
            try run.loop.run(until: Clock.after(seconds: 2)) { false }
            idle.append((try site.processes.map { try $0.cpu() }.reduce(0, +) - settled) / 2_000)
            for process in site.processes {
                resident[process.name, default: []].append(try process.residentKiB() / 1_024)
            }
        }
        run.report.add("CPU of the four processes until ready", cpu.median, "s")
        run.report.add("CPU of the four idle processes", idle.median, "ms per second")
        for name in Site.processNames {
            run.report.add("\(name), resident when idle", resident[name, default: []].median, "MiB")
        }
    }
}
