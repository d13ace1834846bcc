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

    /// The kinds of all events so far, from the log.
    func eventKinds() async throws(ServiceError) -> [String] {
        try await call(EventLogAPI.Read(after: 0, limit: 1_000)).batch.events.map(\.kind)
    }
}

/// Starts social-svc, runs the body and stops it, whatever happened.
///
/// - Parameter dataPath: another bus's folder, to take up what an earlier life of the service left there.
func withSocialService(
    _ configuration: SocialConfiguration = SocialConfiguration(), on bus: TestBus? = nil, dataPath: String? = nil,
    _ body: (SocialHarness) async throws -> Void
) async throws {
    let bus = try bus ?? TestBus()
    let service = SocialService(
        configuration, bus: bus.configuration(dataPath: dataPath), context: bus.context, logger: bus.logger)
    try await service.start()
    do {
        try await body(SocialHarness(bus: bus, service: service, gateway: try await bus.client(of: .social)))
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
        try await withSocialService(configuration, on: bus) { social in try await body(social, messages) }
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

/// Stands in for message-svc: the real inbox on a real database; it may be told to refuse effects or to hold them.
final class FakeMessageService: Sendable {
    enum Mode {
        case opening
        case refusing
        case holding
    }

    private let host: ServiceHost
    private let mode = Mutex(Mode.opening)
    private let gate = DispatchSemaphore(value: 0)
    /// Every effect that reached the handler, whatever became of it.
    let arrivals: AsyncStream<MessageAPI.OpenConversation>
    private let arrival: AsyncStream<MessageAPI.OpenConversation>.Continuation

    fileprivate init(on bus: TestBus) async throws {
        (arrivals, arrival) = AsyncStream.makeStream()
        host = try ServiceHost(.message, bus: bus.configuration, context: bus.context, logger: bus.logger) { migrator in
            migrator.registerMigration("opened-1") { db in
                try db.execute(sql: "CREATE TABLE opened (id INTEGER PRIMARY KEY, effect BLOB NOT NULL)")
            }
        }
        var inbox = EffectInbox()
        inbox.on(MessageAPI.OpenConversation.self) { [self] transaction, effect in
            arrival.yield(effect)
            switch mode.withLock({ $0 }) {
            case .opening: break
            case .refusing: throw ServiceError(.unavailable)
            // The writer has a thread of its own, which may block.
            case .holding: gate.wait()
            }
            try transaction.db.execute(
                sql: "INSERT INTO opened (effect) VALUES (?)", arguments: [Blob(effect.wireBytes)])
        }
        var routes = BusRoutes()
        inbox.addRoute(to: &routes, from: [.social], database: host.database)
        try await host.serve(routes)
    }

    /// The conversations opened, in the order of their opening.
    var opened: [MessageAPI.OpenConversation] {
        get async throws {
            try await host.database.read { db in
                try Blob.fetchAll(db, sql: "SELECT effect FROM opened ORDER BY id")
                    .map { try MessageAPI.OpenConversation(wireBytes: $0.bytes) }
            }
        }
    }

    func set(_ mode: Mode) { self.mode.withLock { $0 = mode } }

    /// Lets the effect that is held go on, and later ones pass.
    func release() {
        set(.opening)
        gate.signal()
    }

    fileprivate func stop() async { await host.stop() }
}

/// Starts the stand-in, runs the body and stops it, whatever happened.
func withFakeMessageService(on bus: TestBus, _ body: (FakeMessageService) async throws -> Void) async throws {
    let messages = try await FakeMessageService(on: bus)
    do {
        try await body(messages)
    } catch {
        await messages.stop()
        throw error
    }
    await messages.stop()
}
