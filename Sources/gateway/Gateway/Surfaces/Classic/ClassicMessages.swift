import Logging
import NIOCore
import NIOHTTP1
import Shared

extension ClassicSurface {
    /// Messages of one hand-over, or of a conversation whose length was not asked for.
    static var maxPage: Int32 { 1_000 }

    @Sendable func sendMessage(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let text = try call.text("message")
        let replyID = try call.id("replyId")
        let clientID = try call.clientMessageID("clientMessageId")
        let reply = try await messageService.ask(
            MessageAPI.Send(
                sender: session.account, to: .conversation(conversation), text: text,
                replyTo: replyID == -1 ? nil : MessageID(replyID), clientID: clientID), call.context,
            wording: [.notParticipant: .notInConversationToSend])
        return SurfaceAnswer { json in
            json.field("message_id", reply.message.rawValue)
            json.field("reply_id", replyID)
        }
    }

    /// Each message is handed out once; the cursor moves when the answer was taken. `ack` makes it confirmed instead.
    @Sendable func pullUserChain(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let acknowledged = try call.optionalQueryID("ack").map { MessageID($0) }
        let page = try await messageService.ask(
            MessageAPI.PullHandOver(account: session.account, acknowledged: acknowledged, limit: Self.maxPage),
            call.context)
        let settle: @Sendable (HTTPDelivery) -> Void = { [core] delivery in
            guard let receipt = page.receipt else { return }
            let settlement = MessageAPI.SettleHandOver(
                account: session.account, receipt: receipt, delivered: delivery == .taken)
            let context = CallContext(trace: call.context.trace, deadline: .after(core.timeout))
            core.backend.message.send(settlement, context) { result in
                guard case .failure(let error) = result else { return }
                core.logger.warning("messages will be handed out again", metadata: ["reason": "\(error)"])
            }
        }
        do throws(ClassicError) {
            let items = try await ClassicMessageItems(page.messages, self, call)
            return SurfaceAnswer(
                fields: { json in
                    json.array("user_chat_chain", page.messages) { listed, json in
                        json.object { items.write(listed, to: &$0) }
                    }
                    if page.hasMore { json.field("has_more", true) }
                }, onDelivery: settle)
        } catch {
            settle(.lost)
            throw error
        }
    }
}

extension ClassicSurface {
    @Sendable func pullReplyCount(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let details = try await details(call, session)
        return SurfaceAnswer(fields: { $0.field("reply_count", details.replyCount) })
    }

    @Sendable func pullReaderList(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let details = try await details(call, session)
        let readers = ClassicReaders(try await profiles(of: details.readers, call.context))
        return SurfaceAnswer(fields: { readers.write(details.readers, to: &$0) })
    }

    private func details(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> MessageAPI.MessageDetails.Reply {
        let message = MessageID(try call.queryID("messageId"))
        return try await messageService.ask(
            MessageAPI.MessageDetails(account: session.account, message: message), call.context)
    }

    @Sendable func markReadIndex(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let message = MessageID(try call.id("readIndex"))
        _ = try await messageService.ask(
            MessageAPI.MarkRead(account: session.account, conversation: conversation, message: message), call.context)
        return .succeed
    }

    @Sendable func deleteMessage(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let message = MessageID(try call.id("messageId"))
        _ = try await messageService.ask(
            MessageAPI.HideMessage(account: session.account, message: message), call.context,
            wording: [.invalidMessage: .invalidMessageToDelete])
        return .succeed
    }
}

/// The `reader_list` fields of one answer; each reader's entry is encoded once, however many messages he has read.
struct ClassicReaders: Sendable {
    private let entries: [AccountID: ByteBuffer]

    init(_ profiles: [AccountID: Profile]) {
        entries = profiles.mapValues { profile in
            var json = JSONWriter(reserving: 64)
            json.object {
                $0.field("member_name", profile.userName)
                $0.field("member_user_id", profile.account.rawValue)
            }
            return json.bytes
        }
    }

    func write(_ readers: some Sequence<AccountID>, to json: inout JSONWriter) {
        json.array("reader_list", readers) { reader, json in
            if let entry = entries[reader] { json.value(encoded: entry) }
        }
    }
}

/// Messages of one answer with the names and pictures they need.
struct ClassicMessageItems: Sendable {
    private let senders: [AccountID: Profile]
    private let groups: [ConversationID: SocialAPI.GroupInfo]
    private let pictures: ClassicPictures

    init(_ messages: [ListedMessage], _ surface: ClassicSurface, _ call: ClassicCall) async throws(ClassicError) {
        var uses: [AccountID: Int] = [:]
        for listed in messages { uses[listed.message.sender, default: 0] += 1 }
        senders = try await surface.profiles(of: uses.keys, call.context)
        groups = try await surface.groups(
            of: messages.filter { $0.message.conversationKind == .group }.map(\.message.conversation), call.context)
        pictures = try await surface.pictures(of: senders.values, call, uses: uses)
    }

    /// The fields of one message, in the document's order; `seq` is ours.
    func write(_ listed: ListedMessage, to json: inout JSONWriter) {
        let message = listed.message
        json.field("message", message.text)
        json.field("message_id", message.id.rawValue)
        json.field("sender_name", senders[message.sender]?.userName ?? "")
        json.field("sender_id", message.sender.rawValue)
        json.field("conversation_name", groups[message.conversation]?.name ?? "")
        json.field("conversation_id", message.conversation.rawValue)
        json.field("sender_picture", pictures[message.sender])
        json.field("send_time", Double(message.sentAt) / 1_000)
        json.field("reply_id", message.replyTo?.rawValue ?? -1)
        json.field("reply_count", listed.replyCount)
        json.field("seq", message.sequence)
    }
}
