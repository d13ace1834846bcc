import Shared

extension RestSurface {
    @Sendable func sendMessage(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let destination = try Self.destination(call)
        let text = try call.text("content")
        let reply = try call.optionalID("reply_id").map { MessageID($0) }
        let clientID = try call.clientMessageID("client_message_id")
        let message = try await messageService.ask(
            MessageAPI.Send(sender: session.account, to: destination, text: text, replyTo: reply, clientID: clientID),
            call.context
        ).message
        return .data { $0.value(message.rawValue) }
    }

    /// Either a friend or a conversation.
    private static func destination(_ call: RestCall) throws(RestError) -> MessageAPI.Destination {
        let receiver = try call.optionalID("receiver_id")
        guard let conversation = try call.optionalID("conversation_id") else {
            guard let receiver else { throw .badField("receiver_id") }
            return .friend(AccountID(receiver))
        }
        guard receiver == nil else { throw .badField("conversation_id") }
        return .conversation(ConversationID(conversation))
    }

    /// Tried as the sender first: who moderates a group is asked only when that is not enough.
    @Sendable func recallMessage(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let message = try call.messageID()
        do throws(ServiceError) {
            _ = try await core.backend.message.call(
                MessageAPI.Recall(account: session.account, message: message, isModerator: false), call.context)
        } catch {
            let refusal = error.code == .notAllowed ? .notOwnMessage : RestError(error)
            guard error.code == .notAllowed || error.code == .tooLate,
                try await moderates(session, conversationOf: message, call)
            else { throw refusal }
            _ = try await messageService.ask(
                MessageAPI.Recall(account: session.account, message: message, isModerator: true), call.context)
        }
        return .noData
    }

    /// Whether an account is owner or admin of the group that a message is in.
    private func moderates(
        _ session: Session, conversationOf message: MessageID, _ call: RestCall
    ) async throws(RestError) -> Bool {
        // It was there a moment ago.
        let details = try await messageService.ask(
            MessageAPI.MessageDetails(account: session.account, message: message), call.context,
            wording: [.invalidMessage: .alreadyRecalled])
        guard details.conversationKind == .group else { return false }
        let role = try await socialService.ask(
            SocialAPI.RoleIn(account: session.account, conversation: details.conversation), call.context
        ).role
        return role == .owner || role == .admin
    }

    @Sendable func hideMessage(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let message = try call.messageID()
        _ = try await messageService.ask(
            MessageAPI.HideMessage(account: session.account, message: message), call.context,
            // Nobody is told whether there is a message that he may not see.
            wording: [.notParticipant: .messageUnknown])
        return .noData
    }
}
