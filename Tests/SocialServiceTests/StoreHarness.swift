import GRDB
import Logging
import Shared
import SharedStorage
import TestSupport

@testable import SocialService

/// Runs the body with a store on a database of its own, without a bus.
func withStore(_ body: (SocialStore) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
        let database = try openDatabase(in: folder, migrations: SocialMigrations.register)
        defer { database.close() }
        try await body(SocialStore(database: database, limits: SocialLimits()))
    }
}

extension SocialStore {
    /// As the dialect `classic` asks.
    func apply(
        from applicant: AccountID, to target: AccountID, message: String, now: Int64
    ) async throws(ServiceError) -> FriendRequestID {
        try await apply(SocialAPI.Apply(applicant: applicant, target: target, message: message), now: now)
    }

    /// As the dialect `classic` asks.
    func createGroup(
        _ name: String, by creator: AccountID, with friends: [AccountID], now: Int64
    ) async throws(ServiceError) -> Owed {
        try await createGroup(SocialAPI.CreateGroup(creator: creator, name: name, friends: friends), now: now).owed
    }
}

/// Opens the database of social-svc in a folder, with the tables that some migrations make.
func openDatabase(
    in folder: String, migrations: (inout DatabaseMigrator) -> Void
) throws -> ServiceDatabase {
    try ServiceDatabase(
        in: DataDirectory(path: folder, service: .social), logger: Logger(label: "test"), migrations: migrations)
}

/// The extended result code of a statement that must fail; `nil` when it does not.
func violation(
    _ sql: String, _ arguments: StatementArguments = [], in store: SocialStore
) async throws -> ResultCode? {
    try await store.database.write { transaction in
        do {
            try transaction.db.execute(sql: sql, arguments: arguments)
            return nil
        } catch let error as DatabaseError {
            return error.extendedResultCode
        }
    }
}
