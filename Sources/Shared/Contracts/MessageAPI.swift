package enum ConversationKind: UInt8, Sendable, Hashable, CaseIterable, WireValue {
    case `private` = 1
    case group = 2
}

/// A stored message, as every participant sees it.
package struct Message: WireRecord, Hashable {
    package var id: MessageID
    package var conversation: ConversationID
    package var conversationKind: ConversationKind
    /// Contiguous from 1 within the conversation, in commit order.
    package var sequence: Int64
    package var sender: AccountID
    package var text: String
    package var replyTo: MessageID?
    /// Milliseconds since 1970; for display, never for order.
    package var sentAt: Int64

    package init(
        id: MessageID, conversation: ConversationID, conversationKind: ConversationKind, sequence: Int64,
        sender: AccountID, text: String, replyTo: MessageID?, sentAt: Int64
    ) {
        self.id = id
        self.conversation = conversation
        self.conversationKind = conversationKind
        self.sequence = sequence
        self.sender = sender
        self.text = text
        self.replyTo = replyTo
        self.sentAt = sentAt
    }
    package static let wireFormat = WireFormat(
        Self.init, \.id, \.conversation, \.conversationKind, \.sequence, \.sender, \.text, \.replyTo, \.sentAt)
}

/// A message in a list, with what is counted when the list is made.
package struct ListedMessage: WireRecord, Hashable {
    package var message: Message
    /// Replies that are not recalled.
    package var replyCount: Int64

    package init(message: Message, replyCount: Int64) {
        self.message = message
        self.replyCount = replyCount
    }
    package static let wireFormat = WireFormat(Self.init, \.message, \.replyCount)
}

/// How far one member has read.
package struct ReadIndex: WireRecord, Hashable {
    package var account: AccountID
    /// The greatest message id he has read; 0 for none.
    package var message: MessageID

    package init(account: AccountID, message: MessageID) {
        self.account = account
        self.message = message
    }
    package static let wireFormat = WireFormat(Self.init, \.account, \.message)
}

/// Everything message-svc answers.
package enum MessageAPI {
    /// Where a message goes.
    package enum Destination: Sendable, Hashable {
        /// Any conversation; ``ServiceError/Code/notParticipant`` for strangers.
        case conversation(ConversationID)
        /// A conversation of the kind `group`; ``ServiceError/Code/notGroupMember`` for strangers.
        case group(ConversationID)
        /// The private conversation with an account; ``ServiceError/Code/notFriends`` when there is none.
        case friend(AccountID)
    }

    /// Appends a message to a conversation; answers when it is on disk.
    ///
    /// Repeating a send with the same client id and content returns the first answer and creates nothing. A sender who
    /// is blocked by the other is refused like a stranger. Errors: that of the ``Destination``,
    /// ``ServiceError/Code/invalidReply``, ``ServiceError/Code/invalidText``,
    /// ``ServiceError/Code/conflictingClientID``.
    package struct Send: BusRequest {
        package static let route = "message.send"

        package struct Reply: WireRecord, Hashable {
            package var conversation: ConversationID
            package var message: MessageID
            package var sequence: Int64
            /// Milliseconds since 1970.
            package var sentAt: Int64

            package init(conversation: ConversationID, message: MessageID, sequence: Int64, sentAt: Int64) {
                self.conversation = conversation
                self.message = message
                self.sequence = sequence
                self.sentAt = sentAt
            }
            // Nobody may take for a success what names no message.
            package static let wireFormat = WireFormat(Self.init, \.conversation, \.message, \.sequence, \.sentAt)
                .requiring("no message") { $0.message.rawValue > 0 && $0.sequence > 0 }
        }

        package var sender: AccountID
        package var to: Destination
        package var text: String
        package var replyTo: MessageID?
        /// Chosen by the client, at most 255 characters, unique per account and conversation.
        package var clientID: String?

        package init(sender: AccountID, to: Destination, text: String, replyTo: MessageID?, clientID: String?) {
            self.sender = sender
            self.to = to
            self.text = text
            self.replyTo = replyTo
            self.clientID = clientID
        }
        package static let wireFormat = WireFormat(Self.init, \.sender, \.to, \.text, \.replyTo, \.clientID)
    }

    /// Takes a message back for everyone: its text is erased, it leaves every list, search and count; its id and
    /// sequence stay.
    ///
    /// The sender may for two minutes (configurable), a moderator of a group always. Errors, in order:
    /// ``ServiceError/Code/invalidMessage`` (unknown, or in no conversation of the account's),
    /// ``ServiceError/Code/alreadyRecalled``, ``ServiceError/Code/notAllowed``, ``ServiceError/Code/tooLate``.
    package struct Recall: BusRequest {
        package static let route = "message.recall"
        package typealias Reply = Done

        package var account: AccountID
        package var message: MessageID
        /// Whether the account is owner or admin of the group the message is in.
        package var isModerator: Bool

        package init(account: AccountID, message: MessageID, isModerator: Bool) {
            self.account = account
            self.message = message
            self.isModerator = isModerator
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.message, \.isModerator)
    }

    /// An open hand-over: whose turn it is, and where the account's cursor moves when it has arrived. The place is
    /// honoured even after the turn is over or the service was started anew.
    package struct HandOverReceipt: WireRecord, Hashable {
        package var turn: Int64
        package var last: MessageID

        package init(turn: Int64, last: MessageID) {
            self.turn = turn
            self.last = last
        }
        package static let wireFormat = WireFormat(Self.init, \.turn, \.last)
    }

    /// Messages of all conversations of an account that were not handed over yet, in id order.
    ///
    /// One hand-over per account is open at a time; a second pull waits for the first to be settled with
    /// ``SettleHandOver``, or for ten seconds.
    package struct PullHandOver: BusRequest {
        package static let route = "message.pullHandOver"

        package struct Reply: WireRecord, Hashable {
            package var messages: [ListedMessage]
            package var hasMore: Bool
            /// What to settle with; `nil` when there is nothing to settle.
            package var receipt: HandOverReceipt?

            package init(messages: [ListedMessage], hasMore: Bool, receipt: HandOverReceipt?) {
                self.messages = messages
                self.hasMore = hasMore
                self.receipt = receipt
            }
            package static let wireFormat = WireFormat(Self.init, \.messages, \.hasMore, \.receipt)
        }

        package var account: AccountID
        /// Confirmed hand-over: everything up to this message is confirmed now, and nothing else moves the cursor.
        package var acknowledged: MessageID?
        /// At most 1,000.
        package var limit: Int32

        package init(account: AccountID, acknowledged: MessageID?, limit: Int32) {
            self.account = account
            self.acknowledged = acknowledged
            self.limit = limit
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.acknowledged, \.limit)
    }

    /// Ends an open hand-over: moves the cursor when the answer reached the client, else leaves it. Idempotent.
    package struct SettleHandOver: BusRequest {
        package static let route = "message.settleHandOver"
        package typealias Reply = Done

        package var account: AccountID
        package var receipt: HandOverReceipt
        package var delivered: Bool

        package init(account: AccountID, receipt: HandOverReceipt, delivered: Bool) {
            self.account = account
            self.receipt = receipt
            self.delivered = delivered
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.receipt, \.delivered)
    }

    /// The newest messages of a conversation, oldest first, with how far each member has read.
    ///
    /// Error: ``ServiceError/Code/notParticipant``.
    package struct History: BusRequest {
        package static let route = "message.history"

        package struct Reply: WireRecord, Hashable {
            package var messages: [ListedMessage]
            package var hasMore: Bool
            package var readIndexes: [ReadIndex]
            /// Messages of others that the caller has not read, if they were asked for.
            package var unreadCount: Int64?

            package init(messages: [ListedMessage], hasMore: Bool, readIndexes: [ReadIndex], unreadCount: Int64?) {
                self.messages = messages
                self.hasMore = hasMore
                self.readIndexes = readIndexes
                self.unreadCount = unreadCount
            }
            package static let wireFormat = WireFormat(
                Self.init, \.messages, \.hasMore, \.readIndexes, \.unreadCount)
        }

        package var account: AccountID
        package var conversation: ConversationID
        /// Only messages with a smaller id.
        package var before: MessageID?
        /// At most 1,000.
        package var limit: Int32
        /// Only messages sent at or after this, in milliseconds since 1970.
        package var sentFrom: Int64?
        /// Only messages sent at or before this, in milliseconds since 1970.
        package var sentUntil: Int64?
        /// Only messages of these accounts, at most 500; `nil` for everyone's.
        package var senders: [AccountID]?
        /// Whether what is unread has to be counted.
        package var includesUnread: Bool

        package init(
            account: AccountID, conversation: ConversationID, before: MessageID?, limit: Int32, sentFrom: Int64? = nil,
            sentUntil: Int64? = nil, senders: [AccountID]? = nil, includesUnread: Bool = false
        ) {
            self.account = account
            self.conversation = conversation
            self.before = before
            self.limit = limit
            self.sentFrom = sentFrom
            self.sentUntil = sentUntil
            self.senders = senders
            self.includesUnread = includesUnread
        }
        package static let wireFormat = WireFormat(
            Self.init, \.account, \.conversation, \.before, \.limit, \.sentFrom, \.sentUntil, \.senders,
            \.includesUnread)
    }

    /// The conversations of an account, in the order of their ids; at most 20,000, those of which something was heard last.
    package struct Conversations: BusRequest {
        package static let route = "message.conversations"

        package struct Entry: WireRecord, Hashable {
            package var conversation: ConversationID
            package var kind: ConversationKind
            /// The other person of a private conversation.
            package var peer: AccountID?
            package var unreadCount: Int64
            /// The last message the account can see, if it was asked for and there is one. A very long list shortens
            /// the texts of those that were quiet longest to 255 characters, one of more than 4,000 entries further.
            package var last: Message?

            package init(
                conversation: ConversationID, kind: ConversationKind, peer: AccountID?, unreadCount: Int64,
                last: Message?
            ) {
                self.conversation = conversation
                self.kind = kind
                self.peer = peer
                self.unreadCount = unreadCount
                self.last = last
            }
            package static let wireFormat = WireFormat(
                Self.init, \.conversation, \.kind, \.peer, \.unreadCount, \.last)
        }

        package struct Reply: WireRecord, Hashable {
            package var conversations: [Entry]
            package init(conversations: [Entry]) { self.conversations = conversations }
            package static let wireFormat = WireFormat(Self.init, \.conversations)
        }

        package var account: AccountID
        /// Whether the last message of each is wanted.
        package var includesLast: Bool

        package init(account: AccountID, includesLast: Bool) {
            self.account = account
            self.includesLast = includesLast
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.includesLast)
    }

    /// Which messages a push connection has missed.
    package enum Missed: Sendable, Hashable {
        /// None: it begins with what comes.
        case none
        /// Those after a message.
        case after(MessageID)
        /// Those after what ``ConfirmNotices`` has said last; all, when it never was.
        case unnoticed
    }

    /// How an account came into a conversation.
    package struct Opening: WireRecord, Hashable {
        /// Ascends with the openings of an account.
        package var number: Int64
        package var conversation: ConversationID
        /// The other person of a private conversation.
        package var peer: AccountID?
        /// Why, as far as it concerns the account; `nil` when nobody knows any more.
        package var reason: ConversationReason?

        package init(number: Int64, conversation: ConversationID, peer: AccountID?, reason: ConversationReason?) {
            self.number = number
            self.conversation = conversation
            self.peer = peer
            self.reason = reason
        }
        package static let wireFormat = WireFormat(Self.init, \.number, \.conversation, \.peer, \.reason)
    }

    /// What a push connection needs before it goes live: where the account takes part, and what it missed.
    ///
    /// `position` is the place in the event log this answer was read at: events after it are live.
    package struct Attach: BusRequest {
        package static let route = "message.attach"

        package struct Reply: WireRecord, Hashable {
            package var position: Int64
            /// All of them, with the last page.
            package var conversations: [ConversationID]
            /// In id order; call again for those after the last one while `hasMore`.
            package var missed: [Message]
            package var hasMore: Bool
            /// The greatest message id there was.
            package var last: MessageID
            /// The conversations the account came into since the first missed message could have been sent, oldest first:
            /// each comes before its first message. While there are more, no message is missed yet.
            package var openings: [Opening]

            package init(
                position: Int64, conversations: [ConversationID], missed: [Message], hasMore: Bool, last: MessageID,
                openings: [Opening]
            ) {
                self.position = position
                self.conversations = conversations
                self.missed = missed
                self.hasMore = hasMore
                self.last = last
                self.openings = openings
            }
            package static let wireFormat = WireFormat(
                Self.init, \.position, \.conversations, \.missed, \.hasMore, \.last, \.openings)
        }

        package var account: AccountID
        package var missed: Missed
        /// The last opening the connection was told of; `nil` for none.
        package var lastOpening: Int64?

        package init(account: AccountID, missed: Missed, lastOpening: Int64? = nil) {
            self.account = account
            self.missed = missed
            self.lastOpening = lastOpening
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.missed, \.lastOpening)
    }

    /// Up to which message an account has been given everything on its notice connections.
    package struct NoticePlace: WireRecord, Hashable {
        package var account: AccountID
        package var message: MessageID

        package init(account: AccountID, message: MessageID) {
            self.account = account
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.message)
    }

    /// Notes how far notice connections were served. A note only goes forward, and not beyond the last message.
    package struct ConfirmNotices: BusRequest {
        package static let route = "message.confirmNotices"
        package typealias Reply = Done

        /// At most 1,000.
        package var places: [NoticePlace]
        package init(places: [NoticePlace]) { self.places = places }
        package static let wireFormat = WireFormat(Self.init, \.places)
    }

    /// Moves an account's read index in a conversation; it only goes forward, and not beyond the last message.
    ///
    /// Error: ``ServiceError/Code/notParticipant``.
    package struct MarkRead: BusRequest {
        package static let route = "message.markRead"
        package typealias Reply = Done

        package var account: AccountID
        package var conversation: ConversationID
        package var message: MessageID

        package init(account: AccountID, conversation: ConversationID, message: MessageID) {
            self.account = account
            self.conversation = conversation
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation, \.message)
    }

    /// What is known about one message: where it is, replies that are not recalled, and who has read it (its sender and
    /// every member whose read index has reached it).
    ///
    /// Error: ``ServiceError/Code/invalidMessage`` when there is no such message in a conversation of the account's.
    package struct MessageDetails: BusRequest {
        package static let route = "message.details"

        package struct Reply: WireRecord, Hashable {
            package var conversation: ConversationID
            package var conversationKind: ConversationKind
            package var replyCount: Int64
            package var readers: [AccountID]

            package init(
                conversation: ConversationID, conversationKind: ConversationKind, replyCount: Int64,
                readers: [AccountID]
            ) {
                self.conversation = conversation
                self.conversationKind = conversationKind
                self.replyCount = replyCount
                self.readers = readers
            }
            package static let wireFormat = WireFormat(
                Self.init, \.conversation, \.conversationKind, \.replyCount, \.readers)
        }

        package var account: AccountID
        package var message: MessageID

        package init(account: AccountID, message: MessageID) {
            self.account = account
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.message)
    }

    /// Hides a message from one account. Idempotent.
    ///
    /// Errors: ``ServiceError/Code/invalidMessage`` when there is no such message, ``ServiceError/Code/notParticipant``
    /// when it is not in a conversation of the account's.
    package struct HideMessage: BusRequest {
        package static let route = "message.hide"
        package typealias Reply = Done

        package var account: AccountID
        package var message: MessageID

        package init(account: AccountID, message: MessageID) {
            self.account = account
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.message)
    }

    // MARK: - Effects

    /// Accounts take part in a conversation from now on, or no longer. Earlier messages are history to those who join:
    /// neither unread nor handed out.
    package struct ChangeParticipants: BusEffect {
        package static let kind = "message.changeParticipants"

        package var conversation: ConversationID
        package var joined: [AccountID]
        package var left: [AccountID]
        package var reason: ConversationReason?

        package init(
            conversation: ConversationID, joined: [AccountID], left: [AccountID], reason: ConversationReason?
        ) {
            self.conversation = conversation
            self.joined = joined
            self.left = left
            self.reason = reason
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.joined, \.left, \.reason)
    }

    /// A participant may read a conversation but not write to it, or may write again: the other one has blocked him.
    package struct ChangeSilence: BusEffect {
        package static let kind = "message.changeSilence"

        package var conversation: ConversationID
        package var account: AccountID
        package var isSilenced: Bool

        package init(conversation: ConversationID, account: AccountID, isSilenced: Bool) {
            self.conversation = conversation
            self.account = account
            self.isSilenced = isSilenced
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.account, \.isSilenced)
    }

    /// A conversation is over: it leaves every list and refuses reads and sends.
    package struct CloseConversation: BusEffect {
        package static let kind = "message.closeConversation"

        package var conversation: ConversationID
        package var reason: ConversationReason?

        package init(conversation: ConversationID, reason: ConversationReason?) {
            self.conversation = conversation
            self.reason = reason
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.reason)
    }

    /// Something has happened in a conversation that changes nothing at message-svc: it is told in order with the
    /// messages.
    package struct TellConversation: BusEffect {
        package static let kind = "message.tellConversation"

        package var conversation: ConversationID
        package var reason: ConversationReason

        package init(conversation: ConversationID, reason: ConversationReason) {
            self.conversation = conversation
            self.reason = reason
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.reason)
    }

    /// A conversation exists from now on, with a first message when a friendship opened it.
    package struct OpenConversation: BusEffect {
        package static let kind = "message.openConversation"

        package var conversation: ConversationID
        package var conversationKind: ConversationKind
        package var participants: [AccountID]
        /// The first message; empty for none.
        package var greeting: String
        /// Who says the greeting; one of the participants.
        package var greeter: AccountID
        package var reason: ConversationReason?

        package init(
            conversation: ConversationID, conversationKind: ConversationKind, participants: [AccountID],
            greeting: String, greeter: AccountID, reason: ConversationReason?
        ) {
            self.conversation = conversation
            self.conversationKind = conversationKind
            self.participants = participants
            self.greeting = greeting
            self.greeter = greeter
            self.reason = reason
        }
        package static let wireFormat = WireFormat(
            Self.init, \.conversation, \.conversationKind, \.participants, \.greeting, \.greeter, \.reason)
    }

    // MARK: - Events

    /// A message was stored.
    package struct MessageSent: BusEvent {
        package static let kind = "message.sent"

        package var message: Message
        package init(message: Message) { self.message = message }
        package static let wireFormat = WireFormat(Self.init, \.message)
    }

    /// A message was taken back.
    package struct MessageRecalled: BusEvent {
        package static let kind = "message.recalled"

        package var conversation: ConversationID
        package var message: MessageID
        package var `operator`: AccountID
        /// Milliseconds since 1970.
        package var recalledAt: Int64

        package init(conversation: ConversationID, message: MessageID, `operator`: AccountID, recalledAt: Int64) {
            self.conversation = conversation
            self.message = message
            self.`operator` = `operator`
            self.recalledAt = recalledAt
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.message, \.operator, \.recalledAt)
    }

    /// An account does not want to see a message any more; concerns its own devices.
    package struct MessageHidden: BusEvent {
        package static let kind = "message.hidden"

        package var conversation: ConversationID
        package var message: MessageID
        package var account: AccountID

        package init(conversation: ConversationID, message: MessageID, account: AccountID) {
            self.conversation = conversation
            self.message = message
            self.account = account
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.message, \.account)
    }

    /// A member has read further.
    package struct ReadIndexMoved: BusEvent {
        package static let kind = "message.readIndexMoved"

        package var conversation: ConversationID
        package var account: AccountID
        package var message: MessageID

        package init(conversation: ConversationID, account: AccountID, message: MessageID) {
            self.conversation = conversation
            self.account = account
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.account, \.message)
    }

    /// Accounts take part in a conversation from now on, or no longer, or something else has happened in it. The one
    /// event from which everything is told about a conversation that is not about a message.
    package struct ConversationChanged: BusEvent {
        package static let kind = "message.conversationChanged"

        package var conversation: ConversationID
        package var joined: [AccountID]
        package var left: [AccountID]
        /// Why, as far as that is known.
        package var reason: ConversationReason?

        package init(
            conversation: ConversationID, joined: [AccountID], left: [AccountID], reason: ConversationReason?
        ) {
            self.conversation = conversation
            self.joined = joined
            self.left = left
            self.reason = reason
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.joined, \.left, \.reason)
    }
}

// MARK: - Choices with a value, as a number and the value

extension MessageAPI.Destination: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .conversation(try ConversationID(from: &reader))
        case 2: self = .group(try ConversationID(from: &reader))
        case 3: self = .friend(try AccountID(from: &reader))
        case let other: throw WireError("\(other) is no destination")
        }
    }

    package func write(to writer: inout WireWriter) {
        let (kind, id): (UInt8, Int64) =
            switch self {
            case .conversation(let conversation): (1, conversation.rawValue)
            case .group(let conversation): (2, conversation.rawValue)
            case .friend(let account): (3, account.rawValue)
            }
        writer.write(kind)
        writer.write(id)
    }
}

extension MessageAPI.Missed: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .none
        case 2: self = .after(try MessageID(from: &reader))
        case 3: self = .unnoticed
        case let other: throw WireError("\(other) is no choice of missed messages")
        }
    }

    package func write(to writer: inout WireWriter) {
        switch self {
        case .none: writer.write(UInt8(1))
        case .after(let message):
            writer.write(UInt8(2))
            message.write(to: &writer)
        case .unnoticed: writer.write(UInt8(3))
        }
    }
}
