import Shared

/// Something that concerns connected accounts, in no dialect yet, with the names a push about it shows.
enum PushNotice: Sendable {
    /// - Parameter group: the group's name; empty for a private conversation.
    case messageSent(Message, sender: Profile?, group: String)
    case readIndexMoved(MessageAPI.ReadIndexMoved)
    case friendshipRequested(SocialAPI.FriendshipRequested, applicant: Profile?)
    case friendshipBegan(SocialAPI.FriendshipBegan, accepter: Profile?)
    case friendshipEnded(SocialAPI.FriendshipEnded, by: Profile?)
    case membersJoined(SocialAPI.MembersJoined)
    case membersRemoved(SocialAPI.MembersLeft)
    case roleChanged(SocialAPI.RoleChanged)
    case joinRequested(SocialAPI.JoinRequested)
    case announced(SocialAPI.Announced)
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
