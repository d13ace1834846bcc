/// The last messages of a conversation.
enum HistoryWorkload {
    static let pageSize = 50
    private static let messages = 1_000
    private static let connections = 4
    private static let paths = [
        (name: "history", path: "/conversation/pull_conversation_chain_history"),
        (name: "history+readers", path: "/conversation/pull_conversation_chain"),
    ]

    static func measure(_ run: LoadRun) throws {
        let pair = try run.people().newPairs(1)[0]
        try fill(run, pair, messages: messages)
        for (name, path) in paths {
            let load = try page(run, pair.conversation, of: pair.sender, path: path)
            var windows: [Window] = []
            for round in 1...run.options.rounds {
                Progress.say("\(name): round \(round) of \(run.options.rounds)")
                windows.append(try load.window(seconds: run.options.seconds / 2))
            }
            try load.close()
            run.report.add(name, per: "request", martlet: windows)
        }
    }

    /// Sends messages into a conversation, as fast as it goes. The sender has read them, the receiver has not.
    static func fill(_ run: LoadRun, _ pair: Pair, messages: Int) throws {
        Progress.say("sending \(messages) messages into one conversation")
        let load = try RequestLoad(
            run.site(), run.loop, connections: 64,
            MartletTraffic.classicSend(pair.sender, conversation: "\(pair.conversation)"))
        try load.window(requests: messages)
        try load.close()
        // Clamped to the last one there is.
        try run.people().api.call(
            .init(
                "POST", "/message/mark_read_index", pair.sender,
                #"{"conversationId":\#(pair.conversation),"readIndex":\#(Int32.max)}"#))
    }

    /// Asks for the last page of a conversation.
    static func page(
        _ run: LoadRun, _ conversation: Int, of account: Account, path: String = paths[0].path
    ) throws -> RequestLoad {
        try RequestLoad(
            run.site(), run.loop, connections: connections,
            HTTPConnection.request(
                "GET", "\(path)?conversationId=\(conversation)&limit=\(pageSize)", token: account.token))
    }
}
