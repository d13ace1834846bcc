import GRDB
import Shared
import SharedStorage

extension MessageStore {
    /// Appends a message; the step of a group commit.
    ///
    /// - Parameter checkText: called last of the checks, and not for a send that was stored before.
    func append(
        _ send: MessageAPI.Send, _ transaction: WriteTransaction, checkText: () throws -> Void
    ) throws -> MessageAPI.Send.Reply {
        try timelines.withState { state in
            guard let timeline = try timeline(of: send.conversation, in: &state, transaction.db),
                timeline.participants.contains(send.sender)
            else { throw ServiceError(.notParticipant) }
            let earlier = try earlierSend(like: send, transaction.db)
            if case .same(let first) = earlier { return first }
            if let target = send.replyTo { try checkReply(to: target, in: send.conversation, transaction.db) }
            try checkText()
            if case .other = earlier { throw ServiceError(.conflictingClientID) }
            return try insert(send, into: timeline, &state, transaction)
        }
    }

    /// Stores a message at the end of a timeline and publishes it.
    func insert(
        _ send: MessageAPI.Send, into timeline: Timeline, _ state: inout Timelines.State,
        _ transaction: WriteTransaction
    ) throws -> MessageAPI.Send.Reply {
        let db = transaction.db
        let message = Message(
            id: MessageID(try lastMessage(&state, db).rawValue + 1), conversation: send.conversation,
            conversationKind: timeline.kind, sequence: timeline.lastSequence + 1, sender: send.sender,
            text: send.text, replyTo: send.replyTo, sentAt: max(WallClock.milliseconds, state.lastSentAt))
        try db.cachedStatement(
            sql: """
                INSERT INTO message (id, conversationID, sequence, senderID, text, replyTo, sentAt, clientID)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            message.id, message.conversation, message.sequence, message.sender, StoredText(message.text),
            message.replyTo, message.sentAt, send.clientID,
        ])
        state.lastMessage = message.id
        state.lastSentAt = message.sentAt
        state.byConversation[send.conversation]?.lastSequence = message.sequence
        var stored = WireWriter(reserving: 8)
        message.id.write(to: &stored)
        try transaction.publish(MessageAPI.MessageSent(message: message), storing: stored.bytes)
        return MessageAPI.Send.Reply(message: message.id, sequence: message.sequence, sentAt: message.sentAt)
    }

    /// A stored message with the client id of a send.
    private enum EarlierSend {
        /// It has the same content, and this was its answer.
        case same(MessageAPI.Send.Reply)
        case other
    }

    private func earlierSend(like send: MessageAPI.Send, _ db: Database) throws -> EarlierSend? {
        guard let clientID = send.clientID else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, sequence, sentAt, text, replyTo, recalledAt FROM message
                WHERE senderID = ? AND conversationID = ? AND clientID = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [send.sender, send.conversation, clientID]) else {
            return nil
        }
        // A recalled message has lost its text, so only its id is left to compare.
        let isRecalled: Bool = row["recalledAt"] != nil
        guard isRecalled || ((row["text"] as StoredText).text == send.text && row["replyTo"] == send.replyTo) else {
            return .other
        }
        return .same(
            MessageAPI.Send.Reply(message: row["id"], sequence: row["sequence"], sentAt: row["sentAt"]))
    }

    private func checkReply(to target: MessageID, in conversation: ConversationID, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM message WHERE id = ? AND conversationID = ? AND recalledAt IS NULL")
        guard try Int.fetchOne(statement, arguments: [target, conversation]) != nil else {
            throw ServiceError(.invalidReply)
        }
    }

    /// The timeline of an open conversation, from memory or loaded; `nil` when there is no such one.
    private func timeline(
        of conversation: ConversationID, in state: inout Timelines.State, _ db: Database
    ) throws -> Timeline? {
        if let known = state.byConversation[conversation] { return known }
        let row = try Row.fetchOne(
            db, sql: "SELECT kind FROM conversation WHERE id = ? AND closedAt IS NULL", arguments: [conversation])
        guard let row, let kind = ConversationKind(rawValue: row[0]) else { return nil }
        let participants = try AccountID.fetchSet(
            db, sql: "SELECT accountID FROM participant WHERE conversationID = ?", arguments: [conversation])
        let last = try Int64.fetchOne(
            db, sql: "SELECT max(sequence) FROM message WHERE conversationID = ?", arguments: [conversation])
        let timeline = Timeline(kind: kind, participants: participants, lastSequence: last ?? 0)
        timelines.keep(timeline, for: conversation, in: &state)
        return timeline
    }

    /// The last message of all conversations, from memory or loaded; 0 when there is none.
    func lastMessage(_ state: inout Timelines.State, _ db: Database) throws -> MessageID {
        if let known = state.lastMessage { return known }
        let row = try Row.fetchOne(
            db, sql: "SELECT max(id), max(sentAt) FROM (SELECT id, sentAt FROM message ORDER BY id DESC LIMIT 1)")
        let last: MessageID = row?[0] ?? MessageID(0)
        state.lastMessage = last
        state.lastSentAt = row?[1] ?? 0
        return last
    }
}
