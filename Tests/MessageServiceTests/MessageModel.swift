import Shared

/// What message-svc must do, said in the plainest way: lists that are searched from one end to the other.
struct MessageModel {
    struct Member {
        var joinedAfter: Int64
        var readIndex: Int64 = 0
        var isSilenced = false
    }

    struct Conversation {
        var kind: ConversationKind
        /// For whom it was opened.
        var founders: Set<Int64>
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
    /// Per account, the last message its notice connection was given.
    var noticed: [Int64: MessageID] = [:]
    var recalled: Set<MessageID> = []

    var lastMessage: Int64 { Int64(everyMessage.count) }

    func canSee(_ account: Int64, _ message: Message) -> Bool {
        !recalled.contains(message.id) && !hidden.contains(Hidden(account: account, message: message.id))
    }

    /// A message that is in a conversation of an account's.
    func message(_ id: MessageID, for account: Int64) -> (message: Message, conversation: Conversation)? {
        guard let message = everyMessage.first(where: { $0.id == id }),
            let conversation = conversations[message.conversation.rawValue], conversation.members[account] != nil
        else { return nil }
        return (message, conversation)
    }

    /// Where a message goes, or why it goes nowhere.
    func place(of destination: MessageAPI.Destination, for sender: Int64) throws(ServiceError) -> Int64 {
        func check(
            _ id: Int64?, _ refusal: ServiceError.Code, _ isFit: (Conversation) -> Bool
        ) throws(ServiceError) -> Int64 {
            guard let id, let conversation = conversations[id], let member = conversation.members[sender],
                !member.isSilenced, isFit(conversation)
            else { throw ServiceError(refusal) }
            return id
        }
        switch destination {
        case .conversation(let id): return try check(id.rawValue, .notParticipant) { _ in true }
        case .group(let id): return try check(id.rawValue, .notGroupMember) { $0.kind == .group }
        case .friend(let friend):
            let newest = conversations.filter { _, conversation in
                conversation.kind == .private && conversation.founders.count == 2
                    && conversation.founders == [sender, friend.rawValue]
            }.keys.max()
            return try check(newest, .notFriends) { $0.members[friend.rawValue] != nil }
        }
    }

    func last(in conversation: Conversation, for account: Int64) -> Message? {
        conversation.messages.last { canSee(account, $0) }
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

    func replyCount(of message: MessageID) -> Int64 {
        Int64(everyMessage.count { $0.replyTo == message && !recalled.contains($0.id) })
    }

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
