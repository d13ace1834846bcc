import Shared

extension ClassicSurface {
    /// A private conversation has the other person's name here, because the list needs a title.
    @Sendable func pullConversationList(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let entries = try await messageService.ask(
            MessageAPI.Conversations(account: session.account, includesLast: false), call.context
        ).conversations
        let peers = try await profiles(of: entries.compactMap(\.peer), call.context)
        let groups = try await groups(of: entries.filter { $0.kind == .group }.map(\.conversation), call.context)
        return SurfaceAnswer { json in
            json.array("conversation_list", entries) { entry, json in
                json.object {
                    let title = entry.peer.map { peers[$0]?.userName } ?? groups[entry.conversation]?.name
                    $0.field("conversation_name", title ?? "")
                    $0.field("conversation_id", entry.conversation.rawValue)
                    $0.field("unread_count", entry.unreadCount)
                    $0.field("private", entry.kind == .private ? "True" : "False")
                }
            }
        }
    }

    @Sendable func pullConversationChain(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        var page = try Self.page(call, session)
        page.includesUnread = true
        let history = try await messageService.ask(page, call.context)
        let chain = Self.readableChain(history)
        let items = try await ClassicMessageItems(chain.map(\.listed), self, call)
        // Senders who have left the conversation have no index any more.
        let people = history.readIndexes.map(\.account) + chain.map(\.listed.message.sender)
        let readers = ClassicReaders(try await profiles(of: people, call.context))
        return SurfaceAnswer { json in
            json.array("conversation_chain", chain) { item, json in
                json.object {
                    items.write(item.listed, to: &$0)
                    readers.write(item.readers, to: &$0)
                }
            }
            json.field("unread_count", history.unreadCount ?? 0)
            if history.hasMore || chain.count < history.messages.count { json.field("has_more", true) }
        }
    }

    /// Readers listed in one chain, over all its messages; a chain that would list more is cut and says so.
    private static var maxListedReaders: Int { 100_000 }

    /// The newest messages whose readers fit into one answer, oldest first; at least the newest.
    private static func readableChain(
        _ history: MessageAPI.History.Reply
    ) -> [(listed: ListedMessage, readers: [AccountID])] {
        var chain: [(listed: ListedMessage, readers: [AccountID])] = []
        var room = maxListedReaders
        for listed in history.messages.reversed() {
            let readers = readers(of: listed.message, history.readIndexes)
            guard readers.count <= room || chain.isEmpty else { break }
            room -= readers.count
            chain.append((listed, readers))
        }
        return chain.reversed()
    }

    /// The chain filtered by time and sender; all filters are optional and may be empty.
    @Sendable func pullConversationHistory(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        var page = try Self.page(call, session)
        page.sentFrom = try call.optionalQueryTime("startTime", "earliestTime")
        page.sentUntil = try call.optionalQueryTime("endTime", "latestTime")
        if let start = page.sentFrom, let end = page.sentUntil, end < start { throw .endsBeforeItStarts }
        page.senders = try await senders(named: call)
        let history = try await messageService.ask(page, call.context)
        let items = try await ClassicMessageItems(history.messages, self, call)
        return SurfaceAnswer { json in
            json.array("conversation_chain", history.messages) { listed, json in
                json.object { items.write(listed, to: &$0) }
            }
            if history.hasMore { json.field("has_more", true) }
        }
    }

    /// The part of a conversation that a request asks for.
    private static func page(_ call: ClassicCall, _ session: Session) throws(ClassicError) -> MessageAPI.History {
        let conversation = ConversationID(try call.queryID("conversationId"))
        let before = try call.optionalQueryID("beforeMessageId").map { MessageID($0) }
        let limit = try call.optionalQueryID("limit") ?? Int64(maxPage)
        guard limit > 0 else { throw .badField("limit") }
        return MessageAPI.History(
            account: session.account, conversation: conversation, before: before,
            limit: Int32(min(limit, Int64(maxPage))))
    }

    /// Names in one filter.
    private static var maxNames: Int { 50 }

    /// The accounts of `memberNames=Alice|Bob` and `memberId=5`; `nil` when neither is given. Unknown names are nobody.
    private func senders(named call: ClassicCall) async throws(ClassicError) -> [AccountID]? {
        let id = try call.optionalQueryID("memberId").map { AccountID($0) }
        guard let names = call.optionalQueryText("memberNames", "memberName") else { return id.map { [$0] } }
        let distinct = Set(names.split(separator: "|").map(String.init))
        guard distinct.count <= Self.maxNames else {
            throw .badField(call.optionalQueryText("memberNames") == nil ? "memberName" : "memberNames")
        }
        var senders: [AccountID] = id.map { [$0] } ?? []
        for name in distinct {
            senders += try await authService.ask(
                AuthAPI.FindAccounts(match: .userName, text: name), call.context
            ).profiles.map(\.account)
        }
        return senders
    }

    /// Every member who has read as far as this message, and its sender, member or not.
    private static func readers(of message: Message, _ indexes: [ReadIndex]) -> [AccountID] {
        var readers = indexes.filter { $0.message >= message.id || $0.account == message.sender }.map(\.account)
        if !readers.contains(message.sender) { readers.append(message.sender) }
        return readers
    }
}
