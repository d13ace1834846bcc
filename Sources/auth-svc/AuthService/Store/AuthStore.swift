import GRDB
import Shared
import SharedStorage

/// The tables of auth-svc. A method is a transaction; times are milliseconds since 1970, by ``clock``.
struct AuthStore: Sendable {
    let database: ServiceDatabase
    /// The only clock that what is stored here is made by and compared with.
    let clock: ServiceClock

    /// The tables in an open database, with the clock going on from where it had come.
    init(_ database: ServiceDatabase, time: TimeSource = .system) async throws {
        let reached = try await database.read { db in try Int64.fetchOne(db, sql: "SELECT reached FROM clock") }
        self.database = database
        clock = ServiceClock(reached: reached ?? 0, reading: time)
    }

    /// Runs a write in the next group, and notes with it how far the clock has come: everything the step stores is from
    /// before that.
    func write<Value: Sendable>(
        _ step: @escaping @Sendable (WriteTransaction) throws -> Value
    ) async throws(ServiceError) -> Value {
        try await database.write { [clock] transaction in
            let value = try step(transaction)
            try transaction.db.cachedStatement(sql: "UPDATE clock SET reached = ?")
                .execute(arguments: [clock.milliseconds])
            return value
        }
    }
}
