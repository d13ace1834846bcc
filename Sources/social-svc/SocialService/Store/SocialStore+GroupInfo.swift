import GRDB
import Shared
import SharedStorage

/// What anybody may know of groups.
extension SocialStore {
    /// Groups of one answer to a search.
    static let maxFoundGroups = 50
    /// Bytes of the groups of one account in an answer; what does not fit is left out, the latest first, so that nobody
    /// can bring an account into so many groups that they cannot be shown any more.
    static let maxShownGroupBytes = 4 << 20

    private static let infoColumns = """
        chatGroup.conversation, chatGroup.name, chatGroup.handle, chatGroup.introduction,
        (SELECT account FROM member WHERE conversation = chatGroup.conversation AND role = 1) AS owner,
        (SELECT count(*) FROM member WHERE conversation = chatGroup.conversation) AS memberCount
        """

    /// Those conversations that are groups, dissolved or not, in the order asked for.
    func groups(_ conversations: [ConversationID]) async throws(ServiceError) -> [SocialAPI.GroupInfo] {
        try await database.read { db in try Self.infos(of: conversations, db) }
    }

    /// Groups that are not dissolved, by their handle or a part of their name.
    func findGroups(
        _ match: SocialAPI.GroupMatch, _ text: String
    ) async throws(ServiceError) -> [SocialAPI.GroupInfo] {
        let condition: String
        let wanted: String
        switch match {
        case .handle:
            condition = "handle = ?"
            wanted = text
        case .partOfName:
            // Between bytes, and so without wildcards.
            condition = "instr(foldedName, ?) > 0"
            wanted = FoldedText(text).text
        }
        guard !wanted.isEmpty else { return [] }
        return try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.infoColumns) FROM chatGroup
                    WHERE \(condition) AND dissolvedAt IS NULL ORDER BY conversation LIMIT ?
                    """, arguments: [StoredText(wanted), Self.maxFoundGroups]
            ).map(Self.info)
        }
    }

    /// The groups an account is a member of, with its roles.
    func groups(of account: AccountID) async throws(ServiceError) -> [SocialAPI.Membership] {
        try await database.read { db in
            try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(Self.infoColumns), membership.role
                    FROM member AS membership CROSS JOIN chatGroup USING (conversation)
                    WHERE membership.account = ? ORDER BY membership.conversation
                    """, arguments: [account]
            ).map { SocialAPI.Membership(group: Self.info($0), role: $0["role"]) }
                .prefix(wireBytes: Self.maxShownGroupBytes)
        }
    }

    /// The role of an account in a group; `nil` for none.
    func role(of account: AccountID, in conversation: ConversationID) async throws(ServiceError) -> SocialAPI.Role? {
        try await database.read { db in try Self.role(of: account, in: conversation, db) }
    }

    /// Those conversations that are groups.
    static func infos(of conversations: [ConversationID], _ db: Database) throws -> [SocialAPI.GroupInfo] {
        let statement = try db.cachedStatement(
            sql: "SELECT \(infoColumns) FROM chatGroup WHERE conversation = ?")
        return try conversations.compactMap { try Row.fetchOne(statement, arguments: [$0]).map(info) }
    }

    private static func info(_ row: Row) -> SocialAPI.GroupInfo {
        SocialAPI.GroupInfo(
            conversation: row["conversation"], name: (row["name"] as StoredText).text,
            handle: (row["handle"] as StoredText).text, introduction: (row["introduction"] as StoredText).text,
            owner: row["owner"], memberCount: row["memberCount"])
    }
}
