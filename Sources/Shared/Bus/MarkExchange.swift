import Logging
import Synchronization

/// Keeps a process and the services it calls informed of each other's marks: at the beginning, before anything else is
/// asked of them, and then whenever something is new.
///
/// A service that somebody has seen further than it is judges itself by that (``ServiceHost``); this only carries the news.
package final class MarkExchange: Sendable {
    /// Time between two looks whether there is something to tell.
    static let interval = Duration.seconds(1)
    /// Pause before a service that has not answered yet is asked again.
    private static let retryInterval = Duration.milliseconds(100)
    /// Time an exchange has.
    private static let timeout = Duration.seconds(1)

    private struct State {
        /// Those who have not answered yet.
        var strangers: Set<ServiceName>
        var tasks: [Task<Void, Never>] = []
    }

    private let clients: [BusClient]
    private let marks: KnownMarks
    private let own: @Sendable () -> MarksAPI.Known?
    private let learn: (@Sendable (MarksAPI.Exchange.Reply) -> Bool)?
    private let state: Mutex<State>
    private let (answers, answer) = AsyncStream<Void>.makeStream()

    /// - Parameters:
    ///   - clients: held ones; they are released when all their services have answered.
    ///   - own: the caller's own mark, if it is a service.
    ///   - learn: keeps what an answer says, in place of the marks' own rules, and says whether the caller may go on.
    package init(
        with clients: [BusClient], marks: KnownMarks, own: @escaping @Sendable () -> MarksAPI.Known? = { nil },
        learn: (@Sendable (MarksAPI.Exchange.Reply) -> Bool)? = nil
    ) {
        self.clients = clients
        self.marks = marks
        self.own = own
        self.learn = learn
        state = Mutex(State(strangers: Set(clients.map(\.service))))
    }

    /// Begins to exchange.
    ///
    /// - Parameter patience: the clients are released after this time, even if not all have answered; `nil` to wait.
    package func start(patience: Duration?) {
        let release = Task {
            let timer = Task { [answer] in
                guard let patience else { return }
                // Cancelled when all have answered in time.
                try? await Task.sleep(for: patience)
                answer.finish()
            }
            for await _ in answers {}
            timer.cancel()
            guard !Task.isCancelled else { return }
            for client in clients { client.release() }
        }
        let tasks = clients.map { client in Task { await converse(with: client) } }
        state.withLock { $0.tasks = tasks + [release] }
    }

    /// Ends it. Idempotent.
    package func stop() async {
        let tasks = state.withLock { state in
            defer { state.tasks = [] }
            return state.tasks
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func converse(with client: BusClient) async {
        var told: [MarksAPI.Known]?
        while !Task.isCancelled {
            let known = marks.known(besides: client.service) + [own()].compactMap(\.self)
            if known != told {
                do throws(ServiceError) {
                    let context = CallContext(trace: "marks", deadline: .after(Self.timeout))
                    take(try await client.greet(MarksAPI.Exchange(known: known), context), from: client.service)
                    told = known
                } catch {
                    // Who is older than he was seen has heard it; who is away has not.
                    if error.outdatedReason != nil { meet(client.service) }
                }
            }
            // Cut short only by the end.
            try? await Task.sleep(for: told == known ? Self.interval : Self.retryInterval)
        }
    }

    private func take(_ reply: MarksAPI.Exchange.Reply, from service: ServiceName) {
        if let learn {
            if learn(reply) { meet(service) }
            return
        }
        for known in reply.known {
            if known.service == service {
                marks.note(known.mark, of: service)
            } else {
                marks.confirm(known.mark, of: known.service)
            }
        }
        meet(service)
    }

    private func meet(_ service: ServiceName) {
        let isLast = state.withLock { $0.strangers.remove(service) != nil && $0.strangers.isEmpty }
        if isLast { answer.finish() }
    }
}
