/// The list of somebody's conversations.
enum ListGrowth {
    private static let connections = 4

    static func measure(_ run: LoadRun) throws {
        let people = try run.people()
        let sizes = [10, 100, 1_000]
        let loads = try sizes.enumerated().map { try list(run, of: people.hub(1 + $0, friends: $1)) }
        try run.measureGrowth(
            "list of my conversations", "CPU µs per request",
            zip(sizes, loads).map { size, load in (size, { try load.window(seconds: 1).cpuTogether }) })
        for load in loads { try load.close() }
    }

    static func list(_ run: LoadRun, of account: Account) throws -> RequestLoad {
        try RequestLoad(
            run.site(), run.loop, connections: connections,
            HTTPConnection.request("GET", "/conversation/pull_conversation_list", token: account.token))
    }
}
