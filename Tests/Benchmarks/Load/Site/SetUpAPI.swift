import Foundation

/// The `classic` API as it is used to prepare measurements: many calls at once, each of which has to succeed.
final class SetUpAPI {
    /// One call.
    struct Call {
        let bytes: [UInt8]

        init(_ method: String, _ path: String, _ account: Account?, _ json: String) {
            bytes = HTTPConnection.request(method, path, token: account?.token, json: json)
        }
    }

    private static let connectionCount = 32
    private static let timeoutSeconds = 60.0

    let loop: SocketLoop
    let port: Int

    init(_ loop: SocketLoop, port: Int) {
        self.loop = loop
        self.port = port
    }

    @discardableResult
    func call(_ call: Call) throws -> [String: Any] { try calls([call])[0] }

    /// Makes calls, not in order; returns the answers in order.
    @discardableResult
    func calls(_ calls: [Call]) throws -> [[String: Any]] {
        var answers = [[String: Any]](repeating: [:], count: calls.count)
        var next = 0
        var answered = 0
        let connections = try (0..<min(Self.connectionCount, calls.count)).map { _ in
            try HTTPConnection(loop, port: port)
        }
        func begin(_ connection: HTTPConnection) throws {
            guard next < calls.count else { return }
            let number = next
            next += 1
            connection.onAnswer = { [unowned connection] answer in
                let json = try? JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
                guard let json, json["code"] as? Int == 0 else {
                    let request = calls[number].bytes.withUnsafeBytes { $0.asText }
                    throw BenchmarkFailure("\(request)\n→ \(answer.status) \(answer.body.asText)")
                }
                answers[number] = json
                answered += 1
                try begin(connection)
            }
            try connection.send(calls[number].bytes)
        }
        for connection in connections { try begin(connection) }
        var seen = 0
        while answered < calls.count {
            guard try loop.run(until: Clock.after(seconds: Self.timeoutSeconds), { answered > seen }) else {
                throw BenchmarkFailure("no answer within \(Self.timeoutSeconds) s")
            }
            seen = answered
        }
        for connection in connections { try loop.close(connection) }
        return answers
    }
}
