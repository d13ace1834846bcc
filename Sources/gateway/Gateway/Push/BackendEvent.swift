import Shared

/// An event of a service, decoded, as far as the gateway acts on it.
enum BackendEvent: Sendable {
    case messageSent(Message)
    case messageRecalled(MessageAPI.MessageRecalled)
    case messageHidden(MessageAPI.MessageHidden)
    case readIndexMoved(MessageAPI.ReadIndexMoved)
    case participantsChanged(MessageAPI.ParticipantsChanged)
    case friendshipRequested(SocialAPI.FriendshipRequested)
    case friendRequestClosed(SocialAPI.FriendRequestClosed)
    case friendshipBegan(SocialAPI.FriendshipBegan)
    case friendshipEnded(SocialAPI.FriendshipEnded)
    case membersJoined(SocialAPI.MembersJoined)
    case membersLeft(SocialAPI.MembersLeft)
    case joinRequested(SocialAPI.JoinRequested)
    case joinRefused(SocialAPI.JoinRefused)
    case roleChanged(SocialAPI.RoleChanged)
    case announced(SocialAPI.Announced)
    case presenceChanged(SocialAPI.PresenceChanged)
    case noticesClaimed(SocialAPI.NoticesClaimed)
    case sessionRevoked(AuthAPI.SessionRevoked)
    case profileChanged(AuthAPI.ProfileChanged)
    /// Of a kind this gateway does not know, or about something that is gone.
    case other

    init(_ event: NumberedEvent) throws(WireError) {
        let payload = event.payload.bytes
        switch event.kind {
        case MessageAPI.MessageSent.kind: self = .messageSent(try MessageAPI.MessageSent(wireBytes: payload).message)
        case MessageAPI.MessageRecalled.kind: self = .messageRecalled(try .init(wireBytes: payload))
        case MessageAPI.MessageHidden.kind: self = .messageHidden(try .init(wireBytes: payload))
        case MessageAPI.ReadIndexMoved.kind: self = .readIndexMoved(try .init(wireBytes: payload))
        case MessageAPI.ParticipantsChanged.kind: self = .participantsChanged(try .init(wireBytes: payload))
        case SocialAPI.FriendshipRequested.kind: self = .friendshipRequested(try .init(wireBytes: payload))
        case SocialAPI.FriendRequestClosed.kind: self = .friendRequestClosed(try .init(wireBytes: payload))
        case SocialAPI.FriendshipBegan.kind: self = .friendshipBegan(try .init(wireBytes: payload))
        case SocialAPI.FriendshipEnded.kind: self = .friendshipEnded(try .init(wireBytes: payload))
        case SocialAPI.MembersJoined.kind: self = .membersJoined(try .init(wireBytes: payload))
        case SocialAPI.MembersLeft.kind: self = .membersLeft(try .init(wireBytes: payload))
        case SocialAPI.JoinRequested.kind: self = .joinRequested(try .init(wireBytes: payload))
        case SocialAPI.JoinRefused.kind: self = .joinRefused(try .init(wireBytes: payload))
        case SocialAPI.RoleChanged.kind: self = .roleChanged(try .init(wireBytes: payload))
        case SocialAPI.Announced.kind: self = .announced(try .init(wireBytes: payload))
        case SocialAPI.PresenceChanged.kind: self = .presenceChanged(try .init(wireBytes: payload))
        case SocialAPI.NoticesClaimed.kind: self = .noticesClaimed(try .init(wireBytes: payload))
        case AuthAPI.SessionRevoked.kind: self = .sessionRevoked(try .init(wireBytes: payload))
        case AuthAPI.ProfileChanged.kind: self = .profileChanged(try .init(wireBytes: payload))
        default: self = .other
        }
    }
}

extension BackendEvent {
    /// Everybody it concerns in any dialect.
    var audience: [Audience] {
        switch self {
        case .messageSent(let message): [.members(message.conversation)]
        case .messageRecalled(let recall): [.members(recall.conversation)]
        case .messageHidden(let hiding): [.accounts([hiding.account])]
        case .readIndexMoved(let move): [.members(move.conversation)]
        case .participantsChanged(let change):
            [.accounts(change.joined + change.left), .members(change.conversation)]
        case .friendshipRequested(let request): [.accounts([request.target])]
        case .friendRequestClosed(let request): [.accounts([request.applicant, request.target])]
        case .friendshipBegan(let friendship): [.accounts([friendship.applicant])]
        case .friendshipEnded(let friendship): [.accounts([friendship.friend])]
        case .membersJoined(let joined):
            [.accounts(joined.accounts + joined.settled.map(\.inviter)), .members(joined.conversation)]
        case .membersLeft(let left): [.accounts(left.accounts), .members(left.conversation)]
        case .joinRequested(let request): [.accounts(request.deciders)]
        case .joinRefused(let refusal): [.accounts(refusal.settled.flatMap { [$0.inviter, $0.invited] })]
        case .roleChanged(let change): [.members(change.conversation)]
        case .announced(let announced): [.members(announced.conversation)]
        case .presenceChanged(let change): [.accounts(change.friends.map(\.account))]
        case .noticesClaimed, .sessionRevoked, .profileChanged, .other: []
        }
    }

    /// Whose names a push about this may show in any dialect.
    var subjects: PushSubjects {
        switch self {
        case .messageSent(let message):
            PushSubjects(
                people: [message.sender], group: message.conversationKind == .group ? message.conversation : nil)
        case .friendshipRequested(let request): PushSubjects(people: [request.applicant])
        case .friendRequestClosed(let request): PushSubjects(people: [request.target])
        case .friendshipBegan(let friendship): PushSubjects(people: [friendship.accepter])
        case .friendshipEnded(let friendship): PushSubjects(people: [friendship.account])
        case .membersJoined(let joined):
            PushSubjects(
                people: joined.accounts + joined.settled.map(\.inviter) + [joined.operator],
                group: joined.conversation)
        case .membersLeft(let left): PushSubjects(people: left.accounts, group: left.conversation)
        case .joinRequested(let request):
            PushSubjects(
                people: request.requests.flatMap { [$0.inviter, $0.invited] }, group: request.conversation)
        case .joinRefused(let refusal):
            PushSubjects(people: refusal.settled.map(\.invited), group: refusal.conversation)
        case .roleChanged(let change): PushSubjects(group: change.conversation)
        case .presenceChanged(let change): PushSubjects(people: [change.account])
        case .messageRecalled, .messageHidden, .readIndexMoved, .participantsChanged, .announced, .noticesClaimed,
            .sessionRevoked, .profileChanged, .other:
            .none
        }
    }
}
