/// Measures what the decisions of this project rest on: `make bench ARGS="encoding"` and so on.
///
/// Figures are CPU time per operation and ratios within one run; a bare time says little on a shared machine.
@main
struct Benchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "encoding": try EncodingBenchmark.run()
        case "bus": try await BusBenchmark.run()
        case "edge": try await EdgeBenchmark.run()
        case "chat": try await ChatBenchmark(arguments: Array(arguments.dropFirst())).run()
        default:
            print(
                """
                usage: martlet-bench encoding   the bus's binary form beside JSON
                       martlet-bench bus        round trips over ipc: where handlers and callers run
                       martlet-bench edge       an echo over NIO: channel handlers beside async channels
                       martlet-bench chat [--pairs 50] [--window 4] [--seconds 10] [--gateway HOST:PORT]
                                                friends chatting through a running Martlet started with
                                                MARTLET_RATE_LIMITS=off; CPU of its processes per delivery
                """)
        }
    }
}
