import Shared

/// An event of a service, decoded, as far as the gateway acts on it.
enum BackendEvent: Sendable {
    case messageSent(Message)
    case readIndexMoved(MessageAPI.ReadIndexMoved)
    case participantsChanged(MessageAPI.ParticipantsChanged)
    case friendshipRequested(SocialAPI.FriendshipRequested)
    case friendshipBegan(SocialAPI.FriendshipBegan)
    case friendshipEnded(SocialAPI.FriendshipEnded)
    case membersJoined(SocialAPI.MembersJoined)
    case membersLeft(SocialAPI.MembersLeft)
    case roleChanged(SocialAPI.RoleChanged)
    case joinRequested(SocialAPI.JoinRequested)
    case announced(SocialAPI.Announced)
    case sessionRevoked(AuthAPI.SessionRevoked)
    case profileChanged(AuthAPI.ProfileChanged)
    /// Of a kind this gateway does not know, or about something that is gone.
    case other

    init(_ event: NumberedEvent) throws(WireError) {
        let payload = event.payload.bytes
        switch event.kind {
        case MessageAPI.MessageSent.kind: self = .messageSent(try MessageAPI.MessageSent(wireBytes: payload).message)
        case MessageAPI.ReadIndexMoved.kind: self = .readIndexMoved(try .init(wireBytes: payload))
        case MessageAPI.ParticipantsChanged.kind: self = .participantsChanged(try .init(wireBytes: payload))
        case SocialAPI.FriendshipRequested.kind: self = .friendshipRequested(try .init(wireBytes: payload))
        case SocialAPI.FriendshipBegan.kind: self = .friendshipBegan(try .init(wireBytes: payload))
        case SocialAPI.FriendshipEnded.kind: self = .friendshipEnded(try .init(wireBytes: payload))
        case SocialAPI.MembersJoined.kind: self = .membersJoined(try .init(wireBytes: payload))
        case SocialAPI.MembersLeft.kind: self = .membersLeft(try .init(wireBytes: payload))
        case SocialAPI.RoleChanged.kind: self = .roleChanged(try .init(wireBytes: payload))
        case SocialAPI.JoinRequested.kind: self = .joinRequested(try .init(wireBytes: payload))
        case SocialAPI.Announced.kind: self = .announced(try .init(wireBytes: payload))
        case AuthAPI.SessionRevoked.kind: self = .sessionRevoked(try .init(wireBytes: payload))
        case AuthAPI.ProfileChanged.kind: self = .profileChanged(try .init(wireBytes: payload))
        default: self = .other
        }
    }

    /// The account whose name a push about this shows.
    var subject: AccountID? {
        switch self {
        case .messageSent(let message): message.sender
        case .friendshipRequested(let request): request.applicant
        case .friendshipBegan(let friendship): friendship.accepter
        case .friendshipEnded(let friendship): friendship.account
        default: nil
        }
    }

    /// The group whose name a push about this shows and the event does not carry.
    var group: ConversationID? {
        guard case .messageSent(let message) = self, message.conversationKind == .group else { return nil }
        return message.conversation
    }
}
