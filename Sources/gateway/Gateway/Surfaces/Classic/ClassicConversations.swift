import Shared

extension ClassicSurface {
    /// A private conversation has the other person's name here, because the list needs a title.
    @Sendable func pullConversationList(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> ClassicAnswer {
        let entries = try await backend.message.ask(
            MessageAPI.Conversations(account: session.account), call.context
        ).conversations
        let peers = try await profiles(of: entries.compactMap(\.peer), call)
        return ClassicAnswer { json in
            json.array("conversation_list", entries) { entry, json in
                json.object {
                    $0.field("conversation_name", entry.peer.flatMap { peers[$0]?.userName } ?? "")
                    $0.field("conversation_id", entry.conversation.rawValue)
                    $0.field("unread_count", entry.unreadCount)
                    $0.field("private", entry.kind == .private ? "True" : "False")
                }
            }
        }
    }

    @Sendable func pullConversationChain(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> ClassicAnswer {
        let conversation = ConversationID(try call.queryID("conversationId"))
        let before = try call.optionalQueryID("beforeMessageId").map { MessageID($0) }
        let limit = try call.optionalQueryID("limit") ?? Int64(Self.maxPage)
        guard limit > 0 else { throw .badField("limit") }
        let history = try await backend.message.ask(
            MessageAPI.History(
                account: session.account, conversation: conversation, before: before,
                limit: Int32(min(limit, Int64(Self.maxPage)))), call.context)
        let items = try await ClassicMessageItems(history.messages, self, call)
        let members = try await profiles(of: history.readIndexes.map(\.account), call)
        return ClassicAnswer { json in
            json.array("conversation_chain", history.messages) { listed, json in
                json.object {
                    items.write(listed, to: &$0)
                    $0.array("reader_list", readers(of: listed.message, history.readIndexes)) { reader, json in
                        json.object {
                            $0.field("member_name", members[reader]?.userName ?? "")
                            $0.field("member_user_id", reader.rawValue)
                        }
                    }
                }
            }
            json.field("unread_count", history.unreadCount)
            if history.hasMore { json.field("has_more", true) }
        }
    }

    /// The sender, and every member who has read as far as this message.
    private func readers(of message: Message, _ indexes: [ReadIndex]) -> [AccountID] {
        indexes.filter { $0.message >= message.id || $0.account == message.sender }.map(\.account)
    }
}
