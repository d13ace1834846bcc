import Shared

/// An event of a service, decoded, as far as the gateway acts on it.
enum BackendEvent: Sendable {
    case messageSent(Message)
    case participantsChanged(MessageAPI.ParticipantsChanged)
    case friendshipRequested(SocialAPI.FriendshipRequested)
    case friendshipBegan(SocialAPI.FriendshipBegan)
    case sessionRevoked(AuthAPI.SessionRevoked)
    case profileChanged(AuthAPI.ProfileChanged)
    /// Of a kind this gateway does not know, or about something that is gone.
    case other

    init(_ event: NumberedEvent) throws(WireError) {
        let payload = event.payload.bytes
        switch event.kind {
        case MessageAPI.MessageSent.kind: self = .messageSent(try MessageAPI.MessageSent(wireBytes: payload).message)
        case MessageAPI.ParticipantsChanged.kind: self = .participantsChanged(try .init(wireBytes: payload))
        case SocialAPI.FriendshipRequested.kind: self = .friendshipRequested(try .init(wireBytes: payload))
        case SocialAPI.FriendshipBegan.kind: self = .friendshipBegan(try .init(wireBytes: payload))
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
        case .participantsChanged, .sessionRevoked, .profileChanged, .other: nil
        }
    }
}
