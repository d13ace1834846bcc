import NIOHTTP1
import Shared

extension ClassicSurface {
    /// A push connection: `since` first gives what was missed after a message.
    @Sendable func upgradeToPush(_ request: HTTPRequest) async -> WebSocketUpgrade {
        do throws(ClassicError) {
            let (session, since) = try await pushStart(of: request)
            return .accept { [hub] socket in hub.open(socket, session, ClassicPush(), since: since) }
        } catch {
            // The plain answer says why.
            return .respond
        }
    }

    /// What the push path answers when it does not become a push connection.
    @Sendable func refusePush(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(ClassicError) {
            _ = try await pushStart(of: request)
            return answer(to: .upgradeRequired)
        } catch {
            return error.response
        }
    }

    /// Whose connection it becomes, and the message it resumes from.
    private func pushStart(of request: HTTPRequest) async throws(ClassicError) -> (session: Session, since: MessageID?)
    {
        let context = CallContext(trace: request.id, deadline: .after(timeout))
        let session = try await liveSession(of: ClassicAuthentication.pushToken(of: request), context)
        let call = ClassicCall(request: request, body: JSONObject(), context: context)
        return (session, try call.optionalQueryID("since").map { MessageID($0) })
    }
}

/// The frames of `classic`: `{"type", "message"}`, from server to client only.
struct ClassicPush: PushDialect {
    let name = Dialect.classic
    let sessionOverCode = WebSocketCloseCode(rawValue: 4401)
    let tooSlowCode = WebSocketCloseCode(rawValue: 4408)

    func frame(for notice: PushNotice) -> WebSocketFrameBytes? {
        switch notice {
        case .messageSent(let message, let sender, let group): frame(message, sender: sender, group: group)
        case .friendshipRequested(let request, let applicant):
            frame("receive_friend_application") { json in
                json.field("sender_id", request.applicant.rawValue)
                json.field("sender_name", applicant?.userName ?? "")
            }
        case .friendshipBegan(let friendship, let accepter):
            frame("friend_application_agreed") { json in
                json.field("friend_id", friendship.accepter.rawValue)
                json.field("friend_name", accepter?.userName ?? "")
                json.field("conversation_id", friendship.conversation.rawValue)
            }
        case .friendshipEnded(let friendship, let by):
            frame("friend_deleted") { json in
                json.field("friend_id", friendship.account.rawValue)
                json.field("friend_name", by?.userName ?? "")
                json.field("conversation_id", friendship.conversation.rawValue)
            }
        case .joinRequested(let request):
            frame("receive_conversation_application") { json in
                json.array("applier_ids", request.invited) { $1.value($0.rawValue) }
                json.field("conversation_name", request.name)
                json.field("conversation_id", request.conversation.rawValue)
            }
        case .membersJoined(let joined):
            frame("invited_to_conversation") { json in
                json.field("conversation_name", joined.name)
                json.field("conversation_id", joined.conversation.rawValue)
            }
        case .membersRemoved(let removed):
            frame("removed_from_conversation") { json in
                json.field("conversation_id", removed.conversation.rawValue)
                json.field("conversation_name", removed.name)
                json.field("operator_id", removed.operator.rawValue)
            }
        case .roleChanged(let change):
            frame("role_changed") { json in
                json.field("conversation_id", change.conversation.rawValue)
                json.field("conversation_name", change.name)
                json.field("member_id", change.account.rawValue)
                json.field("role", change.role.classicName)
            }
        case .announced(let announced):
            frame("announcement_published") { json in
                json.field("conversation_id", announced.conversation.rawValue)
                json.field("announcement_id", announced.announcement.id.rawValue)
                json.field("announcement_body", announced.announcement.body)
            }
        case .readIndexMoved(let move):
            frame("read_index_changed") { json in
                json.field("conversation_id", move.conversation.rawValue)
                json.field("member_id", move.account.rawValue)
                json.field("read_index", move.message.rawValue)
            }
        }
    }

    private func frame(_ message: Message, sender: Profile?, group: String) -> WebSocketFrameBytes {
        frame("receive_message") { json in
            json.field("message", message.text)
            json.field("message_id", message.id.rawValue)
            json.field("sender_name", sender?.userName ?? "")
            json.field("sender_id", message.sender.rawValue)
            json.field("conversation_name", group)
            json.field("conversation_id", message.conversation.rawValue)
            json.field("reply_id", message.replyTo?.rawValue ?? -1)
            json.field("seq", message.sequence)
            json.field("send_time", Double(message.sentAt) / 1_000)
        }
    }

    private func frame(_ type: String, _ fields: (inout JSONWriter) -> Void) -> WebSocketFrameBytes {
        var json = JSONWriter()
        json.object {
            $0.field("type", type)
            $0.object("message", fields)
        }
        return WebSocketFrameBytes(json: json)
    }
}
