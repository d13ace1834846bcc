/// Pairs of friends at a rate that does not depend on the answers.
enum RateWorkload {
    private static let pairs = 50

    static func measure(_ run: LoadRun) throws {
        let options = run.options
        let martlet = try MartletTraffic.pairs(run, try run.people().pairs(Self.pairs), options.dialect)
        let relay = try RelayTraffic.pairs(run, count: Self.pairs)
        try run.compare("rate", martlet, relay) {
            try $0.openLoop(perSecond: options.rate, seconds: options.seconds)
        }
    }
}
