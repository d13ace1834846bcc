import GRDB
import Logging
import Shared
import SharedStorage
import Synchronization
import TestSupport

@testable import MessageService

/// message-svc on a bus of its own, as the gateway and social-svc see it.
struct MessageHarness: Sendable {
    let bus: TestBus
    let gateway: BusClient
    let social: BusClient
    private let effectNumbers = Counter()
    /// Of social-svc's database, as it were: a harness counts its effects from 1.
    private let effectEpoch = Int64.random(in: 1...Int64.max)

    /// Opens a private conversation as social-svc does; with a greeting from the first participant when one is given.
    func openConversation(
        _ id: Int64, _ participants: [Int64], kind: ConversationKind = .private, greeting: String = "",
        because reason: ConversationReason? = nil
    ) async throws {
        try await apply(
            MessageAPI.OpenConversation(
                conversation: ConversationID(id), conversationKind: kind,
                participants: participants.map { AccountID($0) },
                greeting: greeting, greeter: AccountID(participants[0]), reason: reason))
    }

    func apply(_ effect: some BusEffect) async throws {
        let number = await effectNumbers.next()
        _ = try await social.call(
            EffectAPI.Apply(
                sender: .social, epoch: effectEpoch,
                effects: [
                    EffectAPI.Effect(number: number, kind: type(of: effect).kind, payload: Blob(effect.wireBytes))
                ]),
            .test())
    }

    func change(
        _ conversation: Int64, joined: [Int64] = [], left: [Int64] = [], because reason: ConversationReason? = nil
    ) async throws {
        try await apply(
            MessageAPI.ChangeParticipants(
                conversation: ConversationID(conversation), joined: joined.map { AccountID($0) },
                left: left.map { AccountID($0) }, reason: reason))
    }

    func close(_ conversation: Int64, because reason: ConversationReason? = nil) async throws {
        try await apply(MessageAPI.CloseConversation(conversation: ConversationID(conversation), reason: reason))
    }

    /// What social-svc does when the other one blocks an account, or does so no longer.
    func silence(_ account: Int64, in conversation: Int64, _ isSilenced: Bool = true) async throws {
        try await apply(
            MessageAPI.ChangeSilence(
                conversation: ConversationID(conversation), account: AccountID(account), isSilenced: isSilenced))
    }

    func recall(_ message: MessageID, by account: Int64, isModerator: Bool = false) async throws(ServiceError) {
        _ = try await gateway.call(
            MessageAPI.Recall(account: AccountID(account), message: message, isModerator: isModerator), .test())
    }

    func confirmNotices(_ account: Int64, upTo message: MessageID) async throws(ServiceError) {
        _ = try await gateway.call(
            MessageAPI.ConfirmNotices(
                places: [MessageAPI.NoticePlace(account: AccountID(account), message: message)]), .test())
    }

    func markRead(_ conversation: Int64, by account: Int64, upTo message: MessageID) async throws(ServiceError) {
        _ = try await gateway.call(
            MessageAPI.MarkRead(
                account: AccountID(account), conversation: ConversationID(conversation), message: message), .test())
    }

    func hide(_ message: MessageID, from account: Int64) async throws(ServiceError) {
        _ = try await gateway.call(
            MessageAPI.HideMessage(account: AccountID(account), message: message), .test())
    }

    func details(of message: MessageID, for account: Int64) async throws(ServiceError)
        -> MessageAPI.MessageDetails.Reply
    {
        try await gateway.call(
            MessageAPI.MessageDetails(account: AccountID(account), message: message), .test())
    }

    func readers(of message: MessageID, for account: Int64) async throws(ServiceError) -> [Int64] {
        try await details(of: message, for: account).readers.map(\.rawValue)
    }

    func conversations(
        of account: Int64, includesLast: Bool = false
    ) async throws(ServiceError) -> [MessageAPI.Conversations.Entry] {
        try await gateway.call(
            MessageAPI.Conversations(account: AccountID(account), includesLast: includesLast), .test()
        ).conversations
    }

    func attach(
        _ account: Int64, _ missed: MessageAPI.Missed = .none
    ) async throws(ServiceError) -> MessageAPI.Attach.Reply {
        try await gateway.call(MessageAPI.Attach(account: AccountID(account), missed: missed), .test())
    }

    /// Why a call is refused; `nil` when it is not.
    func code<Request: BusRequest>(of request: Request) async -> ServiceError.Code? {
        await refusal { () throws(ServiceError) in try await gateway.call(request, .test()) }?.code
    }

    @discardableResult
    func send(
        _ text: String, from sender: Int64, to conversation: Int64, replyTo: MessageID? = nil, clientID: String? = nil
    ) async throws(ServiceError) -> MessageAPI.Send.Reply {
        try await send(
            text, from: sender, to: .conversation(ConversationID(conversation)), replyTo: replyTo, clientID: clientID)
    }

    @discardableResult
    func send(
        _ text: String, from sender: Int64, to destination: MessageAPI.Destination, replyTo: MessageID? = nil,
        clientID: String? = nil
    ) async throws(ServiceError) -> MessageAPI.Send.Reply {
        try await gateway.call(
            MessageAPI.Send(
                sender: AccountID(sender), to: destination, text: text, replyTo: replyTo, clientID: clientID), .test())
    }

    /// Why a send is refused; `nil` when it is not.
    func code(
        ofSendFrom sender: Int64, to destination: MessageAPI.Destination, _ text: String = "x",
        replyTo: MessageID? = nil, clientID: String? = nil
    ) async -> ServiceError.Code? {
        await code(
            of: MessageAPI.Send(
                sender: AccountID(sender), to: destination, text: text, replyTo: replyTo, clientID: clientID))
    }

    func pull(_ account: Int64, acknowledging: MessageID? = nil, limit: Int32 = 1_000) async throws(ServiceError)
        -> MessageAPI.PullHandOver.Reply
    {
        try await gateway.call(
            MessageAPI.PullHandOver(account: AccountID(account), acknowledged: acknowledging, limit: limit), .test())
    }

    func settle(_ account: Int64, _ pulled: MessageAPI.PullHandOver.Reply, delivered: Bool) async throws(ServiceError) {
        guard let receipt = pulled.receipt else { return }
        _ = try await gateway.call(
            MessageAPI.SettleHandOver(account: AccountID(account), receipt: receipt, delivered: delivered), .test())
    }

    func history(
        of conversation: Int64, for account: Int64, before: MessageID? = nil, limit: Int32 = 1_000,
        from: Int64? = nil, until: Int64? = nil, senders: [Int64]? = nil
    ) async throws(ServiceError) -> MessageAPI.History.Reply {
        try await gateway.call(
            MessageAPI.History(
                account: AccountID(account), conversation: ConversationID(conversation), before: before, limit: limit,
                sentFrom: from, sentUntil: until, senders: senders?.map { AccountID($0) }, includesUnread: true),
            .test())
    }
}

extension MessageAPI.Destination {
    static func conversation(_ id: Int64) -> Self { .conversation(ConversationID(id)) }
    static func group(_ id: Int64) -> Self { .group(ConversationID(id)) }
    static func friend(_ id: Int64) -> Self { .friend(AccountID(id)) }
}

/// Lines written by one thread and read by another.
final class Recorder: Sendable {
    private let recorded = Mutex<[String]>([])
    var lines: [String] { recorded.withLock { $0 } }
    func add(_ line: String) { recorded.withLock { $0.append(line) } }
}

actor Counter {
    private var value: Int64 = 0
    func next() -> Int64 {
        value += 1
        return value
    }
}

/// Starts the service, runs the body and stops the service, whatever happened.
///
/// - Parameter earlier: whose folder to go on with, as after a restart. The bus is a new one all the same: ZeroMQ frees
///   the addresses of a stopped service when it gets round to it.
func withMessageService(
    inFolderOf earlier: TestBus? = nil, configuration: MessageConfiguration = .unlimited,
    _ body: (MessageHarness) async throws -> Void
) async throws {
    let bus = try TestBus()
    let folder = (earlier ?? bus).configuration
    let service = MessageService(
        configuration,
        bus: BusConfiguration(
            dataPath: folder.dataPath, runtimePath: folder.runtimePath,
            addresses: [.message: bus.configuration.addresses(of: .message)]),
        context: bus.context, logger: bus.logger)
    try await service.start()
    do {
        try await body(
            MessageHarness(
                bus: bus, gateway: try await bus.client(of: .message),
                social: try await bus.client(of: .message, as: .social)))
    } catch {
        await service.stop()
        throw error
    }
    await service.stop()
}

/// Runs a test against the store alone, over a file of its own.
func withMessageStore(
    maxCachedParticipants: Int = 1_000_000, _ body: (MessageStore) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        let timelines = Timelines(maxCachedParticipants: maxCachedParticipants)
        let database = try ServiceDatabase(
            in: DataDirectory(path: folder, service: .message),
            logger: Logger(label: "test") { LineLogHandler(process: $0, logLevel: .critical) },
            onRollback: { timelines.forgetAll() }, migrations: MessageMigrations.register)
        defer { database.close() }
        try await body(MessageStore(database: database, timelines: timelines))
    }
}

extension MessageStore {
    /// Opens a group as an effect does.
    func openGroup(_ id: Int64, _ participants: some Sequence<Int64>) async throws {
        try await openConversation(id, participants, kind: .group)
    }

    func openConversation(
        _ id: Int64, _ participants: some Sequence<Int64>, kind: ConversationKind = .private
    ) async throws {
        let opening = MessageAPI.OpenConversation(
            conversation: ConversationID(id), conversationKind: kind,
            participants: participants.map { AccountID($0) },
            greeting: "", greeter: AccountID(0))
        _ = try await database.write { try open(opening, $0) }
    }

    @discardableResult
    func send(
        _ text: String, from sender: Int64, to conversation: Int64, replyTo: MessageID? = nil
    ) async throws(ServiceError) -> MessageAPI.Send.Reply {
        try await send(text, from: sender, to: .conversation(ConversationID(conversation)), replyTo: replyTo)
    }

    @discardableResult
    func send(
        _ text: String, from sender: Int64, to destination: MessageAPI.Destination, replyTo: MessageID? = nil
    ) async throws(ServiceError) -> MessageAPI.Send.Reply {
        let send = MessageAPI.Send(
            sender: AccountID(sender), to: destination, text: text, replyTo: replyTo, clientID: nil)
        return try await database.write { try append(send, $0) {} }
    }

    /// Takes a message back at a time of the wall clock, with a window of two minutes.
    func recall(
        _ message: MessageID, by account: Int64, isModerator: Bool = false, at now: Int64 = WallClock.milliseconds
    ) async throws(ServiceError) {
        try await recall(
            MessageAPI.Recall(account: AccountID(account), message: message, isModerator: isModerator),
            rules: RecallRules(window: 120_000), now: now, deadline: .after(.seconds(20)))
    }

    func history(_ request: MessageAPI.History) async throws(ServiceError) -> MessageAPI.History.Reply {
        try await database.read { try Self.history(request, $0) }
    }

    func conversations(
        of account: AccountID, includesLast: Bool = false, limit: Int = maxConversations
    ) async throws(ServiceError) -> [MessageAPI.Conversations.Entry] {
        try await database.read {
            try Self.conversations(of: account, includesLast: includesLast, limit: limit, $0)
        }
    }

    func attach(
        _ request: MessageAPI.Attach, limit: Int, maxBytes: Int = maxAttachedBytes
    ) async throws(ServiceError) -> MessageAPI.Attach.Reply {
        try await database.read { try Self.attach(request, limit: limit, maxBytes: maxBytes, $0) }
    }

    func details(
        _ request: MessageAPI.MessageDetails
    ) async throws(ServiceError) -> MessageAPI.MessageDetails.Reply {
        try await database.read { try Self.details(request, $0) }
    }

    /// Changes rows behind the service's back.
    func execute(_ sql: String) async throws {
        try await database.write { try $0.db.execute(sql: sql) }
    }
}

extension MessageConfiguration {
    /// The defaults, without rates.
    static var unlimited: MessageConfiguration {
        var configuration = MessageConfiguration()
        configuration.areRatesLimited = false
        return configuration
    }
}
