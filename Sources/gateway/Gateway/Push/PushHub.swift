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
    /// Pause before a service that was found away is asked again; doubles up to the last one.
    private static let firstRetry = Duration.milliseconds(100)
    private static let lastRetry = Duration.seconds(2)
    /// How long pushes are held up for a name: longer than a restart of the service that knows it takes.
    private static let maxNameWait = Duration.seconds(3)
    /// Events of one service that may wait for a name; beyond it they go without.
    private static let maxWaitingEvents = 10_000

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
    private let groupNames: GroupNameCache
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
    /// Until when pushes go without names that are not in memory, because nobody could tell them.
    private var namesAwaited = MonotonicTime(nanoseconds: 0)
    private var lastConnection: UInt64 = 0
    private var synchronization: Task<Void, Never>?

    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    init(
        eventLoop: any EventLoop, backend: Backend, profiles: ProfileCache, groupNames: GroupNameCache, gate: TokenGate,
        configuration: GatewayConfiguration, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.backend = backend
        self.profiles = profiles
        self.groupNames = groupNames
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
            var pause = Self.firstRetry
            while connection.socket.isOpen {
                do throws(ServiceError) {
                    if try await goLive(connection, since: &since) { return }
                } catch {
                    guard connection.socket.isOpen else { return }
                    logger.debug("a push connection waits for message-svc", metadata: ["reason": "\(error)"])
                    // Nothing cancels this task.
                    try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                    pause = min(pause * 2, Self.lastRetry)
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
            let senders = await names(of: reply.missed.map(\.sender), in: profiles)
            let groups = await names(of: reply.missed.compactMap(\.group), in: groupNames)
            for message in reply.missed {
                push(
                    .messageSent(
                        message, sender: senders[message.sender], group: groups[message.conversation] ?? ""),
                    to: connection)
                since = message.id
                if connection.socket.queued.bytes > maxBacklogBytes { await connection.socket.drained() }
                guard connection.socket.isOpen else { return true }
            }
        } while reply.hasMore

        var position = reply.position
        // A client that saw the handshake counts on everything sent since, however long message-svc took to answer.
        if since == nil, let openedAt = connection.openedAt { position = min(position, openedAt) }
        guard let between = await recentEvents(after: position) else {
            connection.openedAt = nil
            return false
        }
        guard connection.socket.isOpen else { return true }
        // From here on nothing is awaited: no event can come in between.
        var conversations = Set(reply.conversations)
        for (_, event) in between {
            switch event {
            case .messageSent(let message) where conversations.contains(message.conversation):
                if let notice = notice(of: event) { push(notice, to: connection) }
            case .readIndexMoved(let move) where conversations.contains(move.conversation):
                push(.readIndexMoved(move), to: connection)
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
    ) async -> [(number: Int64, event: BackendEvent)]? {
        // What does not exist; asking again would not help.
        var nobody: Set<AccountID> = []
        var nothing: Set<ConversationID> = []
        while let events = recent.after(position) {
            let unknown = Set(events.compactMap(\.event.subject)).subtracting(nobody)
                .filter { profiles.cached($0) == nil }
            let unnamed = Set(events.compactMap(\.event.group)).subtracting(nothing)
                .filter { groupNames.cached($0) == nil }
            if unknown.isEmpty, unnamed.isEmpty { return events }
            let found = await names(of: unknown, in: profiles)
            let named = await names(of: unnamed, in: groupNames)
            nobody.formUnion(unknown.filter { found[$0] == nil })
            nothing.formUnion(unnamed.filter { named[$0] == nil })
        }
        return nil
    }

    /// Ends what the hub does by itself. Idempotent.
    func stop() {
        synchronization?.cancel()
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
            synchronization?.cancel()
            synchronization = Task {
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
        case .social:
            groupNames.forgetAll()
        case .gateway:
            break
        }
    }

    private func workOff(_ service: ServiceName) {
        guard var lane = lanes[service], !lane.isWaiting else { return }
        var done = 0
        for (number, event) in lane.events {
            let unknown = event.subject.flatMap { profiles.cached($0) == nil ? $0 : nil }
            let unnamed = event.group.flatMap { groupNames.cached($0) == nil ? $0 : nil }
            let mayWait = namesAwaited.hasPassed && lane.events.count - done < Self.maxWaitingEvents
            if unknown != nil || unnamed != nil, mayWait, !recipients(of: event).isEmpty {
                lane.isWaiting = true
                fetchNames(of: unknown, unnamed, for: service, number)
                break
            }
            apply(event, number: number, from: service)
            done += 1
        }
        lane.events.removeFirst(done)
        lanes[service] = lane
    }

    private func fetchNames(
        of account: AccountID?, _ group: ConversationID?, for service: ServiceName, _ number: Int64
    ) {
        Task {
            _ = await names(of: CollectionOfOne(account).compactMap(\.self), in: profiles)
            _ = await names(of: CollectionOfOne(group).compactMap(\.self), in: groupNames)
            resume(service, with: number)
        }
    }

    /// Names for pushes: asks until they are in memory, nobody has the ids, or ``maxNameWait`` is over.
    ///
    /// When whoever knows them is away, the pushes behind do not wait for him again and again.
    private func names<Key, Value>(
        of keys: some Sequence<Key>, in cache: LookupCache<Key, Value>
    ) async -> [Key: Value] {
        let wanted = Set(keys)
        let deadline = MonotonicTime.after(Self.maxNameWait)
        while true {
            do throws(ServiceError) {
                let found = try await cache.values(of: wanted, CallContext(trace: "", deadline: deadline))
                // What changed while it was fetched is not kept, and asked for anew.
                if found.keys.allSatisfy({ cache.cached($0) != nil }) || deadline.hasPassed { return found }
            } catch {
                guard !deadline.hasPassed, namesAwaited.hasPassed, !accounts.isEmpty else {
                    namesAwaited = .after(Self.maxNameWait)
                    logger.warning("pushes go without names", metadata: ["reason": "\(error)"])
                    let known = wanted.compactMap { key in cache.cached(key).map { (key, $0) } }
                    return Dictionary(known) { first, _ in first }
                }
                // Nothing cancels this task.
                try? await Task.sleep(for: Self.firstRetry)
            }
        }
    }

    /// The first event has waited for its name: it goes now, with or without it.
    private func resume(_ service: ServiceName, with number: Int64) {
        guard var lane = lanes[service] else { return }
        lane.isWaiting = false
        // The lane may have been emptied meanwhile, and then what is first has not waited.
        let first = lane.events.first?.number == number ? lane.events.removeFirst() : nil
        lanes[service] = lane
        if let first { apply(first.event, number: first.number, from: service) }
        workOff(service)
    }

    private func apply(_ event: BackendEvent, number: Int64, from service: ServiceName) {
        if service == .message { recent.append(event, number: number) }
        switch event {
        case .participantsChanged(let change):
            for account in change.joined where accounts[account]?.conversations != nil {
                accounts[account]?.conversations?.insert(change.conversation)
                members[change.conversation, default: []].insert(account)
            }
            for account in change.left where accounts[account]?.conversations != nil {
                accounts[account]?.conversations?.remove(change.conversation)
                leave(change.conversation, account)
            }
        case .sessionRevoked(let revocation):
            gate.revoke(revocation.session, expiresAt: revocation.expiresAt)
            close(revocation.session, of: revocation.account)
        case .profileChanged(let change):
            profiles.forget(change.account)
        default:
            let recipients = recipients(of: event)
            guard !recipients.isEmpty, let notice = notice(of: event) else { return }
            push(notice, to: recipients, number: service == .message ? number : nil)
        }
    }

    // MARK: - Fan-out

    /// Whom an event concerns, among the accounts connected here.
    private func recipients(of event: BackendEvent) -> Set<AccountID> {
        switch event {
        case .messageSent(let message): members[message.conversation] ?? []
        case .readIndexMoved(let move): members[move.conversation] ?? []
        case .roleChanged(let change): members[change.conversation] ?? []
        case .announced(let announced): members[announced.conversation] ?? []
        case .friendshipRequested(let request): connected([request.target])
        case .friendshipBegan(let friendship): connected([friendship.applicant])
        case .friendshipEnded(let friendship): connected([friendship.friend])
        case .membersJoined(let joined): connected(joined.accounts)
        // Who leaves by himself knows it.
        case .membersLeft(let left): connected(left.accounts).subtracting([left.operator])
        case .joinRequested(let request): connected(request.deciders)
        case .participantsChanged, .sessionRevoked, .profileChanged, .other: []
        }
    }

    private func connected(_ candidates: [AccountID]) -> Set<AccountID> {
        Set(candidates.filter { accounts[$0] != nil })
    }

    /// What is pushed about an event, with the names in memory; `nil` for what is not pushed.
    private func notice(of event: BackendEvent) -> PushNotice? {
        let subject = event.subject.flatMap { profiles.cached($0) }
        return switch event {
        case .messageSent(let message):
            .messageSent(message, sender: subject, group: event.group.flatMap { groupNames.cached($0) } ?? "")
        case .readIndexMoved(let move): .readIndexMoved(move)
        case .friendshipRequested(let request): .friendshipRequested(request, applicant: subject)
        case .friendshipBegan(let friendship): .friendshipBegan(friendship, accepter: subject)
        case .friendshipEnded(let friendship): .friendshipEnded(friendship, by: subject)
        case .membersJoined(let joined): .membersJoined(joined)
        case .membersLeft(let left): .membersRemoved(left)
        case .roleChanged(let change): .roleChanged(change)
        case .joinRequested(let request): .joinRequested(request)
        case .announced(let announced): .announced(announced)
        case .participantsChanged, .sessionRevoked, .profileChanged, .other: nil
        }
    }

    /// - Parameter number: for message-svc's events, which live connections get once and starting ones by other means.
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

extension Message {
    /// The conversation, if it is a group.
    fileprivate var group: ConversationID? { conversationKind == .group ? conversation : nil }
}
