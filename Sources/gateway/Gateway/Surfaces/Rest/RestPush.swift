import Shared

/// The frames of `rest`: `{"type", "data"}`, from server to client only.
struct RestPush: PushDialect {
    let name = Dialect.rest
    /// A day: access tokens come and go meanwhile, and a revoked session ends the connection at once.
    let maxLifetime: Duration? = .seconds(86_400)
    let sessionOver = WebSocketEnd(code: 4401, reason: "session over")
    let tooSlowCode = WebSocketCloseCode(rawValue: 4408)

    /// Only messages and requests show names, of people.
    func subjects(of event: BackendEvent) -> PushSubjects {
        if case .conversationChanged = event { return .none }
        return PushSubjects(people: event.subjects.people)
    }

    func pushes(about event: BackendEvent, _ names: PushNames) -> [Push] {
        switch event {
        case .messageSent(let message):
            push("new_message", to: .members(message.conversation)) { json in
                json.field("message_id", message.id.rawValue)
                json.field("seq", message.sequence)
                json.field("conversation_id", message.conversation.rawValue)
                json.writeContent(of: message, from: names.profile(of: message.sender))
            }
        case .messageRecalled(let recall):
            push("recall_message", to: .members(recall.conversation)) { json in
                json.field("recalled_message_id", recall.message.rawValue)
                json.field("conversation_id", recall.conversation.rawValue)
                json.field("operator_id", recall.operator.rawValue)
                json.field("updated_at", time: recall.recalledAt)
            }
        case .messageHidden(let hiding):
            push("delete_message", to: .accounts([hiding.account])) { json in
                json.field("message_id", hiding.message.rawValue)
                json.field("conversation_id", hiding.conversation.rawValue)
            }
        case .readIndexMoved(let move):
            push("read", to: .members(move.conversation)) { json in
                json.field("conversation_id", move.conversation.rawValue)
                json.field("user_id", move.account.rawValue)
                json.field("message_id", move.message.rawValue)
            }
        case .friendshipRequested(let request):
            push("new_friend_request", to: .accounts([request.target])) { json in
                json.field("request_id", request.request.rawValue)
                json.field("sender_id", request.applicant.rawValue)
                json.field("sender_name", names.profile(of: request.applicant)?.nickname ?? "")
                json.field("message", request.message)
            }
        case .friendRequestClosed(let closed):
            decision(
                on: closed.request, closed.state,
                to: closed.closer == closed.applicant ? closed.target : closed.applicant, by: closed.closer)
        case .conversationChanged(let change): about(change)
        case .presenceChanged, .noticesClaimed, .sessionRevoked, .profileChanged, .other: []
        }
    }

    /// What tells an account of a conversation comes first of what it hears of it, and what takes it away last.
    private func about(_ change: MessageAPI.ConversationChanged) -> [Push] {
        let conversation = change.conversation
        func note(_ what: String, to audience: Audience) -> [Push] {
            push("conversation_changed", to: audience) { json in
                json.field("conversation_id", conversation.rawValue)
                json.field("change", what)
            }
        }
        let joined = note("joined", to: .accounts(change.joined))
        let left = note("left", to: .accounts(change.left))
        switch change.reason {
        case .friendshipBegan(let friendship):
            return decision(
                on: friendship.request, .accepted, to: friendship.applicant, by: friendship.accepter, conversation)
                + joined
        case .friendshipEnded(let friendship):
            return left
                + push("friend_deleted", to: .accounts([friendship.friend])) { json in
                    json.field("friend_id", friendship.account.rawValue)
                }
        case .membersJoined, .membersLeft, nil:
            let others = Audience.members(conversation, besides: Set(change.joined + change.left))
            return joined + left + note("members", to: others)
        case .roleChanged: return note("role", to: .members(conversation))
        case .announced: return note("announcement", to: .members(conversation))
        case .joinRequested, .joinRefused: return []
        }
    }

    private func decision(
        on request: FriendRequestID, _ state: SocialAPI.RequestState, to account: AccountID, by other: AccountID,
        _ conversation: ConversationID? = nil
    ) -> [Push] {
        push("friend_request_decided", to: .accounts([account])) { json in
            json.field("request_id", request.rawValue)
            json.field("status", state.restName)
            json.field("friend_id", other.rawValue)
            json.field("conversation_id", conversation?.rawValue)
        }
    }

    private func push(
        _ type: String, to audience: Audience, _ fields: @escaping (inout JSONWriter) -> Void
    ) -> [Push] {
        [Push(type, "data", to: audience, fields)]
    }
}
