import Shared
import SharedStorage

/// What other services owe message-svc.
enum MessageEffects {
    static func inbox(_ store: MessageStore) -> EffectInbox {
        var inbox = EffectInbox()
        inbox.on(MessageAPI.OpenConversation.self) { transaction, opening in
            try store.open(opening, transaction)
        }
        return inbox
    }
}
