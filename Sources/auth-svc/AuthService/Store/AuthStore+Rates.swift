import GRDB
import Shared
import SharedStorage

/// How much of what is counted is remembered.
enum RatePruning {
    /// Records kept; beyond it those are forgotten that have been quiet longest.
    static let maxRecords: Int64 = 50_000
    /// Records whose time is over that one write forgets: more than it adds.
    static let maxAtOnce = 100
}

extension AuthStore {
    /// What is remembered of some subjects; an empty record where there is nothing.
    func rateRecords(of subjects: [RateSubject]) async throws(ServiceError) -> [RateSubject: RateRecord] {
        try await database.read { db in
            try subjects.reduce(into: [:]) { $0[$1] = try Self.rateRecord(db, of: $1) }
        }
    }

    /// Counts one more for each of some subjects.
    func count(_ subjects: [RateSubject], at now: Int64) async throws(ServiceError) {
        try await write { transaction in
            let db = transaction.db
            for subject in subjects {
                var record = try Self.rateRecord(db, of: subject)
                record.count(at: now, subject.rule)
                // Replaced rather than updated: the numbers ascend with the last time each one was counted.
                try db.cachedStatement(
                    sql: "INSERT OR REPLACE INTO rateRecord (subject, times, fills, endsAt) VALUES (?, ?, ?, ?)"
                ).execute(arguments: [
                    subject.digest, record.times.map(String.init).joined(separator: ","), record.fills,
                    record.end(subject.rule),
                ])
            }
            try Self.forgetRateRecords(db, now: now)
        }
    }

    private static func rateRecord(_ db: Database, of subject: RateSubject) throws -> RateRecord {
        let statement = try db.cachedStatement(sql: "SELECT times, fills FROM rateRecord WHERE subject = ?")
        guard let row = try Row.fetchOne(statement, arguments: [subject.digest]) else { return RateRecord() }
        let times: String = row["times"]
        return RateRecord(times: times.split(separator: ",").compactMap { Int64($0) }, fills: row["fills"])
    }

    private static func forgetRateRecords(_ db: Database, now: Int64) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM rateRecord
                WHERE number IN (SELECT number FROM rateRecord WHERE endsAt <= ? ORDER BY endsAt LIMIT ?)
                """
        ).execute(arguments: [now, RatePruning.maxAtOnce])
        try db.cachedStatement(
            sql: "DELETE FROM rateRecord WHERE number <= (SELECT max(number) FROM rateRecord) - ?"
        ).execute(arguments: [RatePruning.maxRecords])
    }
}
