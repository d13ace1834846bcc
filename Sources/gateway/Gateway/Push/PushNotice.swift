import Shared

/// Something that concerns connected accounts, in no dialect yet.
enum PushNotice: Sendable {
    case messageSent(Message, sender: Profile?)
    case friendshipRequested(SocialAPI.FriendshipRequested, applicant: Profile?)
    case friendshipBegan(SocialAPI.FriendshipBegan, accepter: Profile?)
}

/// How a dialect speaks on its push connections.
protocol PushDialect: Sendable {
    var name: Dialect { get }
    /// The frame of a notice, the same for every recipient; `nil` when the dialect does not speak of it.
    func frame(for notice: PushNotice) -> WebSocketFrameBytes?
    /// How a connection whose session is over is closed.
    var sessionOverCode: WebSocketCloseCode { get }
    /// How a connection that reads too slowly is closed.
    var tooSlowCode: WebSocketCloseCode { get }
}
