import Logging
import NIOCore
import Shared

extension PushHub {
    /// Pause before a service that was found away is asked again; doubles up to the last one.
    static let firstRetry = Duration.milliseconds(100)
    static let lastRetry = Duration.seconds(2)
    /// Pause before it is looked again whether events have come that are on their way; doubles up to ``firstRetry``.
    private static let firstLook = Duration.milliseconds(1)
    /// Connections that may ask for what they missed at the same time: after a restart everybody comes at once.
    private static let maxAttaching = 64
    /// Events kept for one connection until it is live.
    static let maxEarlyEvents = 1_000

    /// How far a connection that is not live has come.
    private struct Place {
        var missed: MessageAPI.Missed
        var lastOpening: Int64?

        /// Whether its client wants what it missed.
        var isResumed: Bool { missed != .none }
    }

    /// Brings a connection to life, however often it takes.
    func goLive(_ connection: PushConnection, missed: MessageAPI.Missed) {
        starting[connection.id] = connection
        Task {
            if connection.isExclusive { await succeed(as: connection) }
            var place = Place(missed: missed)
            await retrying(while: { connection.socket.isOpen }) { () async throws(ServiceError) in
                try await goLive(connection, from: &place)
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
    /// - Parameter place: where to go on when this has to be repeated.
    /// - Returns: `false` when live events ran away meanwhile and it has to be repeated.
    private func goLive(_ connection: PushConnection, from place: inout Place) async throws(ServiceError) -> Bool {
        let account = connection.session.account
        var reply: MessageAPI.Attach.Reply
        repeat {
            reply = try await attach(account, place)
            guard await catchUp(connection, with: reply, &place) else { return true }
        } while reply.hasMore
        await hear(upTo: reply.position, for: connection)

        // A client that saw the handshake counts on everything since, however long message-svc took to answer.
        let start = min(reply.position, connection.openedAt ?? reply.position)
        guard let (between, names) = await recentEvents(after: start, for: connection) else {
            connection.openedAt = nil
            return false
        }
        guard connection.socket.isOpen else { return true }
        // From here on nothing is awaited: no event can come in between.
        var conversations = Set(reply.conversations)
        for case (let number, .conversationChanged(let change)) in between.reversed() where number <= reply.position {
            change.undo(in: &conversations, of: account)
        }
        for (number, event) in between {
            if case .conversationChanged(let change) = event { change.follow(in: &conversations, of: account) }
            // What is in the answer was sent with it.
            if case .messageSent = event, place.isResumed, number <= reply.position { continue }
            push(event, names, to: connection, in: conversations)
        }
        for event in connection.early { push(event, names, to: connection, in: conversations) }
        connection.early = []
        starting[connection.id] = nil
        connection.position = max(start, recent.position)
        note(connection, servedUpTo: max(reply.last, lastMessage))
        if accounts[account]?.conversations == nil {
            accounts[account]?.conversations = conversations
            for conversation in conversations { join(conversation, account) }
        }
        return true
    }

    /// Sends what one answer says was missed, each conversation that began before its messages.
    ///
    /// - Returns: `false` when the connection has ended.
    private func catchUp(
        _ connection: PushConnection, with reply: MessageAPI.Attach.Reply, _ place: inout Place
    ) async -> Bool {
        let openings = await tellable(reply.openings, for: connection)
        let conversations = Set(reply.openings.map(\.conversation) + reply.missed.map(\.conversation))
        let events = openings + reply.missed.map { .messageSent($0) }
        let names = await names(of: events, in: connection.dialect)
        for event in events {
            // What is sent to a connection that is closing has not been served.
            guard connection.socket.isOpen else { return false }
            push(event, names, to: connection, in: conversations)
            if case .messageSent(let message) = event {
                note(connection, servedUpTo: message.id)
                place.missed = .after(message.id)
            }
            if connection.socket.queued.bytes > maxBacklogBytes {
                await connection.socket.drained()
                confirmNotices(of: connection)
            }
        }
        place.lastOpening = reply.openings.last?.number ?? place.lastOpening
        return true
    }

    /// How an account came into conversations, as the events that told of it live.
    ///
    /// Of some nobody knows it any more: a friend then counts as the one who has accepted, and a group's owner as the one
    /// who has brought the account in.
    private func tellable(
        _ openings: [MessageAPI.Opening], for connection: PushConnection
    ) async -> [BackendEvent] {
        let account = connection.session.account
        func event(_ opening: MessageAPI.Opening, _ reason: ConversationReason?) -> BackendEvent {
            .conversationChanged(
                MessageAPI.ConversationChanged(
                    conversation: opening.conversation, joined: [account], left: [], reason: reason))
        }
        let unexplained = openings.filter { $0.reason == nil && $0.peer == nil }.map { event($0, nil) }
        let names = await names(of: unexplained, in: connection.dialect)
        return openings.map { opening in
            if let reason = opening.reason { return event(opening, reason) }
            if let peer = opening.peer {
                let friendship = SocialAPI.FriendshipBegan(
                    applicant: account, accepter: peer, conversation: opening.conversation, request: FriendRequestID(0))
                return event(opening, .friendshipBegan(friendship))
            }
            let group = names.group(opening.conversation)
            let joined = SocialAPI.MembersJoined(
                conversation: opening.conversation, name: group?.name ?? "", accounts: [account],
                operator: group?.owner ?? account, settled: [])
            return event(opening, .membersJoined(joined))
        }
    }

    /// Returns when this gateway has heard of everything an answer of message-svc knows of: its connections and that
    /// answer then speak of the same place in the log.
    private func hear(upTo position: Int64, for connection: PushConnection) async {
        var pause = Self.firstLook
        while connection.socket.isOpen, recent.position < position {
            // Ends early only with the process.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.firstRetry)
        }
    }

    /// What an account has missed, asked for when its turn has come.
    private func attach(
        _ account: AccountID, _ place: Place
    ) async throws(ServiceError) -> MessageAPI.Attach.Reply {
        if attaching < Self.maxAttaching {
            attaching += 1
        } else {
            await withCheckedContinuation { attachQueue.append($0) }
        }
        defer { if let next = attachQueue.popFirst() { next.resume() } else { attaching -= 1 } }
        return try await backend.message.call(
            MessageAPI.Attach(account: account, missed: place.missed, lastOpening: place.lastOpening),
            CallContext(trace: ""))
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

extension MessageAPI.ConversationChanged {
    /// Follows the change in the conversations of an account.
    fileprivate func follow(in conversations: inout Set<ConversationID>, of account: AccountID) {
        if joined.contains(account) { conversations.insert(conversation) }
        if left.contains(account) { conversations.remove(conversation) }
    }

    /// Takes the change back.
    fileprivate func undo(in conversations: inout Set<ConversationID>, of account: AccountID) {
        if joined.contains(account) { conversations.remove(conversation) }
        if left.contains(account) { conversations.insert(conversation) }
    }
}
