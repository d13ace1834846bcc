import Shared

/// The frames of `classic`: `{"type", "message"}`, from server to client only.
struct ClassicPush: PushDialect {
    let name = Dialect.classic
    let sessionOver = WebSocketEnd(code: 4401, reason: "session over")
    let tooSlowCode = WebSocketCloseCode(rawValue: 4408)

    func pushes(about event: BackendEvent, _ names: PushNames) -> [Push] {
        switch event {
        case .messageSent(let message): self.message(message, names)
        case .messageRecalled(let recall):
            push("message_recalled", to: .members(recall.conversation)) { json in
                json.field("conversation_id", recall.conversation.rawValue)
                json.field("message_id", recall.message.rawValue)
            }
        case .readIndexMoved(let move):
            push("read_index_changed", to: .members(move.conversation)) { json in
                json.field("conversation_id", move.conversation.rawValue)
                json.field("member_id", move.account.rawValue)
                json.field("read_index", move.message.rawValue)
            }
        case .friendshipRequested(let request):
            push("receive_friend_application", to: .accounts([request.target])) { json in
                json.field("sender_id", request.applicant.rawValue)
                json.field("sender_name", names.profile(of: request.applicant)?.userName ?? "")
            }
        case .conversationChanged(let change): change.reason.map { about($0, names) } ?? []
        case .messageHidden, .friendRequestClosed, .presenceChanged, .noticesClaimed, .sessionRevoked, .profileChanged,
            .other:
            []
        }
    }

    private func about(_ reason: ConversationReason, _ names: PushNames) -> [Push] {
        switch reason {
        case .friendshipBegan(let friendship):
            push("friend_application_agreed", to: .accounts([friendship.applicant])) { json in
                json.field("friend_id", friendship.accepter.rawValue)
                json.field("friend_name", names.profile(of: friendship.accepter)?.userName ?? "")
                json.field("conversation_id", friendship.conversation.rawValue)
            }
        case .friendshipEnded(let friendship):
            push("friend_deleted", to: .accounts([friendship.friend])) { json in
                json.field("friend_id", friendship.account.rawValue)
                json.field("friend_name", names.profile(of: friendship.account)?.userName ?? "")
                json.field("conversation_id", friendship.conversation.rawValue)
            }
        case .joinRequested(let request):
            push("receive_conversation_application", to: .accounts(request.deciders)) { json in
                json.array("applier_ids", request.requests) { $1.value($0.invited.rawValue) }
                json.field("conversation_name", request.name)
                json.field("conversation_id", request.conversation.rawValue)
            }
        case .membersJoined(let joined):
            push("invited_to_conversation", to: .accounts(joined.accounts)) { json in
                json.field("conversation_name", joined.name)
                json.field("conversation_id", joined.conversation.rawValue)
            }
        case .membersLeft(let left):
            // Who leaves by himself knows it.
            push("removed_from_conversation", to: .accounts(left.accounts.filter { $0 != left.operator })) { json in
                json.field("conversation_id", left.conversation.rawValue)
                json.field("conversation_name", left.name)
                json.field("operator_id", left.operator.rawValue)
            }
        case .roleChanged(let change):
            push("role_changed", to: .members(change.conversation)) { json in
                json.field("conversation_id", change.conversation.rawValue)
                json.field("conversation_name", change.name)
                json.field("member_id", change.account.rawValue)
                json.field("role", change.role.classicName)
            }
        case .announced(let announced):
            push("announcement_published", to: .members(announced.conversation)) { json in
                json.field("conversation_id", announced.conversation.rawValue)
                json.field("announcement_id", announced.announcement.id.rawValue)
                json.field("announcement_body", announced.announcement.body)
            }
        case .joinRefused: []
        }
    }

    private func message(_ message: Message, _ names: PushNames) -> [Push] {
        push("receive_message", to: .members(message.conversation)) { json in
            json.field("message", message.text)
            json.field("message_id", message.id.rawValue)
            json.field("sender_name", names.profile(of: message.sender)?.userName ?? "")
            json.field("sender_id", message.sender.rawValue)
            let isGroup = message.conversationKind == .group
            json.field("conversation_name", isGroup ? names.group(message.conversation)?.name ?? "" : "")
            json.field("conversation_id", message.conversation.rawValue)
            json.field("reply_id", message.replyTo?.rawValue ?? -1)
            json.field("seq", message.sequence)
            json.field("send_time", Double(message.sentAt) / 1_000)
        }
    }

    private func push(
        _ type: String, to audience: Audience, _ fields: @escaping (inout JSONWriter) -> Void
    ) -> [Push] {
        [Push(type, "message", to: audience, fields)]
    }
}
