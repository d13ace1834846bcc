import GRDB
import Shared
import SharedStorage

/// How people come into a group that exists.
extension SocialStore {
    /// Join requests of one answer.
    static let maxListedJoinRequests = 1_000

    /// Files requests for friends to join, those that are not pending yet, and announces all of them.
    func invite(
        _ accounts: [AccountID], by inviter: AccountID, to conversation: ConversationID, now: Int64
    ) async throws(ServiceError) {
        try await database.write { [groupRules] transaction in
            let db = transaction.db
            try groupRules.judgeInvitation(
                of: accounts, try Self.view(of: conversation, for: inviter, naming: accounts, db),
                try Self.acquaintances(of: inviter, among: accounts, db))
            guard !accounts.isEmpty else { return }
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO joinRequest (conversation, inviter, invited, state, createdAt) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """)
            for account in accounts {
                try statement.execute(
                    arguments: [conversation, inviter, account, RequestState.pending.rawValue, now])
            }
            let deciders = try AccountID.fetchAll(
                db, sql: "SELECT account FROM member WHERE conversation = ? AND role <= ? ORDER BY role, id",
                arguments: [conversation, SocialAPI.Role.admin])
            try transaction.publish(
                SocialAPI.JoinRequested(
                    conversation: conversation, name: try Self.name(of: conversation, db), inviter: inviter,
                    invited: accounts, deciders: deciders))
        }
    }

    /// The oldest pending requests to join a group, or all those an account decides on.
    func joinRequests(
        for account: AccountID, in conversation: ConversationID?
    ) async throws(ServiceError) -> SocialAPI.JoinRequests.Reply {
        try await database.read { db in
            let rows: [Row]
            if let conversation {
                guard GroupRules.isDecider(try Self.role(of: account, in: conversation, db)) else {
                    throw ServiceError(.notAllowed)
                }
                rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT id, conversation, inviter, invited FROM joinRequest
                        WHERE conversation = ? AND state = 'pending' ORDER BY id LIMIT ?
                        """, arguments: [conversation, Self.maxListedJoinRequests])
            } else {
                rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT request.id, request.conversation, request.inviter, request.invited
                        FROM member CROSS JOIN joinRequest AS request USING (conversation)
                        WHERE member.account = ? AND member.role <= ? AND request.state = 'pending'
                        ORDER BY request.id LIMIT ?
                        """, arguments: [account, SocialAPI.Role.admin, Self.maxListedJoinRequests])
            }
            let requests = rows.map { row in
                SocialAPI.JoinRequest(
                    id: row["id"], conversation: row["conversation"], inviter: row["inviter"],
                    invited: row["invited"])
            }
            var seen: Set<ConversationID> = []
            let groups = requests.map(\.conversation).filter { seen.insert($0).inserted }
            return SocialAPI.JoinRequests.Reply(requests: requests, groups: try Self.names(of: groups, db))
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
            let db = transaction.db
            try groupRules.judgeDecision(
                on: accounts, accepts: accepts, by: try Self.role(of: actor, in: conversation, db),
                try Self.joinState(of: accounts, in: conversation, db))
            let settlement = try db.cachedStatement(
                sql: """
                    UPDATE joinRequest SET state = ?, decidedAt = ?
                    WHERE conversation = ? AND invited = ? AND state = 'pending'
                    """)
            let state = accepts ? RequestState.accepted : .refused
            for account in accounts {
                try settlement.execute(arguments: [state.rawValue, now, conversation, account])
            }
            guard accepts, !accounts.isEmpty else { return nil }
            try Self.add(accounts, as: .member, to: conversation, now: now, db)
            let effect = try transaction.owe(
                MessageAPI.ChangeParticipants(conversation: conversation, joined: accounts, left: []), to: .message,
                thenPublish: SocialAPI.MembersJoined(
                    conversation: conversation, name: try Self.name(of: conversation, db), accounts: accounts,
                    operator: actor))
            return Owed(conversation: conversation, effect: effect)
        }
    }

    private static func joinState(
        of accounts: [AccountID], in conversation: ConversationID, _ db: Database
    ) throws -> JoinState {
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM joinRequest WHERE conversation = ? AND invited = ? AND state = 'pending' LIMIT 1")
        return JoinState(
            pending: Set(try accounts.filter { try statement.fetchOne(Int64.self, [conversation, $0]) != nil }),
            memberCount: try db.cachedStatement(sql: "SELECT count(*) FROM member WHERE conversation = ?")
                .fetchOne(Int.self, [conversation]) ?? 0)
    }
}
