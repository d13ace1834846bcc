import Shared

/// Who may take back which message, and until when.
struct RecallRules: Sendable {
    /// What the rules ask of a message.
    struct Subject {
        var conversationKind: ConversationKind
        var sender: AccountID
        var sentAt: Int64
        var isRecalled: Bool
    }

    /// How long a sender may, in milliseconds; a moderator of a group may always.
    let window: Int64

    /// Judges the recall of a message that the account can see.
    ///
    /// - Parameter now: by the clock that stamped `sentAt`, in milliseconds since 1970.
    /// - Throws: ``ServiceError/Code/alreadyRecalled``, ``ServiceError/Code/notAllowed`` or
    ///   ``ServiceError/Code/tooLate``, the first that applies.
    func check(_ recall: MessageAPI.Recall, of subject: Subject, now: Int64) throws(ServiceError) {
        if subject.isRecalled { throw ServiceError(.alreadyRecalled) }
        if recall.isModerator, subject.conversationKind == .group { return }
        guard subject.sender == recall.account else { throw ServiceError(.notAllowed) }
        guard now - subject.sentAt < window else { throw ServiceError(.tooLate) }
    }
}
