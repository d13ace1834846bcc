import GRDB
import Shared
import SharedStorage

/// How people come into a group that exists.
extension SocialStore {
    /// Join requests of one answer.
    static let maxListedJoinRequests = 1_000
    /// Bytes of the join requests of one answer and of their groups; what does not fit shows when older ones are decided.
    static let maxListedJoinRequestBytes = 4 << 20
    /// Bytes of the requests named in what is told of a decision. Of more the latest are left out: they are settled all the
    /// same, and nobody can ask so often that the decision is too long to tell.
    static let maxSettledBytes = 4 << 20

    private static let joinRequestColumns = "id, conversation, inviter, invited, message, createdAt"

    /// Files requests for friends to join, those that are not pending yet, and announces what is new.
    func invite(
        _ accounts: [AccountID], by inviter: AccountID, to conversation: ConversationID, now: Int64
    ) async throws(ServiceError) {
        try await database.write { [groupRules] transaction in
            let db = transaction.db
            try groupRules.judgeInvitation(
                of: accounts, try Self.view(of: conversation, for: inviter, naming: accounts, db),
                try Self.acquaintances(of: inviter, among: accounts, db))
            let requests = try accounts.filter { account in
                try !Self.isPending(account, by: inviter, in: conversation, db)
            }.map { account in
                try Self.file(account, by: inviter, in: conversation, saying: "", now: now, db)
            }
            guard !requests.isEmpty else { return }
            try Self.announce(requests, in: conversation, transaction)
        }
    }

    /// Files an account's own request to join and announces it.
    func applyToJoin(
        _ application: SocialAPI.ApplyToJoin, now: Int64
    ) async throws(ServiceError) -> JoinRequestID {
        try await database.write { [groupRules] transaction in
            let db = transaction.db
            let (applicant, conversation) = (application.applicant, application.conversation)
            let view = DoorView(
                exists: try Self.isGroup(conversation, db),
                isPending: try Self.isPending(applicant, by: applicant, in: conversation, db),
                isMember: try Self.role(of: applicant, in: conversation, db) != nil,
                isCancelled: try !Self.cancelled(among: [applicant], db).isEmpty)
            try groupRules.judgeApplication(saying: application.message, view)
            let request = try Self.file(
                applicant, by: applicant, in: conversation, saying: application.message, now: now, db)
            try Self.announce([request], in: conversation, transaction)
            return request.id
        }
    }

    /// The oldest pending requests to join a group, or all those an account decides on.
    func joinRequests(
        for account: AccountID, in conversation: ConversationID?
    ) async throws(ServiceError) -> SocialAPI.JoinRequests.Reply {
        try await database.read { db in
            let rows: RowCursor
            if let conversation {
                guard GroupRules.isDecider(try Self.role(of: account, in: conversation, db)) else {
                    throw ServiceError(.notAllowed)
                }
                rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT \(Self.joinRequestColumns) FROM joinRequest
                        WHERE conversation = ? AND state = 'pending' ORDER BY id LIMIT ?
                        """, arguments: [conversation, Self.maxListedJoinRequests])
            } else {
                rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT request.* FROM member CROSS JOIN joinRequest AS request USING (conversation)
                        WHERE member.account = ? AND member.role <= ? AND request.state = 'pending'
                        ORDER BY request.id LIMIT ?
                        """, arguments: [account, SocialAPI.Role.admin, Self.maxListedJoinRequests])
            }
            var reply = SocialAPI.JoinRequests.Reply(requests: [], groups: [])
            var seen: Set<ConversationID> = []
            var room = Self.maxListedJoinRequestBytes
            while let request = try rows.next().map(Self.joinRequest) {
                let isNew = seen.insert(request.conversation).inserted
                let groups = isNew ? try Self.infos(of: [request.conversation], db) : []
                room -= groups.reduce(request.wireBytes.count) { $0 + $1.wireBytes.count }
                guard room >= 0 else { break }
                reply.requests.append(request)
                reply.groups += groups
            }
            return reply
        }
    }

    /// Settles every pending request for some people, and makes them members when they are accepted.
    ///
    /// - Returns: what message-svc is owed; nothing after a refusal, or when nobody was named.
    func decide(
        on accounts: [AccountID], accepting accepts: Bool, by actor: AccountID, in conversation: ConversationID,
        now: Int64
    ) async throws(ServiceError) -> Owed? {
        try await database.write { [groupRules] transaction in
            try groupRules.judgeDecision(
                on: accounts, accepts: accepts, by: try Self.role(of: actor, in: conversation, transaction.db),
                try Self.joinState(of: accounts, in: conversation, transaction.db))
            return try Self.settle(
                accounts, accepting: accepts, by: actor, in: conversation, now: now, transaction)
        }
    }

    /// Settles every pending request for the one whom a request is about, and makes him a member when he is accepted.
    ///
    /// - Returns: the request, and after an acceptance what message-svc is owed.
    func decide(
        on request: JoinRequestID, accepting accepts: Bool, by actor: AccountID, now: Int64
    ) async throws(ServiceError) -> (request: SocialAPI.JoinRequest, owed: Owed?) {
        try await database.write { [groupRules] transaction in
            let db = transaction.db
            let row = try Row.fetchOne(
                db, sql: "SELECT \(Self.joinRequestColumns), state FROM joinRequest WHERE id = ?",
                arguments: [request])
            guard let row else { throw ServiceError(.noSuchApplication) }
            let filed = Self.joinRequest(row)
            try groupRules.judgeDecision(
                on: row["state"], accepts: accepts, by: try Self.role(of: actor, in: filed.conversation, db),
                memberCount: try Self.memberCount(of: filed.conversation, db))
            let owed = try Self.settle(
                [filed.invited], accepting: accepts, by: actor, in: filed.conversation, now: now, transaction)
            return (filed, owed)
        }
    }

    /// Settles every pending request for some people, and makes them members when they are accepted; message-svc tells
    /// of both.
    private static func settle(
        _ accounts: [AccountID], accepting accepts: Bool, by actor: AccountID, in conversation: ConversationID,
        now: Int64, _ transaction: WriteTransaction
    ) throws -> Owed? {
        guard !accounts.isEmpty else { return nil }
        let db = transaction.db
        let name = try name(of: conversation, db)
        let settled = try settleRequests(
            for: accounts, in: conversation, as: accepts ? .accepted : .refused, now: now, db)
        guard accepts else {
            let refused = SocialAPI.JoinRefused(
                conversation: conversation, name: name, settled: settled, operator: actor)
            try tell(conversation, .joinRefused(refused), transaction)
            return nil
        }
        try add(accounts, as: .member, to: conversation, now: now, db)
        let effect = try transaction.owe(
            MessageAPI.ChangeParticipants(
                conversation: conversation, joined: accounts, left: [],
                reason: .membersJoined(
                    SocialAPI.MembersJoined(
                        conversation: conversation, name: name, accounts: accounts, operator: actor,
                        settled: settled))),
            to: .message)
        return Owed(conversation: conversation, effect: effect)
    }

    /// Takes all pending requests for some people to their end.
    ///
    /// - Returns: the oldest of them, as many as an effect holds.
    private static func settleRequests(
        for accounts: [AccountID], in conversation: ConversationID, as state: RequestState, now: Int64, _ db: Database
    ) throws -> [SocialAPI.JoinRequest] {
        let statement = try db.cachedStatement(
            sql: """
                UPDATE joinRequest SET state = ?, decidedAt = ?
                WHERE conversation = ? AND invited = ? AND state = 'pending' RETURNING \(joinRequestColumns)
                """)
        let settled = try accounts.flatMap { account in
            try Row.fetchAll(statement, arguments: [state, now, conversation, account]).map(joinRequest)
        }.sorted { $0.id < $1.id }
        var room = maxSettledBytes
        return Array(
            settled.prefix { request in
                room -= request.wireBytes.count
                return room >= 0
            })
    }

    /// Files a request to join.
    private static func file(
        _ invited: AccountID, by inviter: AccountID, in conversation: ConversationID, saying message: String,
        now: Int64, _ db: Database
    ) throws -> SocialAPI.JoinRequest {
        try db.cachedStatement(
            sql: """
                INSERT INTO joinRequest (conversation, inviter, invited, message, state, createdAt)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [conversation, inviter, invited, StoredText(message), RequestState.pending, now])
        return SocialAPI.JoinRequest(
            id: JoinRequestID(db.lastInsertedRowID), conversation: conversation, inviter: inviter, invited: invited,
            message: message, createdAt: now)
    }

    private static func announce(
        _ requests: [SocialAPI.JoinRequest], in conversation: ConversationID, _ transaction: WriteTransaction
    ) throws {
        let requested = SocialAPI.JoinRequested(
            conversation: conversation, name: try name(of: conversation, transaction.db), requests: requests,
            deciders: try deciders(of: conversation, transaction.db))
        try tell(conversation, .joinRequested(requested), transaction)
    }

    /// Whether somebody has asked already that somebody may join.
    private static func isPending(
        _ invited: AccountID, by inviter: AccountID, in conversation: ConversationID, _ db: Database
    ) throws -> Bool {
        try db.cachedStatement(
            sql: """
                SELECT 1 FROM joinRequest
                WHERE conversation = ? AND invited = ? AND inviter = ? AND state = 'pending'
                """
        ).fetchOne(Int64.self, [conversation, invited, inviter]) != nil
    }

    private static func joinRequest(_ row: Row) -> SocialAPI.JoinRequest {
        SocialAPI.JoinRequest(
            id: row["id"], conversation: row["conversation"], inviter: row["inviter"], invited: row["invited"],
            message: (row["message"] as StoredText).text, createdAt: row["createdAt"])
    }

    private static func joinState(
        of accounts: [AccountID], in conversation: ConversationID, _ db: Database
    ) throws -> JoinState {
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM joinRequest WHERE conversation = ? AND invited = ? AND state = 'pending' LIMIT 1")
        return JoinState(
            pending: Set(try accounts.filter { try statement.fetchOne(Int64.self, [conversation, $0]) != nil }),
            memberCount: try memberCount(of: conversation, db))
    }

    private static func memberCount(of conversation: ConversationID, _ db: Database) throws -> Int {
        try db.cachedStatement(sql: "SELECT count(*) FROM member WHERE conversation = ?")
            .fetchOne(Int.self, [conversation]) ?? 0
    }
}
