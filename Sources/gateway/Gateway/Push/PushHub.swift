import Logging
import NIOCore
import Shared

/// One push connection: whose it is, what it speaks, and from which event on it is live.
private final class PushConnection {
    let id: UInt64
    let socket: WebSocketConnection
    let session: Session
    let dialect: any PushDialect
    var expiry: Scheduled<Void>?
    /// The last message event before it was opened: where live begins unless its client resumes from a message.
    /// `nil` once the events since then are not kept any more.
    var openedAt: Int64?
    /// The last message event this connection was given by other means; `nil` until it is live.
    var position: Int64?

    init(id: UInt64, socket: WebSocketConnection, session: Session, dialect: any PushDialect, openedAt: Int64) {
        self.id = id
        self.socket = socket
        self.session = session
        self.dialect = dialect
        self.openedAt = openedAt
    }
}

/// Brings events to the connections they concern: a frame is encoded once per dialect, whoever receives it.
///
/// Lives on the gateway's event loop. Each publisher's events are worked off in order; one that needs a profile that is
/// not in memory holds up those behind it until it is there, so that no order is ever changed.
actor PushHub {
    /// Pause before a service that was found away is asked again.
    private static let retryInterval = Duration.milliseconds(200)
    /// How long a push is held up for its name: longer than a restart of auth-svc takes.
    private static let maxNameWait = Duration.seconds(10)

    private struct LocalAccount {
        /// Oldest first.
        var connections: [PushConnection] = []
        /// Where the account takes part; `nil` until its first connection is live.
        var conversations: Set<ConversationID>?
    }

    private struct Lane {
        var events: [(number: Int64, event: BackendEvent)] = []
        var isWaiting = false
    }

    private let eventLoop: any EventLoop
    private let backend: Backend
    private let profiles: ProfileCache
    private let gate: TokenGate
    private let maxConnectionsPerAccount: Int
    /// Bytes of missed messages queued on a connection before its client has to take some.
    private let maxBacklogBytes: Int
    private let logger: Logger

    private var accounts: [AccountID: LocalAccount] = [:]
    /// The accounts connected here by conversation: what a message needs to find its recipients.
    private var members: [ConversationID: Set<AccountID>] = [:]
    private var lanes: [ServiceName: Lane] = [:]
    private var recent = RecentEvents()
    private var lastConnection: UInt64 = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    init(
        eventLoop: any EventLoop, backend: Backend, profiles: ProfileCache, gate: TokenGate,
        configuration: GatewayConfiguration, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.backend = backend
        self.profiles = profiles
        self.gate = gate
        maxConnectionsPerAccount = configuration.maxConnectionsPerAccount
        maxBacklogBytes = configuration.server.webSocket.maxQueuedBytes / 4
        self.logger = logger
    }

    // MARK: - Connections

    /// Takes over a connection that has just become a WebSocket: first what it missed since a message, then live.
    ///
    /// Must be called on the event loop.
    nonisolated func open(
        _ socket: WebSocketConnection, _ session: Session, _ dialect: any PushDialect, since: MessageID?
    ) {
        assumeIsolated { hub in
            hub.lastConnection += 1
            let connection = PushConnection(
                id: hub.lastConnection, socket: socket, session: session, dialect: dialect,
                openedAt: hub.recent.position)
            socket.overflowCloseCode = dialect.tooSlowCode
            socket.onClose = { [self, id = connection.id] _ in assumeIsolated { $0.forget(id, of: session.account) } }
            hub.register(connection)
            guard socket.isOpen else { return }
            hub.start(connection, since: since)
        }
    }

    /// Closes the connections of a session that is over. Idempotent.
    func close(_ session: SessionID, of account: AccountID) {
        for connection in accounts[account]?.connections ?? [] where connection.session.id == session {
            connection.socket.close(code: connection.dialect.sessionOverCode, reason: "session over")
        }
    }

    private func register(_ connection: PushConnection) {
        let session = connection.session
        accounts[session.account, default: LocalAccount()].connections.append(connection)
        // The session may have ended between the handshake and now.
        guard !gate.isRevoked(session.id) else {
            return connection.socket.close(code: connection.dialect.sessionOverCode, reason: "session over")
        }
        let secondsLeft = session.expiresAt - WallClock.seconds
        connection.expiry = eventLoop.scheduleTask(in: .seconds(max(0, secondsLeft))) { [self] in
            assumeIsolated { $0.close(session.id, of: session.account) }
        }
        // Those that are closing already leave in a later tick.
        let open = accounts[session.account]?.connections.filter(\.socket.isOpen) ?? []
        if open.count > maxConnectionsPerAccount {
            open[0].socket.close(code: .policyViolation, reason: "too many connections")
        }
    }

    private func forget(_ connection: UInt64, of id: AccountID) {
        guard var account = accounts[id] else { return }
        account.connections.removeAll { candidate in
            guard candidate.id == connection else { return false }
            candidate.expiry?.cancel()
            return true
        }
        guard account.connections.isEmpty else {
            accounts[id] = account
            return
        }
        for conversation in account.conversations ?? [] { leave(conversation, id) }
        accounts[id] = nil
    }

    // MARK: - Going live

    private func start(_ connection: PushConnection, since: MessageID?) {
        Task {
            var since = since
            while connection.socket.isOpen {
                do throws(ServiceError) {
                    if try await goLive(connection, since: &since) { return }
                } catch {
                    guard connection.socket.isOpen else { return }
                    logger.debug("a push connection waits for message-svc", metadata: ["reason": "\(error)"])
                    // Nothing cancels this task.
                    try? await Task.sleep(for: Self.retryInterval)
                }
            }
        }
    }

    /// Sends what was missed and joins the live events without a hole or a repetition.
    ///
    /// - Parameter since: where to go on when this has to be repeated.
    /// - Returns: `false` when live events ran away meanwhile and it has to be repeated.
    private func goLive(_ connection: PushConnection, since: inout MessageID?) async throws(ServiceError) -> Bool {
        let account = connection.session.account
        var reply: MessageAPI.Attach.Reply
        repeat {
            let context = CallContext(trace: "")
            reply = try await backend.message.call(MessageAPI.Attach(account: account, since: since), context)
            let senders = try await profiles.profiles(of: reply.missed.map(\.sender), context)
            for message in reply.missed {
                push(.messageSent(message, sender: senders[message.sender]), to: connection)
                since = message.id
                if connection.socket.queued.bytes > maxBacklogBytes { await connection.socket.drained() }
                guard connection.socket.isOpen else { return true }
            }
        } while reply.hasMore

        var position = reply.position
        // A client that saw the handshake counts on everything sent since, however long message-svc took to answer.
        if since == nil, let openedAt = connection.openedAt { position = min(position, openedAt) }
        guard let between = try await recentEvents(after: position) else {
            connection.openedAt = nil
            return false
        }
        guard connection.socket.isOpen else { return true }
        // From here on nothing is awaited: no event can come in between.
        var conversations = Set(reply.conversations)
        for (_, event) in between {
            switch event {
            case .messageSent(let message) where conversations.contains(message.conversation):
                push(.messageSent(message, sender: profiles.cached(message.sender)), to: connection)
            case .participantsChanged(let change):
                if change.joined.contains(account) { conversations.insert(change.conversation) }
                if change.left.contains(account) { conversations.remove(change.conversation) }
            default: break
            }
        }
        connection.position = max(position, recent.position)
        if accounts[account]?.conversations == nil {
            accounts[account]?.conversations = conversations
            for conversation in conversations { members[conversation, default: []].insert(account) }
        }
        return true
    }

    /// The events that came while a connection was being started, once the names they need are in memory.
    private func recentEvents(
        after position: Int64
    ) async throws(ServiceError) -> [(number: Int64, event: BackendEvent)]? {
        // Accounts that do not exist; asking again would not help.
        var nobody: Set<AccountID> = []
        while let events = recent.after(position) {
            let unknown = Set(events.compactMap(\.event.subject)).subtracting(nobody)
                .filter { profiles.cached($0) == nil }
            if unknown.isEmpty { return events }
            let found = try await profiles.profiles(of: unknown, CallContext(trace: ""))
            nobody.formUnion(unknown.filter { found[$0] == nil })
        }
        return nil
    }

    // MARK: - Events

    /// Takes what a subscription says; from the bus thread, in order.
    nonisolated func receive(_ change: Subscription, from service: ServiceName) {
        eventLoop.execute { [self] in
            assumeIsolated { hub in
                switch change {
                case .events(let events): hub.enqueue(events, from: service)
                case .startAfresh(let position): hub.startAfresh(service, at: position)
                }
            }
        }
    }

    private func enqueue(_ events: [NumberedEvent], from service: ServiceName) {
        for event in events {
            lanes[service, default: Lane()].events.append((event.number, decode(event, from: service)))
        }
        workOff(service)
    }

    /// An event that cannot be read still has its number, which the others count on.
    private func decode(_ event: NumberedEvent, from service: ServiceName) -> BackendEvent {
        do throws(WireError) {
            return try BackendEvent(event)
        } catch {
            logger.error(
                "an event could not be read",
                metadata: ["from": "\(service)", "kind": "\(event.kind)", "reason": "\(error)"])
            return .other
        }
    }

    /// Everything heard from a service is void: its state is read anew, and connections that lived on it start over.
    private func startAfresh(_ service: ServiceName, at position: Int64) {
        lanes[service]?.events = []
        switch service {
        case .auth:
            profiles.forgetAll()
            Task {
                await gate.synchronize()
                for (id, account) in accounts {
                    for session in Set(account.connections.map(\.session.id)) where gate.isRevoked(session) {
                        close(session, of: id)
                    }
                }
            }
        case .message:
            recent.restart(at: position)
            for connection in accounts.values.flatMap(\.connections) {
                connection.socket.close(code: .serviceRestart, reason: "resume with since")
            }
        case .social, .gateway:
            break
        }
    }

    private func workOff(_ service: ServiceName) {
        guard var lane = lanes[service], !lane.isWaiting else { return }
        var done = 0
        for (number, event) in lane.events {
            if let subject = event.subject, profiles.cached(subject) == nil, !recipients(of: event).isEmpty {
                lane.isWaiting = true
                fetchProfile(of: subject, for: service)
                break
            }
            apply(event, number: number, from: service)
            done += 1
        }
        lane.events.removeFirst(done)
        lanes[service] = lane
    }

    private func fetchProfile(of account: AccountID, for service: ServiceName) {
        Task {
            let deadline = MonotonicTime.after(Self.maxNameWait)
            // What was fetched is not kept when it changed meanwhile, and then asked for anew.
            while profiles.cached(account) == nil {
                do throws(ServiceError) {
                    // Nobody has this id: asking again would not help.
                    if try await profiles.profiles(of: [account], CallContext(trace: "")).isEmpty { break }
                } catch {
                    guard !deadline.hasPassed, !accounts.isEmpty else {
                        logger.warning("pushes go without a name", metadata: ["reason": "\(error)"])
                        break
                    }
                    // Nothing cancels this task.
                    try? await Task.sleep(for: Self.retryInterval)
                }
            }
            resume(service)
        }
    }

    /// The first event has waited for its name: it goes now, with or without it.
    private func resume(_ service: ServiceName) {
        guard var lane = lanes[service] else { return }
        lane.isWaiting = false
        let first = lane.events.isEmpty ? nil : lane.events.removeFirst()
        lanes[service] = lane
        if let first { apply(first.event, number: first.number, from: service) }
        workOff(service)
    }

    private func apply(_ event: BackendEvent, number: Int64, from service: ServiceName) {
        if service == .message { recent.append(event, number: number) }
        switch event {
        case .messageSent(let message):
            push(
                .messageSent(message, sender: profiles.cached(message.sender)), to: recipients(of: event),
                number: number)
        case .participantsChanged(let change):
            for account in change.joined where accounts[account]?.conversations != nil {
                accounts[account]?.conversations?.insert(change.conversation)
                members[change.conversation, default: []].insert(account)
            }
            for account in change.left where accounts[account]?.conversations != nil {
                accounts[account]?.conversations?.remove(change.conversation)
                leave(change.conversation, account)
            }
        case .friendshipRequested(let request):
            push(
                .friendshipRequested(request, applicant: profiles.cached(request.applicant)), to: recipients(of: event))
        case .friendshipBegan(let friendship):
            push(
                .friendshipBegan(friendship, accepter: profiles.cached(friendship.accepter)), to: recipients(of: event))
        case .sessionRevoked(let revocation):
            gate.revoke(revocation.session, expiresAt: revocation.expiresAt)
            close(revocation.session, of: revocation.account)
        case .profileChanged(let change):
            profiles.forget(change.account)
        case .other:
            break
        }
    }

    // MARK: - Fan-out

    private func recipients(of event: BackendEvent) -> Set<AccountID> {
        switch event {
        case .messageSent(let message): members[message.conversation] ?? []
        case .friendshipRequested(let request): accounts[request.target] == nil ? [] : [request.target]
        case .friendshipBegan(let friendship): accounts[friendship.applicant] == nil ? [] : [friendship.applicant]
        case .participantsChanged, .sessionRevoked, .profileChanged, .other: []
        }
    }

    /// - Parameter number: for messages, which live connections get once and starting ones by other means.
    private func push(_ notice: PushNotice, to recipients: Set<AccountID>, number: Int64? = nil) {
        var frames: [Dialect: WebSocketFrameBytes?] = [:]
        for account in recipients {
            for connection in accounts[account]?.connections ?? [] {
                if let number {
                    guard let position = connection.position, position < number else { continue }
                }
                let dialect = connection.dialect
                let frame = frames[dialect.name] ?? dialect.frame(for: notice)
                frames[dialect.name] = frame
                if let frame { connection.socket.send(frame) }
            }
        }
    }

    private func push(_ notice: PushNotice, to connection: PushConnection) {
        if let frame = connection.dialect.frame(for: notice) { connection.socket.send(frame) }
    }

    private func leave(_ conversation: ConversationID, _ account: AccountID) {
        members[conversation]?.remove(account)
        if members[conversation]?.isEmpty == true { members[conversation] = nil }
    }
}
