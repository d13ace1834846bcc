import GRDB
import Shared
import SharedStorage

extension SocialStore {
    /// Files a request, or finds the pending one, which becomes new again, and announces it; a block of the target by the
    /// applicant is lifted. Of the request of somebody who is blocked the target does not hear.
    func apply(_ application: SocialAPI.Apply, now: Int64) async throws(ServiceError) -> FriendRequestID {
        try await database.write { [rules] transaction in
            let db = transaction.db
            let (applicant, target) = (application.applicant, application.target)
            let relation = try Self.relation(of: applicant, to: target, db)
            let request: FriendRequestID
            var message = application.message
            switch try rules.judgeApplication(application, relation) {
            case .file:
                // They are no friends, so there is no conversation in which the other would have been silent.
                try Self.liftBlock(of: target, by: applicant, transaction)
                try db.execute(
                    sql: """
                        INSERT INTO friendRequest (applicant, target, message, state, createdAt, isShown)
                        VALUES (?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        applicant, target, StoredText(message), RequestState.pending, now, !relation.isBlocked,
                    ])
                request = FriendRequestID(db.lastInsertedRowID)
            case .repeated(let pending):
                request = pending
                // What is pushed again is what the list shows.
                message =
                    try StoredText.fetchOne(
                        db, sql: "UPDATE friendRequest SET handedOver = 0 WHERE id = ? RETURNING message",
                        arguments: [pending]
                    )?.text ?? ""
            }
            guard !relation.isBlocked else { return request }
            try transaction.publish(
                SocialAPI.FriendshipRequested(
                    request: request, applicant: applicant, target: target, message: message))
            return request
        }
    }

    /// The oldest requests an account has to decide on, all or only those not handed over yet.
    func pendingRequests(
        to target: AccountID, includingHandedOver: Bool
    ) async throws(ServiceError) -> [SocialAPI.FriendRequest] {
        try await database.read { db in
            try Row.fetchCursor(
                db,
                sql: """
                    SELECT id, applicant, message, createdAt, state FROM friendRequest
                    WHERE target = ? AND state = 'pending' AND isShown = 1 AND (? OR handedOver = 0)
                    ORDER BY id LIMIT ?
                    """, arguments: [target, includingHandedOver, Self.maxListedRequests]
            ).map(Self.friendRequest).prefix(wireBytes: Self.maxListedRequestBytes)
        }
    }

    /// The newest requests an account was sent, of all states or one, before a given one.
    func friendRequests(
        to target: AccountID, in state: RequestState?, before: FriendRequestID?, limit: Int
    ) async throws(ServiceError) -> [SocialAPI.FriendRequest] {
        try await database.read { db in
            var sql = """
                SELECT id, applicant, message, createdAt, state FROM friendRequest
                WHERE target = ? AND isShown = 1 AND id < ?
                """
            var arguments: StatementArguments = [target, before ?? FriendRequestID(.max)]
            if let state {
                sql += " AND state = ?"
                arguments += [state]
            }
            return try Row.fetchCursor(db, sql: sql + " ORDER BY id DESC LIMIT ?", arguments: arguments + [limit])
                .map(Self.friendRequest).prefix(wireBytes: Self.maxListedRequestBytes)
        }
    }

    private static func friendRequest(_ row: Row) -> SocialAPI.FriendRequest {
        SocialAPI.FriendRequest(
            id: row["id"], applicant: row["applicant"], message: (row["message"] as StoredText).text,
            createdAt: row["createdAt"], state: row["state"])
    }

    /// Marks an account's own requests as handed over, whatever has become of them.
    func confirm(_ requests: [FriendRequestID], of target: AccountID) async throws(ServiceError) {
        try await database.write { transaction in
            let statement = try transaction.db.cachedStatement(
                sql: "UPDATE friendRequest SET handedOver = 1 WHERE id = ? AND target = ? AND handedOver = 0")
            for request in requests { try statement.execute(arguments: [request, target]) }
        }
    }

    /// Settles a pending request as refused and announces it.
    func refuse(_ applicant: AccountID, by target: AccountID, now: Int64) async throws(ServiceError) {
        try await database.write { [rules] transaction in
            let relation = try Self.relation(of: applicant, to: target, transaction.db)
            try Self.carryOut(try rules.judgeRefusal(relation), by: target, now: now, transaction)
        }
    }

    /// Settles a pending request as refused or cancelled, whoever of the two dismisses it, and announces it; takes a decided
    /// one off the list of the one who was asked.
    func dismiss(_ request: FriendRequestID, by account: AccountID, now: Int64) async throws(ServiceError) {
        try await database.write { [rules] transaction in
            switch try rules.judgeDismissal(by: account, of: try Self.filedRequest(request, transaction.db)) {
            case .settle(let settlement): try Self.carryOut(settlement, by: account, now: now, transaction)
            case .takeOffList:
                try transaction.db.execute(
                    sql: "UPDATE friendRequest SET isShown = 0 WHERE id = ?", arguments: [request])
            }
        }
    }
}

// MARK: - Shared by the transactions

extension SocialStore {
    /// A request, whatever has become of it.
    static func filedRequest(_ request: FriendRequestID, _ db: Database) throws -> FiledRequest? {
        let row = try Row.fetchOne(
            db, sql: "SELECT applicant, target, state, isShown FROM friendRequest WHERE id = ?", arguments: [request])
        return row.map { row in
            FiledRequest(
                id: request, applicant: row["applicant"], target: row["target"], state: row["state"],
                isShown: row["isShown"])
        }
    }

    /// Takes pending requests to their end and announces each that came to nothing; but not to one who never saw it.
    ///
    /// - Parameter closer: whose doing it is.
    static func carryOut(
        _ settlement: Settlement, by closer: AccountID, now: Int64, _ transaction: WriteTransaction
    ) throws {
        let statement = try transaction.db.cachedStatement(
            sql: """
                UPDATE friendRequest SET state = ?, decidedAt = ? WHERE id = ? AND state = 'pending'
                RETURNING applicant, target, isShown
                """)
        for request in settlement.requests {
            let settled = try Row.fetchAll(statement, arguments: [settlement.state, now, request])
            guard settlement.state != .accepted else { continue }
            for row in settled {
                let applicant: AccountID = row["applicant"]
                guard row["isShown"] || closer != applicant else { continue }
                try transaction.publish(
                    SocialAPI.FriendRequestClosed(
                        request: request, applicant: applicant, target: row["target"], state: settlement.state,
                        closer: closer))
            }
        }
    }
}
