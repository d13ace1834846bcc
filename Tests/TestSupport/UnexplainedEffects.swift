package import Shared

// Effects whose reason a test does not care for.

extension MessageAPI.OpenConversation {
    package init(
        conversation: ConversationID, conversationKind: ConversationKind, participants: [AccountID],
        greeting: String, greeter: AccountID
    ) {
        self.init(
            conversation: conversation, conversationKind: conversationKind, participants: participants,
            greeting: greeting, greeter: greeter, reason: nil)
    }
}

extension MessageAPI.ChangeParticipants {
    package init(conversation: ConversationID, joined: [AccountID], left: [AccountID]) {
        self.init(conversation: conversation, joined: joined, left: left, reason: nil)
    }
}

extension MessageAPI.CloseConversation {
    package init(conversation: ConversationID) { self.init(conversation: conversation, reason: nil) }
}
