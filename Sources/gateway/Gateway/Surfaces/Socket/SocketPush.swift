import NIOCore
import Shared

/// The notices: `{"data"?, "eventType", "fromUserId", "toUserId", "time"}`, from server to client only.
struct SocketPush: PushDialect {
    let name = Dialect.socket
    let sessionOver = SocketSurface.unauthorized
    let tooSlowCode = WebSocketCloseCode.tryAgainLater
    let exclusivity: PushExclusivity? = PushExclusivity(closeCode: 4409) { account in
        notice("forced_logout", from: "system").bytes(for: account)
    }

    /// Messages are shown by their ids alone.
    func subjects(of event: BackendEvent) -> PushSubjects {
        if case .messageSent = event { return .none }
        return event.subjects
    }

    func pushes(about event: BackendEvent, _ names: PushNames) -> [Push] {
        switch event {
        case .messageSent(let message): [chat(message)]
        case .messageRecalled(let recall):
            [
                Push(to: .members(recall.conversation)) {
                    Self.notice("message_recalled", from: "\(recall.operator)") { json in
                        json.field("messageId", "\(recall.message)")
                        json.field("conversationId", "\(recall.conversation)")
                    }
                }
            ]
        case .friendshipRequested(let request): [friendAdd(request, names)]
        case .friendRequestClosed(let request):
            // Only a refusal is an answer.
            request.state == .refused
                ? [friendAddResult(agree: false, by: request.target, to: request.applicant, names)] : []
        case .presenceChanged(let change): statusChanges(change, names)
        case .conversationChanged(let change): change.reason.map { about($0, names) } ?? []
        case .messageHidden, .readIndexMoved, .noticesClaimed, .sessionRevoked, .profileChanged, .other: []
        }
    }

    private func about(_ reason: ConversationReason, _ names: PushNames) -> [Push] {
        switch reason {
        case .friendshipBegan(let friendship):
            [friendAddResult(agree: true, by: friendship.accepter, to: friendship.applicant, names)]
        case .friendshipEnded(let friendship):
            [
                Push(to: .accounts([friendship.friend])) {
                    Self.notice("friend_deleted", from: "\(friendship.account)")
                }
            ]
        case .membersJoined(let joined): welcomes(joined, names)
        case .joinRefused(let refusal):
            joinResults(
                of: refusal.settled, agree: false, by: refusal.operator,
                in: names.socketGroup(refusal.conversation, refusal.name), names)
        case .joinRequested(let request): joinRequests(request, names)
        case .membersLeft(let left): farewells(left, names)
        case .roleChanged(let change):
            [
                Push(to: .members(change.conversation)) {
                    Self.notice("group_role_change", from: "\(change.account)") { json in
                        names.socketGroup(change.conversation, change.name).writeNames(to: &json)
                        json.field("userId", "\(change.account)")
                        json.field("role", change.role.socketName)
                    }
                }
            ]
        case .announced: []
        }
    }

    /// A notice with its recipient left open.
    ///
    /// - Parameters:
    ///   - time: milliseconds since 1970.
    ///   - data: writes the members of `data`; `nil` for none.
    static func notice(
        _ type: String, from sender: String, time: Int64 = WallClock.milliseconds,
        _ data: ((inout JSONWriter) -> Void)? = nil
    ) -> PushFrame {
        var json = JSONWriter()
        var offset = 0
        json.object {
            if let data { $0.object("data", data) }
            $0.field("eventType", type)
            $0.field("fromUserId", sender)
            $0.field("toUserId", "")
            // Between the quotes.
            offset = $0.bytes.readableBytes - 1
            $0.field("time", time)
        }
        return .addressed(text: json.take(), at: offset)
    }

    private func chat(_ message: Message) -> Push {
        Push(to: .members(message.conversation, besides: [message.sender])) {
            let isGroup = message.conversationKind == .group
            return Self.notice(
                isGroup ? "chat_group" : "chat_f2f", from: "\(message.sender)", time: message.sentAt
            ) { json in
                json.field("msg", message.text)
                json.field(isGroup ? "toGroupId" : "conversationId", "\(message.conversation)")
                json.field("messageId", "\(message.id)")
                json.field("seq", message.sequence)
            }
        }
    }

    // MARK: - Friends

    private func friendAdd(_ request: SocialAPI.FriendshipRequested, _ names: PushNames) -> Push {
        Push(to: .accounts([request.target])) {
            Self.notice("friend_add", from: "\(request.applicant)") { json in
                json.field("friendApplyId", "\(request.request)")
                let applicant = names.socketPerson(request.applicant)
                applicant.writeNames(to: &json)
                json.field("remark", request.message)
                applicant.writeDescription(to: &json)
            }
        }
    }

    private func friendAddResult(
        agree: Bool, by replier: AccountID, to applicant: AccountID, _ names: PushNames
    ) -> Push {
        Push(to: .accounts([applicant])) {
            Self.notice("friend_add_result", from: "\(replier)") { json in
                json.field("agree", agree)
                let replier = names.socketPerson(replier)
                json.field("userId", replier.id)
                replier.writeNames(to: &json)
                replier.writeDescription(to: &json)
            }
        }
    }

    /// One notice for all who call the friend the same.
    private func statusChanges(_ change: SocialAPI.PresenceChanged, _ names: PushNames) -> [Push] {
        Dictionary(grouping: change.friends, by: \.remark).map { remark, friends in
            Push(to: .accounts(friends.map(\.account))) {
                Self.notice("friend_status_change", from: "\(change.account)") { json in
                    json.field("status", change.isOnline ? "1" : "0")
                    names.socketPerson(change.account).writeNames(to: &json)
                    json.field("remark", remark)
                }
            }
        }
    }
}

extension PushNames {
    func socketPerson(_ account: AccountID) -> SocketPerson { SocketPerson(account, profile(of: account)) }

    /// - Parameter name: what it is called where nobody could tell more.
    func socketGroup(_ conversation: ConversationID, _ name: String) -> SocketGroup {
        SocketGroup(conversation, group(conversation), name: name)
    }
}
