import Logging
import Shared
import SharedStorage

/// What other services owe message-svc. No payload may fail: its sender would repeat it for ever, and all that is behind.
enum MessageEffects {
    static func inbox(_ store: MessageStore, logger: Logger) -> EffectInbox {
        var inbox = EffectInbox()
        inbox.on(MessageAPI.OpenConversation.self) { transaction, opening in
            if try store.open(opening, transaction) { return }
            logNoChange(MessageAPI.OpenConversation.kind, opening.conversation, logger)
        }
        inbox.on(MessageAPI.ChangeParticipants.self) { transaction, change in
            if try store.changeParticipants(change, transaction) { return }
            logNoChange(MessageAPI.ChangeParticipants.kind, change.conversation, logger)
        }
        inbox.on(MessageAPI.ChangeSilence.self) { transaction, change in
            if try store.changeSilence(change, transaction) { return }
            logNoChange(MessageAPI.ChangeSilence.kind, change.conversation, logger)
        }
        inbox.on(MessageAPI.CloseConversation.self) { transaction, closing in
            if try store.close(closing, transaction) { return }
            logNoChange(MessageAPI.CloseConversation.kind, closing.conversation, logger)
        }
        inbox.on(MessageAPI.TellConversation.self) { transaction, news in
            if try store.tell(news, transaction) { return }
            logNoChange(MessageAPI.TellConversation.kind, news.conversation, logger)
        }
        return inbox
    }

    private static func logNoChange(_ kind: String, _ conversation: ConversationID, _ logger: Logger) {
        logger.warning(
            "an effect had nothing to change", metadata: ["effect": "\(kind)", "conversation": "\(conversation)"])
    }
}
