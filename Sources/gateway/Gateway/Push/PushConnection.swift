import NIOCore
import Shared

/// One push connection: whose it is, what it speaks, and from which event on it is live.
final class PushConnection {
    let id: UInt64
    let socket: WebSocketConnection
    let session: Session
    let dialect: any PushDialect
    /// What the dialect says of itself, at hand for every push.
    let dialectName: Dialect
    let isExclusive: Bool
    var expiry: Scheduled<Void>?
    /// The last message event before it was opened: where live begins unless its client resumes from a message.
    /// `nil` once the events since then are not kept any more.
    var openedAt: Int64?
    /// The last message event this connection was given by other means; `nil` until it is live.
    var position: Int64?
    /// Events of auth-svc and social-svc since it was opened that it gets when it is live: they come behind what it missed.
    var early: [BackendEvent] = []
    /// Whether its client's side is known to have the handshake; of exclusive dialects alone this is asked.
    var hasArrived: Bool
    /// Of an exclusive dialect: its rank among the account's connections at all gateways, once social-svc has said it.
    var claim: Int64?
    /// Of an exclusive dialect: how far it was served.
    var served = Place()
    /// An earlier place: what has been acknowledged since then has been there for a while.
    var mark = Place()
    /// As far as message-svc was told of it.
    var confirmed = MessageID(0)
    /// Whether it is among those message-svc will be told of.
    var awaitsConfirmation = false

    /// Everything up to a message was queued when so many bytes had been.
    struct Place {
        var message = MessageID(0)
        var bytes: UInt64 = 0
    }

    /// Up to which message everything has reached the client's side; while it is open, as far as it had time to read it.
    var delivered: MessageID {
        let bytes = socket.deliveredBytes
        if !socket.isOpen, bytes >= served.bytes { return served.message }
        return bytes >= mark.bytes ? mark.message : confirmed
    }

    init(id: UInt64, socket: WebSocketConnection, session: Session, dialect: any PushDialect, openedAt: Int64) {
        self.id = id
        self.socket = socket
        self.session = session
        self.dialect = dialect
        dialectName = dialect.name
        isExclusive = dialect.exclusivity != nil
        hasArrived = !isExclusive
        self.openedAt = openedAt
    }
}
