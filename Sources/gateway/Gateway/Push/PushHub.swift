import Logging
import NIOCore
import Shared

/// Brings events to the connections they concern: a frame is encoded once per dialect, whoever receives it.
///
/// Lives on the gateway's event loop. Each publisher's events are worked off in order; one that needs a name that is not
/// in memory holds up those behind it until it is there, so that no order is ever changed.
///
/// | file | what it does |
/// |---|---|
/// | `PushHub` | connections come and go |
/// | `PushHub+GoingLive` | what a new connection has missed, and how it joins what comes |
/// | `PushHub+Events` | events, in order, to those they concern |
/// | `PushHub+FanOut` | those that mean very many frames, a part of them in each tick |
/// | `PushHub+Notices` | dialects with one connection per account: which one stays, and how far it was served |
/// | `PushHub+Presence` | who is connected here, told to social-svc |
/// | `PushHub+Sessions` | which connections end with a session, those without pushes included |
actor PushHub {
    struct LocalAccount {
        /// Oldest first.
        var connections: [PushConnection] = []
        /// Where the account takes part; `nil` until its first connection is live.
        var conversations: Set<ConversationID>?
        /// The latest claim to its notices, heard of or its own connections'.
        var claim: Int64 = 0
    }

    let eventLoop: any EventLoop
    let backend: Backend
    let profiles: ProfileCache
    let groups: GroupCache
    let gate: TokenGate
    let logger: Logger
    /// Bytes of missed messages queued on a connection before its client has to take some.
    let maxBacklogBytes: Int
    private let maxConnectionsPerAccount: Int

    var accounts: [AccountID: LocalAccount] = [:]
    /// The accounts connected here by conversation: what a message needs to find its recipients.
    var members: [ConversationID: Set<AccountID>] = [:]
    /// The dialects spoken here now, with the number of their connections.
    private(set) var dialects: [(dialect: any PushDialect, connections: Int)] = []
    /// What was heard of services whose events wait for a name, or for what is left of one before them.
    var lanes: [ServiceName: Lane] = [:]
    /// Frames that changes of conversations may still mean in this tick.
    var framesLeft = PushHub.maxFramesPerTick
    var recent = RecentEvents()
    var claims = RecentClaims()
    /// The last message heard of.
    var lastMessage = MessageID(0)
    /// Until when pushes go without names that are not in memory, because nobody could tell them.
    var namesAwaited = MonotonicTime(nanoseconds: 0)
    /// Exclusive connections that were given messages message-svc has not been told of.
    var unconfirmed: [PushConnection] = []
    /// How far accounts were served, as far as message-svc has not been told.
    var places = NoticePlaces()
    /// Tells it.
    var telling: Task<Void, Never>?
    /// Finds out how far the last connection of an account that has ended was served.
    var settling: [AccountID: (connection: UInt64, task: Task<Void, Never>)] = [:]
    /// Connections that ask message-svc for what they missed, and those whose turn has not come.
    var attaching = 0
    var attachQueue: CircularBuffer<CheckedContinuation<Void, Never>> = []
    /// Connections that are not live yet.
    var starting: [UInt64: PushConnection] = [:]
    /// This gateway's name among those that report presence, for its life.
    let gateway = Int64.random(in: 1...Int64.max)
    var presence = PresenceLedger()
    var presenceWaiter: CheckedContinuation<Void, Never>?
    /// Reads auth-svc's revocations anew.
    var synchronization: Task<Void, Never>?
    private var background: [Task<Void, Never>] = []
    var lastConnection: UInt64 = 0
    /// Connections that push nothing and end with their session all the same.
    var guests: [AccountID: [GuestConnection]] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    init(
        eventLoop: any EventLoop, backend: Backend, profiles: ProfileCache, groups: GroupCache, gate: TokenGate,
        configuration: GatewayConfiguration, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.backend = backend
        self.profiles = profiles
        self.groups = groups
        self.gate = gate
        maxConnectionsPerAccount = configuration.maxConnectionsPerAccount
        maxBacklogBytes = configuration.server.webSocket.maxQueuedBytes / 4
        self.logger = logger
    }

    /// Begins what the hub does by itself.
    func start() {
        background = [Task { await reportPresence() }, Task { await confirmNoticesRegularly() }]
    }

    /// Ends what the hub does by itself, and takes back the presence of those it served. Idempotent.
    func stop() async {
        synchronization?.cancel()
        guard !background.isEmpty else { return }
        for task in background { task.cancel() }
        wakePresence()
        for task in background { await task.value }
        background = []
        for settling in Array(settling.values) { await settling.task.value }
        tellPlaces()
        await telling?.value
        await withdrawPresence()
    }

    /// Takes over a connection that has just become a WebSocket: first what it missed, then live.
    ///
    /// Must be called on the event loop.
    ///
    /// - Parameter claim: of an exclusive dialect, what ``claimNotices(of:_:)`` gave it.
    nonisolated func open(
        _ socket: WebSocketConnection, _ session: Session, _ dialect: any PushDialect, missed: MessageAPI.Missed,
        claim: Int64? = nil
    ) {
        assumeIsolated { hub in
            socket.belongs(to: session.account.rawValue)
            hub.lastConnection += 1
            let connection = PushConnection(
                id: hub.lastConnection, socket: socket, session: session, dialect: dialect,
                openedAt: hub.recent.position)
            connection.claim = claim
            socket.overflowCloseCode = dialect.tooSlowCode
            socket.lingers = dialect.exclusivity != nil
            socket.onClose = { [self, id = connection.id] _ in assumeIsolated { $0.forget(id, of: session.account) } }
            hub.register(connection)
            guard socket.isOpen else { return }
            hub.goLive(connection, missed: missed)
        }
    }

    /// What is connected and kept here.
    var metrics: [Metric] {
        [
            Metric(
                "martlet_push_connections", "Push connections by dialect.",
                dialects.map { ("dialect=\"\($0.dialect.name)\"", Double($0.connections)) }),
            Metric("martlet_connected_accounts", "Accounts with a push connection.", Double(accounts.count)),
            Metric("martlet_recent_events", "Events kept for connections being opened.", Double(recent.count)),
            Metric(
                "martlet_waiting_events", "Events that wait for a name, or for what is left of one before them.",
                Double(lanes.values.reduce(0) { $0 + $1.events.count })),
        ]
    }

    /// Whether an account has a push connection at this gateway. Must be called on the event loop.
    nonisolated func hasConnection(_ account: AccountID) -> Bool {
        assumeIsolated { $0.accounts[account] != nil }
    }

    private func register(_ connection: PushConnection) {
        let session = connection.session
        if accounts[session.account] == nil { note(session.account, isOnline: true) }
        accounts[session.account, default: LocalAccount()].connections.append(connection)
        count(connection.dialect, by: 1)
        // The session may have ended between the handshake and now.
        guard !gate.isRevoked(session.id) else { return close(session.id, of: session.account) }
        let lifetime = connection.dialect.lifetime(of: session, secondsLeft: gate.secondsLeft(of: session))
        connection.expiry = close(connection.socket, connection.dialect.sessionOver, after: lifetime)
        // Those that are closing already leave in a later tick.
        let open = accounts[session.account]?.connections.filter(\.socket.isOpen) ?? []
        if open.count > maxConnectionsPerAccount {
            // One that may never arrive takes nobody's place.
            let surplus = open.first { !$0.hasArrived } ?? open[0]
            surplus.socket.close(code: .tryAgainLater, reason: "too many connections")
        }
    }

    private func forget(_ connection: UInt64, of id: AccountID) {
        guard var account = accounts[id] else { return }
        account.connections.removeAll { candidate in
            guard candidate.id == connection else { return false }
            candidate.expiry?.cancel()
            starting[candidate.id] = nil
            count(candidate.dialect, by: -1)
            settle(candidate)
            return true
        }
        guard account.connections.isEmpty else {
            accounts[id] = account
            return
        }
        for conversation in account.conversations ?? [] { leave(conversation, id) }
        accounts[id] = nil
        note(id, isOnline: false)
    }

    private func count(_ dialect: any PushDialect, by change: Int) {
        if let index = dialects.firstIndex(where: { $0.dialect.name == dialect.name }) {
            dialects[index].connections += change
            if dialects[index].connections == 0 { dialects.remove(at: index) }
        } else {
            dialects.append((dialect, change))
        }
    }

    // MARK: - Membership

    func join(_ conversation: ConversationID, _ account: AccountID) {
        members[conversation, default: []].insert(account)
    }

    func leave(_ conversation: ConversationID, _ account: AccountID) {
        members[conversation]?.remove(account)
        if members[conversation]?.isEmpty == true { members[conversation] = nil }
    }
}
