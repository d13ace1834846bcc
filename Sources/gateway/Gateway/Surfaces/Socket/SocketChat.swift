import Logging
import Shared

extension SocketSurface {
    /// Time to find out whether somebody was there to receive a message.
    private static let presenceTimeout = Duration.seconds(1)
    /// Characters nobody's text may exceed unless the operator allows more: who may not write is told of that first.
    private static let usualTextLimit = 10_000

    @Sendable func sendMessage(_ call: SocketCall) async throws(SocketRefusal) -> SocketAnswer {
        let friend = try call.optionalID("toUserId").map { AccountID($0) }
        let group = try call.optionalID("toGroupId").map { ConversationID($0) }
        let text = try call.nonEmptyText("msg")
        let clientID = try call.clientMessageID()
        try admit(call, by: core.limits.messages)
        if let group {
            let sent = try await send(text, to: .group(group), clientID, call, refusedAs: .unknownGroup)
            return Self.answer(.done, sent)
        }
        guard let friend, friend != call.session.account else { throw .badParameters }
        let sent: MessageAPI.Send.Reply
        do throws(SocketRefusal) {
            sent = try await send(text, to: .friend(friend), clientID, call, refusedAs: .notFriends)
        } catch {
            guard error == SocketRefusal(.notFriends), try await livingProfile(of: friend, call) == nil else {
                throw error
            }
            throw SocketRefusal(.unknownUser)
        }
        return Self.answer(await isThere(friend, call) ? .done : .targetOffline, sent)
    }

    private func send(
        _ text: String, to destination: MessageAPI.Destination, _ clientID: String?, _ call: SocketCall,
        refusedAs code: SocketCode
    ) async throws(SocketRefusal) -> MessageAPI.Send.Reply {
        let isLong = text.unicodeScalars.count > Self.usualTextLimit
        let stranger = isLong ? SocketRefusal.badParameters : SocketRefusal(code)
        return try await ask(
            core.backend.message,
            MessageAPI.Send(
                sender: call.session.account, to: destination, text: text, replyTo: nil, clientID: clientID),
            call.context, wording: [.notGroupMember: stranger, .notFriends: stranger])
    }

    /// Whether somebody has a push connection in any dialect at any gateway, as far as can be found out in time.
    private func isThere(_ account: AccountID, _ call: SocketCall) async -> Bool {
        if await core.hub.isConnected(account) { return true }
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
