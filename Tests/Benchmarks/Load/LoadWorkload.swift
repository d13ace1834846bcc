/// The parts of a load test, in the order in which they run.
enum LoadWorkload: String, CaseIterable {
    case start
    case idle
    case pairsOverSocket = "p2p-socket"
    case pairsOverClassic = "p2p-classic"
    case room
    case rate
    case history
    case growthGroups = "growth-groups"
    case growthFanOut = "growth-fanout"
    case growthHistory = "growth-history"
    case growthLists = "growth-lists"
    case logIns = "logins"
    case flood

    var summary: String {
        switch self {
        case .start: "CPU until ready, memory and CPU of idle processes"
        case .idle: "memory of the gateway per push connection"
        case .pairsOverSocket: "pairs that always have messages on their way: sends and pushes over WebSocket"
        case .pairsOverClassic: "the same with sends over HTTP"
        case .room: "a group whose members are all online"
        case .rate: "pairs at a fixed rate: latency from the intended send"
        case .history: "the last 50 messages of a conversation over HTTP"
        case .growthGroups: "a send into groups of offline members: 10, 1000, 5000"
        case .growthFanOut: "a message to groups of online members: 10, 100, 1000"
        case .growthHistory: "a send, a page, a list with 10^3 to 10^5 messages in a conversation (10^6 with --full)"
        case .growthLists: "the list of 10, 100, 1000 conversations"
        case .logIns: "log-ins at full password cost, and what they do to a fixed rate meanwhile"
        case .flood: "a quiet person's median while another floods; only when it is named"
        }
    }

    func measure(_ run: LoadRun) throws {
        switch self {
        case .start: try StartWorkload.measure(run)
        case .idle: try IdleWorkload.measure(run)
        case .pairsOverSocket: try PairsWorkload.measure(run, .socket, name: rawValue)
        case .pairsOverClassic: try PairsWorkload.measure(run, .classic, name: rawValue)
        case .room: try RoomWorkload.measure(run)
        case .rate: try RateWorkload.measure(run)
        case .history: try HistoryWorkload.measure(run)
        case .growthGroups: try GroupGrowth.measure(run)
        case .growthFanOut: try FanOutGrowth.measure(run)
        case .growthHistory: try HistoryGrowth.measure(run)
        case .growthLists: try ListGrowth.measure(run)
        case .logIns: try LogInsWorkload.measure(run)
        case .flood: try FloodWorkload.measure(run)
        }
    }
}
