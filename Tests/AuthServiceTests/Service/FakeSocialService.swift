import GRDB
import Shared
import SharedStorage
import Synchronization
import TestSupport

/// Stands in for social-svc: the real inbox on a real database; it may be told to refuse effects.
final class FakeSocialService: Sendable {
    private let host: ServiceHost
    private let refuses = Mutex(false)

    fileprivate init(on bus: TestBus) async throws {
        host = try ServiceHost(.social, bus: bus.configuration, context: bus.context, logger: bus.logger) { migrator in
            migrator.registerMigration("cancelled-1") { db in
                try db.execute(sql: "CREATE TABLE cancelled (number INTEGER PRIMARY KEY, account INTEGER NOT NULL)")
            }
        }
        var inbox = EffectInbox()
        inbox.on(SocialAPI.CancelAccount.self) { [self] transaction, effect in
            if refuses.withLock({ $0 }) { throw ServiceError(.unavailable) }
            try transaction.db.execute(
                sql: "INSERT INTO cancelled (account) VALUES (?)", arguments: [effect.account])
        }
        var routes = BusRoutes()
        inbox.addRoute(to: &routes, from: [.auth], database: host.database)
        try await host.serve(routes)
    }

    /// The accounts it has been told of, in the order of the news.
    var cancelled: [AccountID] {
        get async throws {
            try await host.database.read { db in
                try AccountID.fetchAll(db, sql: "SELECT account FROM cancelled ORDER BY number")
            }
        }
    }

    func refuse(_ refuses: Bool) { self.refuses.withLock { $0 = refuses } }

    fileprivate func stop() async { await host.stop() }
}

/// Starts the stand-in, runs the body and stops it, whatever happened.
func withFakeSocialService<Value>(
    on bus: TestBus, _ body: (FakeSocialService) async throws -> Value
) async throws -> Value {
    let social = try await FakeSocialService(on: bus)
    do {
        let value = try await body(social)
        await social.stop()
        return value
    } catch {
        await social.stop()
        throw error
    }
}

/// Runs a test against auth-svc beside a social-svc that takes note of what it is told.
func withAuthAndSocial(
    _ body: (TestBus, BusClient, FakeSocialService) async throws -> Void
) async throws {
    let bus = try TestBus()
    try await withFakeSocialService(on: bus) { social in
        try await withAuthService(on: bus) { bus, client in try await body(bus, client, social) }
    }
}
