import GRDB
import Shared
import SharedStorage

extension SocialStore {
    /// Files a request, or finds the pending one, and announces it.
    func apply(
        from applicant: AccountID, to target: AccountID, message: String, now: Int64
    ) async throws(ServiceError) -> FriendRequestID {
        try await database.write { [rules] transaction in
            let relation = try Self.relation(of: applicant, to: target, transaction.db)
            let request: FriendRequestID
            var announced = message
            switch try rules.judgeApplication(of: applicant, to: target, message: message, relation) {
            case .file:
                try transaction.db.execute(
                    sql: """
                        INSERT INTO friendRequest (applicant, target, message, state, createdAt)
                        VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [applicant, target, StoredText(message), RequestState.pending.rawValue, now])
                request = FriendRequestID(transaction.db.lastInsertedRowID)
            case .repeated(let pending):
                request = pending
                // What is pushed again is what the list shows.
                announced =
                    try StoredText.fetchOne(
                        transaction.db, sql: "SELECT message FROM friendRequest WHERE id = ?", arguments: [pending]
                    )?.text ?? ""
            }
            try transaction.publish(
                SocialAPI.FriendshipRequested(
                    request: request, applicant: applicant, target: target, message: announced))
            return request
        }
    }

    /// The oldest requests an account has to decide on, all or only those not handed over yet.
    func pendingRequests(
        to target: AccountID, includingHandedOver: Bool
    ) async throws(ServiceError) -> [SocialAPI.FriendRequest] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, applicant, message, createdAt FROM friendRequest
                    WHERE target = ? AND state = 'pending' AND (? OR handedOver = 0) ORDER BY id LIMIT ?
                    """, arguments: [target, includingHandedOver, Self.maxListedRequests]
            ).map { row in
                SocialAPI.FriendRequest(
                    id: row["id"], applicant: row["applicant"], message: (row["message"] as StoredText).text,
                    createdAt: row["createdAt"])
            }
        }
    }

    /// Marks an account's own requests as handed over, whatever has become of them.
    func confirm(_ requests: [FriendRequestID], of target: AccountID) async throws(ServiceError) {
        try await database.write { transaction in
            let statement = try transaction.db.cachedStatement(
                sql: "UPDATE friendRequest SET handedOver = 1 WHERE id = ? AND target = ? AND handedOver = 0")
            for request in requests { try statement.execute(arguments: [request, target]) }
        }
    }

    /// Settles a pending request as refused.
    func refuse(_ applicant: AccountID, by target: AccountID, now: Int64) async throws(ServiceError) {
        try await database.write { [rules] transaction in
            let relation = try Self.relation(of: applicant, to: target, transaction.db)
            try Self.carryOut(try rules.judgeRefusal(relation), now: now, transaction.db)
        }
    }

    /// Takes pending requests to their end.
    static func carryOut(_ settlement: Settlement, now: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "UPDATE friendRequest SET state = ?, decidedAt = ? WHERE id = ? AND state = 'pending'")
        for request in settlement.requests {
            try statement.execute(arguments: [settlement.state.rawValue, now, request])
        }
    }
}
