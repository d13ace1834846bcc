import GRDB
import Shared
import SharedStorage

/// The steps of effects. Each tells whether it changed anything, and fails for no payload.
extension MessageStore {
    /// Opens a conversation, with its greeting; changes nothing when there has been one of this id.
    func open(_ opening: MessageAPI.OpenConversation, _ transaction: WriteTransaction) throws -> Bool {
        let participants = Set(opening.participants)
        let pair = opening.conversationKind == .private ? AccountPair(participants) : nil
        let db = transaction.db
        return try timelines.withState { state in
            let joinedAfter = try lastMessage(&state, db)
            let now = try time(&state, wall: WallClock.milliseconds, db)
            try db.execute(
                sql: """
                    INSERT INTO conversation (id, kind, openedAt, smallerID, greaterID) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """,
                arguments: [
                    opening.conversation, opening.conversationKind.rawValue, now, pair?.smaller, pair?.greater,
                ])
            guard db.changesCount == 1 else { return false }
            let admission = Admission(
                to: opening.conversation, after: joinedAfter, because: opening.reason, transaction)
            for account in participants { _ = try admission.admit(account) }
            let timeline = Timeline(
                kind: opening.conversationKind, pair: pair, participants: participants, lastSequence: 0)
            timelines.keep(timeline, for: opening.conversation, in: &state)
            if let pair { timelines.forget(pair, in: &state) }
            try transaction.publish(
                MessageAPI.ConversationChanged(
                    conversation: opening.conversation, joined: opening.participants, left: [],
                    reason: opening.reason))
            guard !opening.greeting.isEmpty else { return true }
            let greeting = MessageAPI.Send(
                sender: opening.greeter, to: .conversation(opening.conversation), text: opening.greeting,
                replyTo: nil, clientID: nil)
            _ = try insert(
                greeting, into: opening.conversation, opening.conversationKind, after: 0, &state, transaction)
            return true
        }
    }

    /// Lets accounts join and leave an open conversation.
    ///
    /// Those who are in it already stay as they are, those who are not cannot leave, and a payload that has somebody
    /// join and leave at once says nothing about him.
    func changeParticipants(_ change: MessageAPI.ChangeParticipants, _ transaction: WriteTransaction) throws -> Bool {
        let conversation = change.conversation
        let contradicted = Set(change.joined).intersection(change.left)
        let db = transaction.db
        return try timelines.withState { state in
            guard try Self.isOpen(conversation, db) else { return false }
            let joinedAfter = try lastMessage(&state, db)
            let admission = Admission(to: conversation, after: joinedAfter, because: change.reason, transaction)
            let joined = try change.joined.filter { try !contradicted.contains($0) && admission.admit($0) }
            let deletion = try db.cachedStatement(
                sql: "DELETE FROM participant WHERE conversationID = ? AND accountID = ?")
            let left = try change.left.filter { account in
                if contradicted.contains(account) { return false }
                try deletion.execute(arguments: [conversation, account])
                guard db.changesCount == 1 else { return false }
                try Self.forgetOpening(of: conversation, for: account, db)
                return true
            }
            guard !joined.isEmpty || !left.isEmpty else { return false }
            timelines.change(conversation, joined: joined, left: left, in: &state)
            try transaction.publish(
                MessageAPI.ConversationChanged(
                    conversation: conversation, joined: joined, left: left, reason: change.reason))
            return true
        }
    }

    /// Tells what has happened in an open conversation and changes nothing here.
    func tell(_ news: MessageAPI.TellConversation, _ transaction: WriteTransaction) throws -> Bool {
        guard try Self.isOpen(news.conversation, transaction.db) else { return false }
        try transaction.publish(
            MessageAPI.ConversationChanged(
                conversation: news.conversation, joined: [], left: [], reason: news.reason))
        return true
    }

    /// Forbids a participant to write, or lets him write again.
    func changeSilence(_ change: MessageAPI.ChangeSilence, _ transaction: WriteTransaction) throws -> Bool {
        let db = transaction.db
        return try timelines.withState { state in
            try db.cachedStatement(
                sql: """
                    UPDATE participant SET isSilenced = ?3
                    WHERE conversationID = ?1 AND accountID = ?2 AND isSilenced <> ?3
                    """
            ).execute(arguments: [change.conversation, change.account, change.isSilenced])
            guard db.changesCount == 1 else { return false }
            timelines.change(change.conversation, change.account, isSilenced: change.isSilenced, in: &state)
            return true
        }
    }

    /// Closes a conversation: all leave it, and nobody joins it again.
    func close(_ closing: MessageAPI.CloseConversation, _ transaction: WriteTransaction) throws -> Bool {
        let conversation = closing.conversation
        let db = transaction.db
        return try timelines.withState { state in
            guard try Self.isOpen(conversation, db) else { return false }
            try db.execute(
                sql: "UPDATE conversation SET closedAt = ? WHERE id = ?",
                arguments: [time(&state, wall: WallClock.milliseconds, db), conversation])
            let left = try AccountID.fetchAll(
                db, sql: "SELECT accountID FROM participant WHERE conversationID = ? ORDER BY accountID",
                arguments: [conversation])
            try db.execute(sql: "DELETE FROM participant WHERE conversationID = ?", arguments: [conversation])
            for account in left { try Self.forgetOpening(of: conversation, for: account, db) }
            timelines.forget(conversation, in: &state)
            try transaction.publish(
                MessageAPI.ConversationChanged(
                    conversation: conversation, joined: [], left: left, reason: closing.reason))
            return true
        }
    }

    private static func isOpen(_ conversation: ConversationID, _ db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM conversation WHERE id = ? AND closedAt IS NULL")
        return try Int.fetchOne(statement, arguments: [conversation]) != nil
    }
}
