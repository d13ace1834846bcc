import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Pairs of friends over a running Martlet: one of each sends over HTTP in a closed loop, the other reads his push
/// socket. Checks that nothing is lost, doubled or out of order, and reads the CPU of the four processes.
struct ChatBenchmark {
    private static let processes = ["gateway", "auth-svc", "social-svc", "message-svc"]
    private static let text = String(repeating: "x", count: 128)

    private var pairs = 50
    private var window = 4
    private var seconds = 10
    private var host = "127.0.0.1"
    private var port = 8000

    init(arguments: [String]) throws {
        var rest = arguments[...]
        while let option = rest.popFirst(), let value = rest.popFirst() {
            switch option {
            case "--pairs": pairs = Int(value) ?? pairs
            case "--window": window = Int(value) ?? window
            case "--seconds": seconds = Int(value) ?? seconds
            case "--gateway":
                let parts = value.split(separator: ":")
                host = parts.first.map(String.init) ?? host
                port = parts.last.flatMap { Int($0) } ?? port
            default: throw BenchmarkFailure("unknown option \(option)")
            }
        }
    }

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        print("opening \(pairs) friendships …")
        var friendships: [Friendship] = []
        for _ in 0..<pairs { friendships.append(try await befriend(group)) }

        let tally = Tally()
        var senders: [ChatHTTPClient] = []
        for friendship in friendships {
            try await ChatPushReader.open(
                group, host: host, port: port, token: friendship.receiver, tally: tally)
            for _ in 0..<window { senders.append(try await ChatHTTPClient.open(group, host: host, port: port)) }
        }
        let pids = Self.processes.flatMap { name in CPUTime.processes(named: name).map { (name, $0) } }
        print("\(pairs) pairs, window \(window), \(seconds) s …")
        let before = pids.map { CPUTime.of(process: $0.1) ?? 0 }
        let started = Date()
        let end = started.addingTimeInterval(Double(seconds))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, sender) in senders.enumerated() {
                let friendship = friendships[index / window]
                group.addTask {
                    while Date() < end {
                        _ = try await sender.request(
                            "PUT", "/message/send_message", token: friendship.sender,
                            body:
                                #"{"conversationId":"\#(friendship.conversation)","message":"\#(Self.text)","replyId":-1}"#
                        )
                        tally.sent.add(1, ordering: .relaxed)
                    }
                }
            }
            try await group.waitForAll()
        }
        let elapsed = Date().timeIntervalSince(started)
        let sent = tally.sent.load(ordering: .relaxed)
        while tally.received.load(ordering: .relaxed) < sent, Date() < end.addingTimeInterval(10) {
            try await Task.sleep(for: .milliseconds(10))
        }
        let received = tally.received.load(ordering: .relaxed)
        print(
            "\(sent) sent and answered, \(received) delivered, \(tally.disorders.load(ordering: .relaxed)) out of order"
        )
        print("\(Int(Double(sent) / elapsed)) messages/s while the clients share the machine")
        var total = 0.0
        for (index, (name, pid)) in pids.enumerated() {
            let cost = ((CPUTime.of(process: pid) ?? 0) - before[index]) / Double(max(1, received))
            total += cost
            print("  \(name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(cost.text(1)) µs CPU per delivery")
        }
        print("  together     \(total.text(1)) µs CPU per delivery")
        try await group.shutdownGracefully()
        guard received == sent, tally.disorders.load(ordering: .relaxed) == 0 else {
            throw BenchmarkFailure("messages were lost, doubled or out of order")
        }
    }

    private struct Friendship {
        let sender: String
        let receiver: String
        let conversation: String
    }

    private func befriend(_ group: any EventLoopGroup) async throws -> Friendship {
        let client = try await ChatHTTPClient.open(group, host: host, port: port)
        let names = (0..<2).map { _ in "bench" + UUID().uuidString.filter { $0 != "-" } }
        var accounts: [(token: String, id: Int)] = []
        for name in names {
            _ = try await client.request(
                "PUT", "/user/register",
                body: """
                    {"userName":"\(name)","password":"123456","ensurePassword":"123456","phoneNumber":"13243218765",\
                    "email":"","picture":""}
                    """)
            let answer = try await client.request(
                "POST", "/user/login", body: #"{"userName":"\#(name)","password":"123456"}"#)
            guard let token = answer["token"] as? String, let id = answer["userId"] as? Int else {
                throw BenchmarkFailure("log-in: \(answer)")
            }
            accounts.append((token, id))
        }
        _ = try await client.request(
            "POST", "/friend/apply_friend", token: accounts[0].token, body: #"{"applyUserName":"\#(names[1])"}"#)
        let accepted = try await client.request(
            "POST", "/friend/handel_apply", token: accounts[1].token,
            body: #"{"senderUserId":\#(accounts[0].id),"agree":"True"}"#)
        guard let conversation = accepted["conversation_id"] as? String else {
            throw BenchmarkFailure("accepting: \(accepted)")
        }
        return Friendship(sender: accounts[0].token, receiver: accounts[1].token, conversation: conversation)
    }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What was sent and what arrived.
final class Tally: Sendable {
    let sent = Atomic(0)
    let received = Atomic(0)
    let disorders = Atomic(0)
}
