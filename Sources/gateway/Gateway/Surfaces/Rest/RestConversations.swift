import Shared

extension RestSurface {
    /// Those of which something was heard last come first; those without a message come last, the newest of them first.
    @Sendable func listConversations(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        var entries = try await messageService.ask(
            MessageAPI.Conversations(account: session.account, includesLast: true), call.context
        ).conversations
        let isFirst = { (one: MessageAPI.Conversations.Entry, other: MessageAPI.Conversations.Entry) in
            let (last, otherLast) = (one.last?.id ?? MessageID(0), other.last?.id ?? MessageID(0))
            return last == otherLast ? one.conversation > other.conversation : last > otherLast
        }
        entries.sort(by: isFirst)
        let peers = try await profiles(of: entries.compactMap(\.peer), call.context)
        let groups = try await groups(of: entries.filter { $0.kind == .group }.map(\.conversation), call.context)
        let friends = peers.isEmpty ? [] : try await friends(of: session, call)
        let remarks = Dictionary(friends.map { ($0.account, $0.remark) }) { first, _ in first }
            .filter { !$0.value.isEmpty }
        return .data { [entries] json in
            json.array(entries) { entry, json in
                json.object {
                    let name = entry.peer.map { peers[$0]?.nickname } ?? groups[entry.conversation]?.name
                    let text = entry.last?.text ?? ""
                    $0.field("conversation_id", entry.conversation.rawValue)
                    $0.field("kind", entry.kind == .private ? "private" : "group")
                    $0.field("name", name ?? "")
                    $0.field("remark", entry.peer.flatMap { remarks[$0] })
                    $0.field("peer_id", entry.peer?.rawValue)
                    $0.field("unread_count", entry.unreadCount)
                    $0.field("content", text)
                    $0.field("last_message", text)
                    $0.field("last_message_id", entry.last?.id.rawValue)
                    if let last = entry.last { $0.field("time", time: last.sentAt) } else { $0.null("time") }
                }
            }
        }
    }

    /// Opening a chat window: what it shows first counts as read. Paging back and `peek` mark nothing.
    @Sendable func openConversation(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.pathID("conversation_id"))
        let before = try call.optionalQueryID("before").map { MessageID($0) }
        let limit = try call.pageLimit(unlessGiven: 50)
        let isPeek = try call.optionalQueryFlag("peek") ?? false
        let history = try await messageService.ask(
            MessageAPI.History(account: session.account, conversation: conversation, before: before, limit: limit),
            call.context)
        let readIndex = history.readIndexes.first { $0.account == session.account }?.message
        if before == nil, !isPeek, let newest = history.messages.last?.message.id, newest > readIndex ?? MessageID(0) {
            _ = try await messageService.ask(
                MessageAPI.MarkRead(account: session.account, conversation: conversation, message: newest),
                call.context)
        }
        let messages = history.messages.reversed().map(\.message)
        let senders = try await profiles(of: messages.map(\.sender), call.context)
        return .data { json in
            json.array(messages) { message, json in
                json.object {
                    $0.field("message_id", message.id.rawValue)
                    $0.field("seq", message.sequence)
                    $0.writeContent(of: message, from: senders[message.sender])
                }
            }
        }
    }

    @Sendable func markRead(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.pathID("conversation_id"))
        let message = MessageID(try call.id("message_id"))
        _ = try await messageService.ask(
            MessageAPI.MarkRead(account: session.account, conversation: conversation, message: message), call.context)
        return .noData
    }

    @Sendable func findPrivateConversation(
        _ call: RestCall, _ session: Session
    ) async throws(RestError) -> SurfaceAnswer {
        let friend = AccountID(try call.id("id"))
        let conversation = try await socialService.ask(
            SocialAPI.FindFriend(owner: session.account, friend: friend), call.context
        ).friend.conversation
        return .data { $0.value(conversation.rawValue) }
    }
}

extension JSONWriter {
    /// What lists and pushes say about a message alike.
    ///
    /// - Parameter sender: `nil` when nobody could tell who it is.
    mutating func writeContent(of message: Message, from sender: Profile?) {
        field("sender_id", message.sender.rawValue)
        field("sender_name", sender?.nickname ?? "")
        field("content", message.text)
        field("reply_id", message.replyTo?.rawValue)
        // A number: clients compare it. Of the others (1 recalled, 2 system, 3 file) none is ever listed or pushed.
        field("status", 0)
        field("created_at", time: message.sentAt)
        field("updated_at", time: message.sentAt)
    }
}
