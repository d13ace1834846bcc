import Shared
import SharedStorage

/// What other services owe social-svc. No payload may fail: its sender would repeat it for ever, and all that is behind.
enum SocialEffects {
    static var inbox: EffectInbox {
        var inbox = EffectInbox()
        inbox.on(SocialAPI.CancelAccount.self) { transaction, cancellation in
            try SocialStore.cancel(cancellation.account, now: WallClock.milliseconds, transaction)
        }
        return inbox
    }
}
