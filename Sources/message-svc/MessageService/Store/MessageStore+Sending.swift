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
            let (conversation, kind, lastSequence) = try place(for: send, in: &state, transaction.db)
            let earlier = try earlierSend(like: send, in: conversation, transaction.db)
            if case .same(let first) = earlier { return first }
            if let target = send.replyTo { try checkReply(to: target, in: conversation, transaction.db) }
            try checkText()
            if case .other = earlier { throw ServiceError(.conflictingClientID) }
            return try insert(send, into: conversation, kind, after: lastSequence, &state, transaction)
        }
    }

    /// The conversation a message goes to, if its sender may write there.
    ///
    /// - Throws: the refusal of strangers at that destination.
    private func place(
        for send: MessageAPI.Send, in state: inout Timelines.State, _ db: Database
    ) throws -> (ConversationID, ConversationKind, lastSequence: Int64) {
        switch send.to {
        case .conversation(let conversation):
            guard let timeline = try timeline(of: conversation, in: &state, db), timeline.maySend(send.sender) else {
                throw ServiceError(.notParticipant)
            }
            return (conversation, timeline.kind, timeline.lastSequence)
        case .group(let conversation):
            guard let timeline = try timeline(of: conversation, in: &state, db), timeline.kind == .group,
                timeline.maySend(send.sender)
            else { throw ServiceError(.notGroupMember) }
            return (conversation, timeline.kind, timeline.lastSequence)
        case .friend(let friend):
            let pair = AccountPair(send.sender, friend)
            guard let conversation = try privateConversation(of: pair, in: &state, db),
                let timeline = try timeline(of: conversation, in: &state, db), timeline.maySend(send.sender),
                timeline.participants.contains(friend)
            else { throw ServiceError(.notFriends) }
            return (conversation, timeline.kind, timeline.lastSequence)
        }
    }

    /// Stores a message at the end of a timeline and publishes it.
    func insert(
        _ send: MessageAPI.Send, into conversation: ConversationID, _ kind: ConversationKind, after lastSequence: Int64,
        _ state: inout Timelines.State, _ transaction: WriteTransaction
    ) throws -> MessageAPI.Send.Reply {
        let db = transaction.db
        let message = Message(
            id: MessageID(try lastMessage(&state, db).rawValue + 1), conversation: conversation,
            conversationKind: kind, sequence: lastSequence + 1, sender: send.sender,
            text: send.text, replyTo: send.replyTo,
            sentAt: try time(&state, wall: WallClock.milliseconds, db))
        try db.cachedStatement(
            sql: """
                INSERT INTO message (id, conversationID, sequence, senderID, text, replyTo, sentAt, clientID)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).run(
            .init(message.id), .init(message.conversation), .init(message.sequence), .init(message.sender),
            .userText(StoredText(message.text)), .init(message.replyTo), .init(message.sentAt), .init(send.clientID))
        try countSent(message, &state, db)
        state.lastMessage = message.id
        state.byConversation[conversation]?.lastSequence = message.sequence
        var stored = WireWriter(reserving: 8)
        message.id.write(to: &stored)
        try transaction.publish(MessageAPI.MessageSent(message: message), storing: stored.bytes)
        return MessageAPI.Send.Reply(
            conversation: conversation, message: message.id, sequence: message.sequence, sentAt: message.sentAt)
    }

    /// A stored message with the client id of a send.
    private enum EarlierSend {
        /// It has the same content, and this was its answer.
        case same(MessageAPI.Send.Reply)
        case other
    }

    private func earlierSend(
        like send: MessageAPI.Send, in conversation: ConversationID, _ db: Database
    ) throws -> EarlierSend? {
        guard let clientID = send.clientID else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, sequence, sentAt, text, replyTo, recalledAt FROM message
                WHERE senderID = ? AND conversationID = ? AND clientID = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [send.sender, conversation, clientID]) else {
            return nil
        }
        // A recalled message has lost its text, so only its id is left to compare.
        let isRecalled: Bool = row["recalledAt"] != nil
        guard isRecalled || ((row["text"] as StoredText).text == send.text && row["replyTo"] == send.replyTo) else {
            return .other
        }
        return .same(
            MessageAPI.Send.Reply(
                conversation: conversation, message: row["id"], sequence: row["sequence"], sentAt: row["sentAt"]))
    }

    private func checkReply(to target: MessageID, in conversation: ConversationID, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM message WHERE id = ? AND conversationID = ? AND recalledAt IS NULL")
        guard try Int.fetchOne(statement, arguments: [target, conversation]) != nil else {
            throw ServiceError(.invalidReply)
        }
    }

    /// The open private conversation of two accounts, from memory or loaded; `nil` when they have none.
    private func privateConversation(
        of pair: AccountPair, in state: inout Timelines.State, _ db: Database
    ) throws -> ConversationID? {
        if let known = state.byPair[pair] { return known }
        let statement = try db.cachedStatement(sql: Self.conversationOfPair)
        let arguments: StatementArguments = [pair.smaller, pair.greater]
        guard let conversation = try ConversationID.fetchOne(statement, arguments: arguments) else { return nil }
        if try timeline(of: conversation, in: &state, db) != nil {
            timelines.keep(pair, at: conversation, in: &state)
        }
        return conversation
    }

    /// The smaller and the greater account; the newest of what is open between them.
    static let conversationOfPair = """
        SELECT id FROM conversation WHERE smallerID = ? AND greaterID = ? AND closedAt IS NULL ORDER BY id DESC LIMIT 1
        """

    /// The timeline of an open conversation, from memory or loaded; `nil` when there is no such one.
    private func timeline(
        of conversation: ConversationID, in state: inout Timelines.State, _ db: Database
    ) throws -> Timeline? {
        if let known = state.byConversation[conversation] { return known }
        let row = try Row.fetchOne(
            db, sql: "SELECT kind, smallerID, greaterID FROM conversation WHERE id = ? AND closedAt IS NULL",
            arguments: [conversation])
        guard let row else { return nil }
        let participants = try AccountID.fetchSet(
            db, sql: "SELECT accountID FROM participant WHERE conversationID = ?", arguments: [conversation])
        let silenced = try AccountID.fetchSet(
            db, sql: "SELECT accountID FROM participant WHERE conversationID = ? AND isSilenced",
            arguments: [conversation])
        let last = try Int64.fetchOne(
            db, sql: "SELECT max(sequence) FROM message WHERE conversationID = ?", arguments: [conversation])
        var pair: AccountPair?
        if let smaller: AccountID = row[1], let greater: AccountID = row[2] { pair = AccountPair(smaller, greater) }
        let timeline = Timeline(
            kind: try Self.kind(row[0]), pair: pair, participants: participants, silenced: silenced,
            lastSequence: last ?? 0)
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
        state.clock = SteadyClock(at: row?[1] ?? 0, since: .now)
        return last
    }

    /// The time by the clock that stamps messages, in milliseconds since 1970: it never goes back, whatever the wall
    /// clock does.
    func time(_ state: inout Timelines.State, wall: Int64, _ db: Database) throws -> Int64 {
        // Whoever does not know the last message does not know yet how far the clock has come either.
        _ = try lastMessage(&state, db)
        return state.clock.read(wall: wall, at: .now)
    }
}
