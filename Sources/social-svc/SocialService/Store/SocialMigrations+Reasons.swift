import GRDB
import Shared
import SharedStorage

extension SocialMigrations {
    /// What is owed to message-svc carries its reason itself. Rows that an earlier version has left behind have it beside
    /// them, as the event that was to follow the acknowledgement: it goes to the end of the effect, as an optional reason
    /// stands there (present, its number, its bytes).
    static func moveReasonsIntoEffects(_ db: Database) throws {
        let numbers: [String: UInt8] = [
            "social.friendshipBegan": 1, "social.friendshipEnded": 2, "social.membersJoined": 3,
            "social.membersLeft": 4,
        ]
        // A database in which nothing was ever owed in the old form may have lost the columns already.
        guard try db.columns(in: "outbox").contains(where: { $0.name == "eventKind" }) else { return }
        let owed = try Row.fetchAll(
            db, sql: "SELECT number, payload, eventKind, eventPayload FROM outbox WHERE eventKind IS NOT NULL")
        for row in owed {
            let (kind, effect, reason): (String, Blob, Blob) = (row["eventKind"], row["payload"], row["eventPayload"])
            guard let number = numbers[kind] else { continue }
            try db.execute(
                sql: "UPDATE outbox SET payload = ? WHERE number = ?",
                arguments: [Blob(effect.bytes + [1, number] + reason.bytes), row["number"] as Int64])
        }
    }
}
