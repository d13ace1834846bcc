import Dispatch
import GRDB
import Shared
import SharedStorage
import Synchronization
import TestSupport
import Testing

@testable import SocialService

/// social-svc on a bus of its own, as the gateway sees it.
struct SocialHarness: Sendable {
    let bus: TestBus
    let service: SocialService
    let gateway: BusClient
    /// What stands in for message-svc, if something does.
    let messages: FakeMessageService?

    func call<Request: BusRequest>(
        _ request: Request, timeout: Duration = .seconds(20)
    ) async throws(ServiceError) -> Request.Reply {
        try await gateway.call(request, .test(timeout: timeout))
    }

    /// Why a request is refused; `nil` when it is not.
    func refusal(of request: some BusRequest, timeout: Duration = .seconds(20)) async -> ServiceError? {
        await TestSupport.refusal { () async throws(ServiceError) in _ = try await call(request, timeout: timeout) }
    }

    @discardableResult
    func apply(
        _ applicant: AccountID, to target: AccountID, message: String = "hello"
    ) async throws(ServiceError) -> FriendRequestID {
        try await call(SocialAPI.Apply(applicant: applicant, target: target, message: message)).request
    }

    @discardableResult
    func accept(
        _ applicant: AccountID, by accepter: AccountID, timeout: Duration = .seconds(20)
    ) async throws(ServiceError) -> ConversationID? {
        try await call(
            SocialAPI.Decide(account: accepter, applicant: applicant, accepts: true), timeout: timeout
        ).conversation
    }

    /// Makes two accounts friends.
    @discardableResult
    func befriend(_ applicant: AccountID, _ accepter: AccountID) async throws -> ConversationID {
        try await apply(applicant, to: accepter)
        return try #require(await accept(applicant, by: accepter))
    }

    func pending(_ account: AccountID, all: Bool = false) async throws(ServiceError) -> [SocialAPI.FriendRequest] {
        try await call(SocialAPI.PendingRequests(account: account, includesHandedOver: all)).requests
    }

    func friendList(of account: AccountID) async throws(ServiceError) -> [SocialAPI.FriendGroup] {
        try await call(SocialAPI.FriendList(account: account)).groups
    }

    /// All events so far that say something, from the log.
    func events() async throws(ServiceError) -> [NumberedEvent] { try await gateway.announced() }

    /// The kinds of all events so far, from the log.
    func eventKinds() async throws(ServiceError) -> [String] { try await events().map(\.kind) }

    /// What message-svc has been told to tell of conversations, once everything owed has arrived.
    func news() async throws -> [ConversationReason] {
        // A delivery, of nothing, is acknowledged when all that is owed has been delivered.
        _ = try await bus.client(of: .social, as: .auth).call(
            EffectAPI.Apply(sender: .auth, epoch: .max, effects: []), .test())
        return try await messages?.effects.compactMap(\.reason) ?? []
    }

    /// What has been told of one kind.
    func news<Reason>(_: Reason.Type) async throws -> [Reason] {
        try await news().compactMap { $0.content as? Reason }
    }

    /// Everything that anybody has been told, by its own events or by message-svc's.
    func traces() async throws -> [String] { try await eventKinds() + news().map { "\($0)" } }

    /// All events of a type so far, from the log.
    func events<Event: BusEvent>(_: Event.Type) async throws -> [Event] {
        try await events().filter { $0.kind == Event.kind }.map { try Event(wireBytes: $0.payload.bytes) }
    }
}

// MARK: - Groups

extension SocialHarness {
    /// Befriends an account with others, who are the ones to ask.
    func befriend(all friends: [AccountID], with account: AccountID) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for friend in friends {
                group.addTask { try await befriend(friend, account) }
                // So many at a time as any gateway lets through at once.
                if friend.rawValue.isMultiple(of: 64) { try await group.waitForAll() }
            }
            try await group.waitForAll()
        }
    }

    /// A group of an owner, members whom he befriends for it, and the admins among them.
    func makeGroup(
        of owner: AccountID, with members: [AccountID], admins: [AccountID] = [], name: String = "Quick_Meet"
    ) async throws -> ConversationID {
        let known = Set(try await friendList(of: owner).flatMap(\.friends).map(\.account))
        try await befriend(all: members.filter { !known.contains($0) }, with: owner)
        let group = try await call(SocialAPI.CreateGroup(creator: owner, name: name, friends: members)).conversation
        if !admins.isEmpty {
            _ = try await call(SocialAPI.AppointAdmins(owner: owner, conversation: group, accounts: admins))
            // So that what comes later is not mistaken for it.
            _ = try await news()
        }
        return group
    }

    /// The members of a group with their roles, as one of them sees them.
    func members(
        of group: ConversationID, for account: AccountID
    ) async throws(ServiceError) -> [SocialAPI.Member] {
        try await call(SocialAPI.Group(account: account, conversation: group)).members
    }

    func joinRequests(
        for account: AccountID, in group: ConversationID? = nil
    ) async throws(ServiceError) -> [SocialAPI.JoinRequest] {
        try await call(SocialAPI.JoinRequests(account: account, conversation: group)).requests
    }

    func invite(
        _ accounts: [AccountID], by inviter: AccountID, to group: ConversationID
    ) async throws(ServiceError) {
        _ = try await call(SocialAPI.Invite(inviter: inviter, conversation: group, accounts: accounts))
    }

    func decide(
        on accounts: [AccountID], by actor: AccountID, in group: ConversationID, accepts: Bool = true
    ) async throws(ServiceError) {
        _ = try await call(
            SocialAPI.DecideJoin(actor: actor, conversation: group, invited: accounts, accepts: accepts))
    }

    /// Delivers the end of an account as auth-svc does.
    ///
    /// - Parameter number: ascends with the cancellations of a test.
    func cancel(
        _ account: AccountID, number: Int64 = 1, as sender: ServiceName = .auth, timeout: Duration = .seconds(20)
    ) async throws {
        let effect = EffectAPI.Effect(
            number: number, kind: SocialAPI.CancelAccount.kind,
            payload: Blob(SocialAPI.CancelAccount(account: account).wireBytes))
        let client = try await bus.client(of: .social, as: sender)
        let reply = try await client.call(
            EffectAPI.Apply(sender: .auth, epoch: 1, effects: [effect]), .test(timeout: timeout))
        #expect(reply.applied >= number)
    }
}

extension SocialAPI.Apply {
    /// As the dialect `classic` asks.
    init(applicant: AccountID, target: AccountID, message: String) {
        self.init(applicant: applicant, target: target, message: message, whenPending: .announceAgain)
    }
}

extension SocialAPI.CreateGroup {
    /// As the dialect `classic` asks.
    init(creator: AccountID, name: String, friends: [AccountID]) {
        self.init(creator: creator, name: name, friends: friends, handle: nil, introduction: "", minMembers: 3)
    }
}

/// The people of the tests.
extension Identifier<IdentifierKind.Account> {
    static var ann: AccountID { AccountID(1) }
    static var bob: AccountID { AccountID(2) }
    static var cid: AccountID { AccountID(3) }
    static var dan: AccountID { AccountID(4) }
    static var eve: AccountID { AccountID(5) }
    static var fay: AccountID { AccountID(6) }
}

/// Starts social-svc, runs the body and stops it, whatever happened.
///
/// - Parameter dataPath: another bus's folder, to take up what an earlier life of the service left there.
func withSocialService(
    _ configuration: SocialConfiguration = SocialConfiguration(), on bus: TestBus? = nil, dataPath: String? = nil,
    beside messages: FakeMessageService? = nil, _ body: (SocialHarness) async throws -> Void
) async throws {
    let bus = try bus ?? TestBus()
    let service = SocialService(
        configuration, bus: bus.configuration(dataPath: dataPath), context: bus.context, logger: bus.logger)
    try await service.start()
    do {
        try await body(
            SocialHarness(bus: bus, service: service, gateway: try await bus.client(of: .social), messages: messages))
    } catch {
        await service.stop()
        throw error
    }
    await service.stop()
}

/// Starts social-svc beside a message-svc that opens conversations.
func withBothServices(
    _ configuration: SocialConfiguration = SocialConfiguration(),
    _ body: (SocialHarness, FakeMessageService) async throws -> Void
) async throws {
    let bus = try TestBus()
    try await withFakeMessageService(on: bus) { messages in
        try await withSocialService(configuration, on: bus, beside: messages) { social in
            try await body(social, messages)
        }
    }
}

extension TestBus {
    func configuration(dataPath: String?) -> BusConfiguration {
        guard let dataPath else { return configuration }
        return BusConfiguration(
            dataPath: dataPath, runtimePath: dataPath + "/run",
            addresses: [
                .social: configuration.addresses(of: .social), .message: configuration.addresses(of: .message),
            ])
    }
}

/// An effect as message-svc receives it.
enum MessageEffect: Hashable {
    case open(MessageAPI.OpenConversation)
    case change(MessageAPI.ChangeParticipants)
    case close(MessageAPI.CloseConversation)
    case silence(MessageAPI.ChangeSilence)
    case tell(MessageAPI.TellConversation)

    var conversation: ConversationID {
        switch self {
        case .open(let effect): effect.conversation
        case .change(let effect): effect.conversation
        case .close(let effect): effect.conversation
        case .silence(let effect): effect.conversation
        case .tell(let effect): effect.conversation
        }
    }

    /// What it has told of the conversation.
    var reason: ConversationReason? {
        switch self {
        case .open(let effect): effect.reason
        case .change(let effect): effect.reason
        case .close(let effect): effect.reason
        case .silence: nil
        case .tell(let effect): effect.reason
        }
    }

    init?(_ effect: any BusEffect) {
        switch effect {
        case let effect as MessageAPI.OpenConversation: self = .open(effect)
        case let effect as MessageAPI.ChangeParticipants: self = .change(effect)
        case let effect as MessageAPI.CloseConversation: self = .close(effect)
        case let effect as MessageAPI.ChangeSilence: self = .silence(effect)
        case let effect as MessageAPI.TellConversation: self = .tell(effect)
        default: return nil
        }
    }

    fileprivate init?(kind: String, payload: Blob) throws {
        switch kind {
        case MessageAPI.OpenConversation.kind: self = .open(try .init(wireBytes: payload.bytes))
        case MessageAPI.ChangeParticipants.kind: self = .change(try .init(wireBytes: payload.bytes))
        case MessageAPI.CloseConversation.kind: self = .close(try .init(wireBytes: payload.bytes))
        case MessageAPI.ChangeSilence.kind: self = .silence(try .init(wireBytes: payload.bytes))
        case MessageAPI.TellConversation.kind: self = .tell(try .init(wireBytes: payload.bytes))
        default: return nil
        }
    }
}

extension ConversationReason {
    /// What it says, of whatever kind it is.
    var content: any WireRecord & Hashable {
        switch self {
        case .friendshipBegan(let reason): reason
        case .friendshipEnded(let reason): reason
        case .membersJoined(let reason): reason
        case .membersLeft(let reason): reason
        case .roleChanged(let reason): reason
        case .announced(let reason): reason
        case .joinRequested(let reason): reason
        case .joinRefused(let reason): reason
        }
    }
}

/// Stands in for message-svc: the real inbox on a real database; it may be told to refuse effects or to hold them.
final class FakeMessageService: Sendable {
    enum Mode {
        case applying
        case refusing
        case holding
    }

    private let host: ServiceHost
    private let mode = Mutex(Mode.applying)
    private let gate = DispatchSemaphore(value: 0)
    /// Every effect that reached the handler, whatever became of it.
    let arrivals: AsyncStream<MessageEffect>
    private let arrival: AsyncStream<MessageEffect>.Continuation

    fileprivate init(on bus: TestBus, dataPath: String?) async throws {
        (arrivals, arrival) = AsyncStream.makeStream()
        host = try ServiceHost(
            .message, bus: bus.configuration(dataPath: dataPath), context: bus.context, logger: bus.logger
        ) { migrator in
            migrator.registerMigration("effects-1") { db in
                try db.execute(
                    sql: "CREATE TABLE effect (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL)")
            }
        }
        var inbox = EffectInbox()
        inbox.on(MessageAPI.OpenConversation.self) { [self] in try apply($1, .open($1), $0) }
        inbox.on(MessageAPI.ChangeParticipants.self) { [self] in try apply($1, .change($1), $0) }
        inbox.on(MessageAPI.CloseConversation.self) { [self] in try apply($1, .close($1), $0) }
        inbox.on(MessageAPI.ChangeSilence.self) { [self] in try apply($1, .silence($1), $0) }
        inbox.on(MessageAPI.TellConversation.self) { [self] in try apply($1, .tell($1), $0) }
        var routes = BusRoutes()
        inbox.addRoute(to: &routes, from: [.social], database: host.database)
        try await host.serve(routes)
    }

    private func apply<Effect: BusEffect>(
        _ effect: Effect, _ arrived: MessageEffect, _ transaction: WriteTransaction
    ) throws {
        arrival.yield(arrived)
        switch mode.withLock({ $0 }) {
        case .applying: break
        case .refusing: throw ServiceError(.unavailable)
        // The writer has a thread of its own, which may block.
        case .holding: gate.wait()
        }
        try transaction.db.execute(
            sql: "INSERT INTO effect (kind, payload) VALUES (?, ?)", arguments: [Effect.kind, Blob(effect.wireBytes)])
    }

    /// Everything applied, in order.
    var effects: [MessageEffect] {
        get async throws {
            try await host.database.read { db in
                try Row.fetchAll(db, sql: "SELECT kind, payload FROM effect ORDER BY id")
                    .compactMap { try MessageEffect(kind: $0["kind"], payload: $0["payload"]) }
            }
        }
    }

    /// What was applied to one conversation, in order.
    func effects(on conversation: ConversationID) async throws -> [MessageEffect] {
        try await effects.filter { $0.conversation == conversation }
    }

    /// What was applied so far that changes conversations.
    var changes: [MessageEffect] {
        get async throws { try await effects.filter { if case .tell = $0 { false } else { true } } }
    }

    /// The conversations opened, in the order of their opening.
    var opened: [MessageAPI.OpenConversation] {
        get async throws {
            try await effects.compactMap { effect in if case .open(let opening) = effect { opening } else { nil } }
        }
    }

    /// Who takes part in the open conversations, after everything told so far; what contradicts it is an issue.
    var participants: [ConversationID: Set<AccountID>] {
        get async throws {
            var participants: [ConversationID: Set<AccountID>] = [:]
            for effect in try await effects {
                switch effect {
                case .open(let opening):
                    #expect(participants[opening.conversation] == nil, "opened twice")
                    participants[opening.conversation] = Set(opening.participants)
                case .change(let change):
                    let present = try #require(participants[change.conversation], "changed while it is not open")
                    #expect(present.isDisjoint(with: change.joined), "joined twice")
                    #expect(present.isSuperset(of: change.left), "left without being there")
                    participants[change.conversation] = present.union(change.joined).subtracting(change.left)
                case .close(let closing):
                    #expect(participants[closing.conversation] != nil, "closed while it is not open")
                    participants[closing.conversation] = nil
                case .silence(let change):
                    let present = try #require(participants[change.conversation], "silenced while it is not open")
                    #expect(present.contains(change.account), "silenced without being there")
                case .tell(let news):
                    #expect(participants[news.conversation] != nil, "told of while it is not open")
                }
            }
            return participants
        }
    }

    /// Who may not write in the open conversations, after everything told so far.
    var silenced: [ConversationID: Set<AccountID>] {
        get async throws {
            var silenced: [ConversationID: Set<AccountID>] = [:]
            for effect in try await effects {
                switch effect {
                case .silence(let change) where change.isSilenced:
                    silenced[change.conversation, default: []].insert(change.account)
                case .silence(let change): silenced[change.conversation]?.remove(change.account)
                case .close(let closing): silenced[closing.conversation] = nil
                case .open, .change, .tell: break
                }
            }
            return silenced.filter { !$0.value.isEmpty }
        }
    }

    func set(_ mode: Mode) { self.mode.withLock { $0 = mode } }

    /// Lets the effect that is held go on, and later ones pass.
    func release() {
        set(.applying)
        gate.signal()
    }

    fileprivate func stop() async { await host.stop() }
}

/// Starts the stand-in, runs the body and stops it, whatever happened.
///
/// - Parameter dataPath: another bus's folder, to take up what an earlier life of it left there.
func withFakeMessageService(
    on bus: TestBus, dataPath: String? = nil, _ body: (FakeMessageService) async throws -> Void
) async throws {
    let messages = try await FakeMessageService(on: bus, dataPath: dataPath)
    do {
        try await body(messages)
    } catch {
        await messages.stop()
        throw error
    }
    await messages.stop()
}
