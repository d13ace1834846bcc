import Shared

/// What message-svc must do, said in the plainest way: lists that are searched from one end to the other.
struct MessageModel {
    struct Member {
        var joinedAfter: Int64
        var readIndex: Int64 = 0
    }

    struct Conversation {
        var members: [Int64: Member]
        var messages: [Message] = []
    }

    struct Hidden: Hashable {
        let account: Int64
        let message: MessageID
    }

    var conversations: [Int64: Conversation] = [:]
    var closed: [Int64] = []
    var everyMessage: [Message] = []
    var hidden: Set<Hidden> = []
    /// Per account, the last message handed out.
    var cursors: [Int64: MessageID] = [:]

    var lastMessage: Int64 { Int64(everyMessage.count) }

    func canSee(_ account: Int64, _ message: Message) -> Bool {
        !hidden.contains(Hidden(account: account, message: message.id))
    }

    /// The conversations of an account, by their ids.
    func memberships(of account: Int64) -> [(id: Int64, conversation: Conversation, member: Member)] {
        conversations.sorted { $0.key < $1.key }.compactMap { id, conversation in
            conversation.members[account].map { (id, conversation, $0) }
        }
    }

    func unreadCount(of account: Int64, in conversation: Conversation) -> Int64 {
        guard let member = conversation.members[account] else { return 0 }
        let unread = conversation.messages.filter { message in
            message.id.rawValue > max(member.readIndex, member.joinedAfter) && message.sender.rawValue != account
                && canSee(account, message)
        }
        return Int64(unread.count)
    }

    func readers(of message: Message, in conversation: Conversation) -> [AccountID] {
        let members = conversation.members.filter { $0.value.readIndex >= message.id.rawValue }.map(\.key)
        return Set(members + [message.sender.rawValue]).sorted().map { AccountID($0) }
    }

    func replyCount(of message: MessageID) -> Int64 { Int64(everyMessage.count { $0.replyTo == message }) }

    /// What an account is still to be given of all its conversations, after a point.
    func pending(for account: Int64, after point: MessageID) -> [Message] {
        memberships(of: account).flatMap { _, conversation, member in
            conversation.messages.filter { $0.id.rawValue > max(point.rawValue, member.joinedAfter) }
        }.filter { canSee(account, $0) }.sorted { $0.id < $1.id }
    }

    /// The page that a request asks for, oldest first, and whether there is more before it.
    func history(_ request: MessageAPI.History) -> (messages: [Message], hasMore: Bool)? {
        let account = request.account.rawValue
        guard let conversation = conversations[request.conversation.rawValue],
            conversation.members[account] != nil
        else { return nil }
        let matching = conversation.messages.filter { message in
            canSee(account, message) && request.before.map { message.id < $0 } ?? true
                && request.sentFrom.map { message.sentAt >= $0 } ?? true
                && request.sentUntil.map { message.sentAt <= $0 } ?? true
                && request.senders.map { $0.contains(message.sender) } ?? true
        }
        return (Array(matching.suffix(Int(request.limit))), matching.count > Int(request.limit))
    }
}
