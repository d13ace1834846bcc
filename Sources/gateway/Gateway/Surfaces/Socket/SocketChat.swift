import Logging
import Shared

extension SocketSurface {
    /// Time to find out whether somebody was there to receive a message.
    private static let presenceTimeout = Duration.seconds(1)
    /// Characters nobody's text may exceed unless the operator allows more: who may not write is told of that first.
    private static let usualTextLimit = 10_000

    @Sendable func sendMessage(_ call: SocketCall, _ respond: @escaping SocketOperation.Respond) {
        do throws(SocketRefusal) {
            let send = try message(of: call)
            core.backend.message.send(send, call.context, on: core.executor.eventLoop) { result in
                settle(send, result, call, respond)
            }
        } catch {
            respond(.failure(error))
        }
    }

    private func message(of call: SocketCall) throws(SocketRefusal) -> MessageAPI.Send {
        let friend = try call.optionalID("toUserId").map { AccountID($0) }
        let group = try call.optionalID("toGroupId").map { ConversationID($0) }
        let text = try call.nonEmptyText("msg")
        let clientID = try call.clientMessageID()
        let sender = call.session.account
        let destination: MessageAPI.Destination
        if let group {
            destination = .group(group)
        } else {
            guard let friend, friend != sender else { throw .badParameters }
            destination = .friend(friend)
        }
        return MessageAPI.Send(sender: sender, to: destination, text: text, replyTo: nil, clientID: clientID)
    }

    /// Answers a send; only what has to ask somebody else needs a task.
    private func settle(
        _ send: MessageAPI.Send, _ result: Result<MessageAPI.Send.Reply, ServiceError>, _ call: SocketCall,
        _ respond: @escaping SocketOperation.Respond
    ) {
        switch (send.to, result) {
        case (.friend(let friend), .success(let sent)) where !core.hub.hasConnection(friend):
            core.onLoop {
                respond(.success(Self.answer(await isOnline(friend, call) ? .done : .targetOffline, sent)))
            }
        case (_, .success(let sent)): respond(.success(Self.answer(.done, sent)))
        case (.friend(let friend), .failure(let error)) where error.code == .notFriends:
            core.onLoop { respond(.failure(await refusal(ofSendTo: friend, send.text, call))) }
        case (_, .failure(let error)):
            respond(.failure(error.code == .notGroupMember ? Self.stranger(.unknownGroup, send.text) : .init(error)))
        }
    }

    /// What is told to somebody who may not write there.
    private static func stranger(_ code: SocketCode, _ text: String) -> SocketRefusal {
        let isLong = text.utf8.count > usualTextLimit && text.unicodeScalars.count > usualTextLimit
        return isLong ? .badParameters : SocketRefusal(code)
    }

    private func refusal(ofSendTo friend: AccountID, _ text: String, _ call: SocketCall) async -> SocketRefusal {
        let refusal = Self.stranger(.notFriends, text)
        guard refusal != .badParameters else { return refusal }
        do throws(SocketRefusal) {
            return try await livingProfile(of: friend, call) == nil ? SocketRefusal(.unknownUser) : refusal
        } catch {
            return error
        }
    }

    /// Whether somebody has a push connection in any dialect at any gateway, as far as can be found out in time.
    private func isOnline(_ account: AccountID, _ call: SocketCall) async -> Bool {
        let deadline = min(call.context.deadline, .after(Self.presenceTimeout))
        do throws(ServiceError) {
            let context = CallContext(trace: call.context.trace, deadline: deadline)
            return try await core.backend.social.call(SocialAPI.Presence(accounts: [account]), context)
                .online.contains(account)
        } catch {
            core.logger.debug("nobody knows who is online", metadata: ["reason": "\(error)"])
            return true
        }
    }

    private static func answer(_ code: SocketCode, _ sent: MessageAPI.Send.Reply) -> SocketAnswer {
        SocketAnswer(code) { json in
            json.field("messageId", "\(sent.message)")
            json.field("conversationId", "\(sent.conversation)")
            json.field("seq", sent.sequence)
            json.field("time", sent.sentAt)
        }
    }
}
