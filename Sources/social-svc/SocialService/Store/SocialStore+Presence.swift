import GRDB
import Shared
import SharedStorage

/// What is announced of push connections.
extension SocialStore {
    /// Bytes of one announcement; a change that more friends hear of is announced in several.
    static let maxPresenceEventBytes = 512 << 10

    /// Those of whom it was announced last that they are online.
    func announcedOnline() async throws(ServiceError) -> Set<AccountID> {
        try await database.read { try AccountID.fetchSet($0, sql: "SELECT account FROM announcedOnline") }
    }

    /// Announces changes of presence, in their order, to those friends who are online themselves, and remembers them.
    ///
    /// - Parameter online: finds those of some accounts who are online; asked by the transaction itself.
    func announce(
        _ changes: [Presence.Change], to online: @escaping @Sendable ([AccountID]) -> [AccountID]
    ) async throws(ServiceError) {
        try await database.write { transaction in
            for change in changes {
                try Self.remember(change, transaction.db)
                let friends = try AccountID.fetchAll(
                    transaction.db, sql: "SELECT friend FROM friendship WHERE owner = ? ORDER BY friend",
                    arguments: [change.account])
                let witnesses = try Self.witnesses(of: change.account, among: online(friends), transaction.db)
                for part in Self.parts(of: witnesses) {
                    try transaction.publish(
                        SocialAPI.PresenceChanged(
                            account: change.account, isOnline: change.isOnline, friends: part))
                }
            }
        }
    }

    /// Also of those who have nobody to tell now: a friend may see it otherwise, and has to hear of the departure.
    private static func remember(_ change: Presence.Change, _ db: Database) throws {
        let sql =
            change.isOnline
            ? "INSERT OR IGNORE INTO announcedOnline VALUES (?)" : "DELETE FROM announcedOnline WHERE account = ?"
        try db.cachedStatement(sql: sql).execute(arguments: [change.account])
    }

    /// Friends of an account, each with what he calls it.
    private static func witnesses(
        of account: AccountID, among friends: [AccountID], _ db: Database
    ) throws -> [SocialAPI.Witness] {
        let statement = try db.cachedStatement(sql: "SELECT remark FROM friendship WHERE owner = ? AND friend = ?")
        return try friends.map { friend in
            let remark = try statement.fetchOne(StoredText.self, [friend, account])
            return SocialAPI.Witness(account: friend, remark: remark?.text ?? "")
        }
    }

    /// Witnesses in as few announcements as hold them.
    private static func parts(of witnesses: [SocialAPI.Witness]) -> [[SocialAPI.Witness]] {
        var parts: [[SocialAPI.Witness]] = []
        var room = 0
        for witness in witnesses {
            // Beside his remark a witness takes his id and a length, and an announcement little more than that.
            let bytes = witness.remark.utf8.count + 12
            if bytes > room {
                parts.append([])
                room = maxPresenceEventBytes - 16
            }
            parts[parts.count - 1].append(witness)
            room -= bytes
        }
        return parts
    }

    /// The next claim for a notice connection: claims ascend over all accounts and restarts.
    func claimNotices() async throws(ServiceError) -> Int64 {
        try await database.write { transaction in
            try transaction.db.execute(sql: "UPDATE noticeClaim SET last = last + 1")
            return try Int64.fetchOne(transaction.db, sql: "SELECT last FROM noticeClaim") ?? 0
        }
    }

    /// Announces that the notice connection with a claim is open. No later claim is smaller, even if the database has
    /// been put back to an earlier state.
    func enforce(_ claim: Int64, of account: AccountID) async throws(ServiceError) {
        try await database.write { transaction in
            try transaction.db.execute(sql: "UPDATE noticeClaim SET last = max(last, ?)", arguments: [claim])
            try transaction.publish(SocialAPI.NoticesClaimed(account: account, claim: claim))
        }
    }
}
