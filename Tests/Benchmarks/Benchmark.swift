import Foundation

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
        case "load": try load(Array(arguments.dropFirst()))
        case "relay": try Relay.run()
        default:
            print(
                """
                usage: martlet-bench encoding   the bus's binary form beside JSON
                       martlet-bench bus        round trips over ipc: where handlers and callers run
                       martlet-bench edge       an echo over NIO: channel handlers beside async channels
                       martlet-bench relay      the raw relay that load compares with, until its input ends
                       martlet-bench load …     Martlet under load; see below

                \(LoadOptions.usage)
                """)
        }
    }

    private static func load(_ arguments: [String]) throws {
        do {
            try LoadRun.run(try LoadOptions(arguments: arguments))
        } catch {
            FileHandle.standardError.write(Data("martlet-bench: \(error)\n".utf8))
            exit(1)
        }
    }
}
