import Synchronization

/// A push connection as a good client keeps it: when it breaks, the next one begins after the last message received.
package final class PushFollower: Sendable {
    /// Pause before a connection that could not be made is tried again.
    private static let retryInterval = Duration.milliseconds(20)

    private struct State {
        var messages: [ChatMessage] = []
        var others: [JSON] = []
        var connections = 0
        var socket: PushSocket?
        var isStopped = false
        var failure: String?
        var task: Task<Void, Never>?
    }

    private let client: ChatClient
    private let state = Mutex(State())

    fileprivate init(_ client: ChatClient, since: Int64 = 0) {
        self.client = client
        let task = Task { await run(since: since) }
        state.withLock { $0.task = task }
    }

    /// The messages received, in the order they came, over all connections.
    package var messages: [ChatMessage] { state.withLock { $0.messages } }
    /// Pushes of other types.
    package var others: [JSON] { state.withLock { $0.others } }
    /// Connections made so far.
    package var connections: Int { state.withLock { $0.connections } }
    /// What came that cannot be a push.
    package var failure: String? { state.withLock { $0.failure } }

    /// Waits until a message was received.
    package func untilReceived(_ text: String, within limit: Duration = .seconds(15)) async throws {
        try await eventually("\(client.userName) is pushed \(text)", within: limit) {
            messages.last { $0.text == text } != nil
        }
    }

    /// Ends the connection and returns when nothing is received any more. Idempotent.
    package func stop() async {
        let (socket, task) = state.withLock { state in
            state.isStopped = true
            return (state.socket, state.task)
        }
        socket?.close()
        await task?.value
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func run(since: Int64) async {
        while !isStopped {
            do {
                let socket = try await client.pushSocket(since: messages.last?.id ?? since)
                state.withLock { state in
                    state.socket = socket
                    state.connections += 1
                }
                while !isStopped { try take(try await socket.next(within: .seconds(60))) }
                socket.close()
            } catch ClientError.malformed(let reason) {
                return state.withLock { $0.failure = reason }
            } catch {
                // The gateway is away or has closed: it is tried again.
                try? await Task.sleep(for: Self.retryInterval)
            }
        }
    }

    private func take(_ push: JSON) throws {
        if push["type"] == "receive_message", let json = push["message"] {
            let message = try ChatMessage(json)
            state.withLock { $0.messages.append(message) }
        } else {
            state.withLock { $0.others.append(push) }
        }
    }
}

/// Follows the pushes of several people while a body runs.
package func withFollowers(
    of clients: [ChatClient], since: Int64 = 0, isolation: isolated (any Actor)? = #isolation,
    _ body: ([PushFollower]) async throws -> Void
) async throws {
    let followers = clients.map { PushFollower($0, since: since) }
    do {
        try await body(followers)
    } catch {
        for follower in followers { await follower.stop() }
        throw error
    }
    for follower in followers { await follower.stop() }
}
