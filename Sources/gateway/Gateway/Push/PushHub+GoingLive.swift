import Logging
import NIOCore
import Shared

extension PushHub {
    /// Pause before a service that was found away is asked again; doubles up to the last one.
    static let firstRetry = Duration.milliseconds(100)
    static let lastRetry = Duration.seconds(2)
    /// Connections that may ask for what they missed at the same time: after a restart everybody comes at once.
    private static let maxAttaching = 64
    /// Events kept for one connection until it is live.
    static let maxEarlyEvents = 1_000

    /// Brings a connection to life, however often it takes.
    func goLive(_ connection: PushConnection, missed: MessageAPI.Missed) {
        starting[connection.id] = connection
        Task {
            if connection.isExclusive { await succeed(as: connection) }
            var missed = missed
            await retrying(while: { connection.socket.isOpen }) { () async throws(ServiceError) in
                try await goLive(connection, missed: &missed)
            }
        }
    }

    /// Does something until it is done, or of no more use; while a service is away, with growing pauses.
    ///
    /// - Parameter attempt: `false` to be called again at once.
    func retrying(
        while isWanted: () -> Bool, _ attempt: () async throws(ServiceError) -> Bool
    ) async {
        var pause = Self.firstRetry
        while isWanted() {
            do throws(ServiceError) {
                if try await attempt() { return }
            } catch {
                guard isWanted() else { return }
                logger.debug("a push connection waits for a service", metadata: ["reason": "\(error)"])
                // Ends early only with the process.
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, Self.lastRetry)
            }
        }
    }

    /// Sends what was missed and joins the live events without a hole or a repetition.
    ///
    /// - Parameter missed: where to go on when this has to be repeated.
    /// - Returns: `false` when live events ran away meanwhile and it has to be repeated.
    private func goLive(
        _ connection: PushConnection, missed: inout MessageAPI.Missed
    ) async throws(ServiceError) -> Bool {
        let account = connection.session.account
        var reply: MessageAPI.Attach.Reply
        repeat {
            reply = try await attach(account, missed)
            let conversations = Set(reply.missed.map(\.conversation))
            let names = await names(of: reply.missed.map { .messageSent($0) }, in: connection.dialect)
            for message in reply.missed {
                // What is sent to a connection that is closing has not been served.
                guard connection.socket.isOpen else { return true }
                push(.messageSent(message), names, to: connection, in: conversations)
                note(connection, servedUpTo: message.id)
                missed = .after(message.id)
                if connection.socket.queued.bytes > maxBacklogBytes {
                    await connection.socket.drained()
                    confirmNotices(of: connection)
                }
            }
        } while reply.hasMore

        var position = reply.position
        // A client that saw the handshake counts on everything sent since, however long message-svc took to answer.
        if case .none = missed, let openedAt = connection.openedAt { position = min(position, openedAt) }
        guard let (between, names) = await recentEvents(after: position, for: connection) else {
            connection.openedAt = nil
            return false
        }
        guard connection.socket.isOpen else { return true }
        // From here on nothing is awaited: no event can come in between.
        var conversations = Set(reply.conversations)
        for (_, event) in between {
            if case .participantsChanged(let change) = event {
                if change.joined.contains(account) { conversations.insert(change.conversation) }
                if change.left.contains(account) { conversations.remove(change.conversation) }
            }
            push(event, names, to: connection, in: conversations)
        }
        for event in connection.early { push(event, names, to: connection, in: conversations) }
        connection.early = []
        starting[connection.id] = nil
        connection.position = max(position, recent.position)
        note(connection, servedUpTo: max(reply.last, lastMessage))
        if accounts[account]?.conversations == nil {
            accounts[account]?.conversations = conversations
            for conversation in conversations { join(conversation, account) }
        }
        return true
    }

    /// What an account has missed, asked for when its turn has come.
    private func attach(
        _ account: AccountID, _ missed: MessageAPI.Missed
    ) async throws(ServiceError) -> MessageAPI.Attach.Reply {
        if attaching < Self.maxAttaching {
            attaching += 1
        } else {
            await withCheckedContinuation { attachQueue.append($0) }
        }
        defer { if let next = attachQueue.popFirst() { next.resume() } else { attaching -= 1 } }
        return try await backend.message.call(
            MessageAPI.Attach(account: account, missed: missed), CallContext(trace: ""))
    }

    /// The events of message-svc that came while a connection was being started, with the names they need.
    private func recentEvents(
        after position: Int64, for connection: PushConnection
    ) async -> (events: [(number: Int64, event: BackendEvent)], names: PushNames)? {
        var names = PushNames(profiles: profiles, groups: groups)
        while let events = recent.after(position) {
            let all = events.map(\.event) + connection.early
            let missing = names.missing(for: all.map(connection.dialect.subjects))
            if missing.isEmpty { return (events, names) }
            await fetch(missing, into: &names)
        }
        return nil
    }

    /// Says to one connection what its dialect says about an event, if it concerns its account.
    private func push(
        _ event: BackendEvent, _ names: PushNames, to connection: PushConnection, in conversations: Set<ConversationID>
    ) {
        let account = connection.session.account
        for push in connection.dialect.pushes(about: event, names) {
            switch push.audience {
            case .accounts(let accounts) where accounts.contains(account): break
            case .members(let conversation, let besides)
            where conversations.contains(conversation) && !besides.contains(account): break
            default: continue
            }
            connection.socket.send(push.frame().bytes(for: account))
        }
    }
}
