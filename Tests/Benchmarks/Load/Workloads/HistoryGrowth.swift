/// What should not depend on the length of a conversation, in conversations that differ in it.
enum HistoryGrowth {
    /// Few beside the shortest conversation, which they lengthen.
    private static let sends = 300
    private static let connections = 4

    static func measure(_ run: LoadRun) throws {
        let sizes = [1_000, 10_000, 100_000] + (run.options.isFull ? [1_000_000] : [])
        let pairs = try run.people().newPairs(sizes.count)
        for (pair, size) in zip(pairs, sizes) { try HistoryWorkload.fill(run, pair, messages: size) }
        func measure(
            _ name: String, _ unit: String, _ load: (Pair) throws -> RequestLoad,
            _ window: @escaping (RequestLoad) throws -> Window
        ) throws {
            let loads = try pairs.map(load)
            try run.measureGrowth(
                name, unit, zip(sizes, loads).map { size, load in (size, { try window(load).cpuTogether }) })
            for load in loads { try load.close() }
        }
        for (name, reader) in [("all read", \Pair.sender), ("nothing read", \.receiver)] {
            try measure("page of 50, by messages, \(name)", "CPU µs per request") { pair in
                try HistoryWorkload.page(run, pair.conversation, of: pair[keyPath: reader])
            } _: {
                try $0.window(seconds: 0.5)
            }
        }
        try measure("list of one conversation, by unread messages", "CPU µs per request") { pair in
            try ListGrowth.list(run, of: pair.receiver)
        } _: {
            try $0.window(seconds: 0.5)
        }
        try measure("send, by messages in the conversation", "CPU µs per send") { pair in
            try RequestLoad(
                run.site(), run.loop, connections: connections,
                MartletTraffic.classicSend(pair.sender, conversation: "\(pair.conversation)"))
        } _: {
            try $0.window(requests: sends)
        }
    }
}
