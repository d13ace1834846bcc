import Foundation
import Logging
import Shared
import Synchronization

/// Round trips over ipc with 64 calls in flight: the handler on the bus thread or in a task, the caller by completion or
/// by await. Client and server share the process, so the cost is that of both sides.
enum BusBenchmark {
    private static let calls = 100_000
    private static let window = 64

    static func run() async throws {
        print("\(calls) round trips over ipc, \(window) in flight; CPU µs per round trip, both sides, best of 3")
        var results: [String: Double] = [:]
        for _ in 0..<3 {
            for (name, onBusThread, byCompletion) in [
                ("bus thread, completion", true, true), ("bus thread, await", true, false),
                ("task, completion", false, true), ("task, await", false, false),
            ] {
                let cost = try await measure(onBusThread: onBusThread, byCompletion: byCompletion)
                results[name] = min(cost, results[name] ?? .infinity)
            }
        }
        let base = results["bus thread, completion"] ?? 1
        for (name, cost) in results.sorted(by: { $0.value < $1.value }) {
            print(
                "  \(name.padding(toLength: 24, withPad: " ", startingAt: 0)) \(cost.text(1))  (\((cost / base).text(1))×)"
            )
        }
    }

    private static func measure(onBusThread: Bool, byCompletion: Bool) async throws -> Double {
        let logger = Logger(label: "bench") { LineLogHandler(process: $0, logLevel: .critical) }
        let context = try ZMQContext()
        let endpoint = try BusEndpoint("ipc:///tmp/martlet-bench-\(UUID().uuidString).sock")
        let reactors = (
            server: BusReactor(context: context, logger: logger), client: BusReactor(context: context, logger: logger)
        )
        defer {
            reactors.client.stop()
            reactors.server.stop()
        }
        var routes = BusRoutes()
        if onBusThread {
            routes.onBusThread(MessageAPI.Send.self, from: [.gateway]) { request, _, respond in
                respond(.success(reply(to: request)))
            }
        } else {
            routes.on(MessageAPI.Send.self, from: [.gateway]) { request, _ throws(ServiceError) in reply(to: request) }
        }
        let server = BusServer(routes: routes, reactor: reactors.server, logger: logger)
        try await server.bind(to: endpoint, security: BusSecurity())
        let client = BusClient(to: .message, as: .gateway, reactor: reactors.client, logger: logger)
        try await client.connect(to: [endpoint], security: BusSecurity())
        let request = MessageAPI.Send(
            sender: AccountID(1), to: .conversation(ConversationID(2)), text: String(repeating: "x", count: 128),
            replyTo: nil, clientID: nil)
        while (try? await client.call(request, CallContext(trace: "warm-up"))) == nil {}

        let start = CPUTime.ofThisProcess
        if byCompletion {
            await withCheckedContinuation { done in
                let run = Run(client: client, request: request, calls: calls) { done.resume() }
                for _ in 0..<window { run.next() }
            }
        } else {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<window {
                    group.addTask {
                        for _ in 0..<calls / window { _ = try await client.call(request, CallContext(trace: "bench")) }
                    }
                }
                try await group.waitForAll()
            }
        }
        return (CPUTime.ofThisProcess - start) / Double(calls)
    }

    private static func reply(to request: MessageAPI.Send) -> MessageAPI.Send.Reply {
        MessageAPI.Send.Reply(conversation: ConversationID(2), message: MessageID(1), sequence: 1, sentAt: 1)
    }

    /// A closed loop of completions.
    private final class Run: Sendable {
        private let client: BusClient
        private let request: MessageAPI.Send
        private let counts: Mutex<(started: Int, finished: Int)>
        private let calls: Int
        private let done: @Sendable () -> Void

        init(client: BusClient, request: MessageAPI.Send, calls: Int, done: @escaping @Sendable () -> Void) {
            self.client = client
            self.request = request
            self.calls = calls
            self.done = done
            counts = Mutex((0, 0))
        }

        func next() {
            let isWanted = counts.withLock { counts in
                guard counts.started < calls else { return false }
                counts.started += 1
                return true
            }
            guard isWanted else { return }
            client.send(request, CallContext(trace: "bench")) { [self] result in
                guard case .success = result else { fatalError("a call of the benchmark failed: \(result)") }
                let isLast = counts.withLock { counts in
                    counts.finished += 1
                    return counts.finished == calls
                }
                if isLast { done() } else { next() }
            }
        }
    }
}
