import Shared

/// An event of a service, decoded, as far as the gateway acts on it.
enum BackendEvent: Sendable {
    case messageSent(Message)
    case messageRecalled(MessageAPI.MessageRecalled)
    case messageHidden(MessageAPI.MessageHidden)
    case readIndexMoved(MessageAPI.ReadIndexMoved)
    case conversationChanged(MessageAPI.ConversationChanged)
    case friendshipRequested(SocialAPI.FriendshipRequested)
    case friendRequestClosed(SocialAPI.FriendRequestClosed)
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
        case MessageAPI.ConversationChanged.kind: self = .conversationChanged(try .init(wireBytes: payload))
        case SocialAPI.FriendshipRequested.kind: self = .friendshipRequested(try .init(wireBytes: payload))
        case SocialAPI.FriendRequestClosed.kind: self = .friendRequestClosed(try .init(wireBytes: payload))
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
        case .conversationChanged(let change):
            [
                .accounts(change.joined + change.left + (change.reason?.alsoConcerned ?? [])),
                .members(change.conversation),
            ]
        case .friendshipRequested(let request): [.accounts([request.target])]
        case .friendRequestClosed(let request): [.accounts([request.applicant, request.target])]
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
        // Who came in for a reason nobody knows was brought in by the group.
        case .conversationChanged(let change): change.reason?.subjects ?? PushSubjects(group: change.conversation)
        case .friendshipRequested(let request): PushSubjects(people: [request.applicant])
        case .friendRequestClosed(let request): PushSubjects(people: [request.target])
        case .presenceChanged(let change): PushSubjects(people: [change.account])
        case .messageRecalled, .messageHidden, .readIndexMoved, .noticesClaimed, .sessionRevoked, .profileChanged,
            .other:
            .none
        }
    }
}

extension ConversationReason {
    /// Whom this concerns beside the members, those who have come and those who have gone.
    fileprivate var alsoConcerned: [AccountID] {
        switch self {
        case .membersJoined(let joined): joined.settled.map(\.inviter)
        case .joinRequested(let request): request.deciders
        case .joinRefused(let refusal): refusal.settled.map(\.inviter)
        case .friendshipBegan, .friendshipEnded, .membersLeft, .roleChanged, .announced: []
        }
    }

    fileprivate var subjects: PushSubjects {
        switch self {
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
        case .announced: .none
        }
    }
}
