/// What is measured, and how much of it.
struct LoadOptions {
    var workloads = LoadWorkload.allCases.filter { $0 != .flood }
    var pairs = 200
    var window = 4
    var members = 1_000
    var roomRate = 20.0
    var rate = 500.0
    var connections = 2_000
    var seconds = 4.0
    var rounds = 3
    var dialect = LoadDialect.socket
    var isFull = false
    var keepsData = false
    var json: String?

    static let usage = """
        usage: martlet-bench load [WORKLOAD …] [OPTION …]

        Starts a Martlet of its own and measures it beside a raw relay; without a workload, all of them:
        \(LoadWorkload.allCases.map { "  \($0.rawValue.padded(to: 16))\($0.summary)" }.joined(separator: "\n"))

          --pairs N          pairs of friends (200)
          --window N         messages of a pair on their way at once (4)
          --members N        members of the room (1000)
          --room-rate N      messages per second into the room (20)
          --rate N           messages per second of rate (500)
          --connections N    idle connections (2000)
          --seconds N        length of a window (4)
          --rounds N         windows of each system (3)
          --dialect NAME     socket or classic: sends and pushes of room, rate, idle, growth-fanout and logins (socket)
          --full             also the sizes that take long
          --keep             keep the data folders
          --json FILE        write all figures there
        """

    /// - Throws: ``BenchmarkFailure`` that names what is wrong.
    init(arguments: [String]) throws {
        var rest = arguments[...]
        var named: [LoadWorkload] = []
        func value(of option: String) throws -> String {
            guard let value = rest.popFirst() else { throw BenchmarkFailure("\(option) needs a value") }
            return value
        }
        func number<Number: LosslessStringConvertible & Comparable & ExpressibleByIntegerLiteral>(
            _ option: String
        ) throws -> Number {
            let text = try value(of: option)
            guard let number = Number(text), number > 0 else { throw BenchmarkFailure("\(option) \(text)?") }
            return number
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--pairs": pairs = try number(argument)
            case "--window": window = try number(argument)
            case "--members": members = try number(argument)
            case "--room-rate": roomRate = try number(argument)
            case "--rate": rate = try number(argument)
            case "--connections": connections = try number(argument)
            case "--seconds": seconds = try number(argument)
            case "--rounds": rounds = try number(argument)
            case "--dialect":
                let name = try value(of: argument)
                guard let named = LoadDialect(rawValue: name) else { throw BenchmarkFailure("no dialect \(name)") }
                dialect = named
            case "--full": isFull = true
            case "--keep": keepsData = true
            case "--json": json = try value(of: argument)
            default:
                let matching = LoadWorkload.allCases.filter {
                    $0.rawValue == argument || $0.rawValue.hasPrefix("\(argument)-")
                }
                guard !matching.isEmpty else { throw BenchmarkFailure("no workload or option \(argument)") }
                named += matching
            }
        }
        if !named.isEmpty { workloads = named }
    }
}

extension String {
    /// With blanks behind it up to a width.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
