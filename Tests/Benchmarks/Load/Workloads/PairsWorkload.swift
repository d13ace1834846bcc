/// Pairs of friends that always have some messages on their way.
enum PairsWorkload {
    static func measure(_ run: LoadRun, _ dialect: LoadDialect, name: String) throws {
        let options = run.options
        let martlet = try MartletTraffic.pairs(run, try run.people().pairs(options.pairs), dialect)
        let relay = try RelayTraffic.pairs(run, count: options.pairs)
        try run.compare(name, martlet, relay) { try $0.closedLoop(window: options.window, seconds: options.seconds) }
    }
}
