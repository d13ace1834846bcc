/// Why a conversation has changed, or what else has happened in it, in the words of social-svc: a change owed to message-svc
/// carries it, and the event published there tells it. So everything about a conversation is in one log, each thing before
/// what follows from it.
package enum ConversationReason: Sendable, Hashable {
    // Of a conversation that is opened or closed, or whose participants change.

    case friendshipBegan(SocialAPI.FriendshipBegan)
    case friendshipEnded(SocialAPI.FriendshipEnded)
    case membersJoined(SocialAPI.MembersJoined)
    case membersLeft(SocialAPI.MembersLeft)

    // What changes no participants.

    case roleChanged(SocialAPI.RoleChanged)
    case announced(SocialAPI.Announced)
    case joinRequested(SocialAPI.JoinRequested)
    case joinRefused(SocialAPI.JoinRefused)
}

/// As a number and the value.
extension ConversationReason: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .friendshipBegan(try .init(from: &reader))
        case 2: self = .friendshipEnded(try .init(from: &reader))
        case 3: self = .membersJoined(try .init(from: &reader))
        case 4: self = .membersLeft(try .init(from: &reader))
        case 5: self = .roleChanged(try .init(from: &reader))
        case 6: self = .announced(try .init(from: &reader))
        case 7: self = .joinRequested(try .init(from: &reader))
        case 8: self = .joinRefused(try .init(from: &reader))
        case let other: throw WireError("\(other) is no reason")
        }
    }

    package func write(to writer: inout WireWriter) {
        writer.write(number)
        switch self {
        case .friendshipBegan(let reason): reason.write(to: &writer)
        case .friendshipEnded(let reason): reason.write(to: &writer)
        case .membersJoined(let reason): reason.write(to: &writer)
        case .membersLeft(let reason): reason.write(to: &writer)
        case .roleChanged(let reason): reason.write(to: &writer)
        case .announced(let reason): reason.write(to: &writer)
        case .joinRequested(let reason): reason.write(to: &writer)
        case .joinRefused(let reason): reason.write(to: &writer)
        }
    }

    private var number: UInt8 {
        switch self {
        case .friendshipBegan: 1
        case .friendshipEnded: 2
        case .membersJoined: 3
        case .membersLeft: 4
        case .roleChanged: 5
        case .announced: 6
        case .joinRequested: 7
        case .joinRefused: 8
        }
    }
}

extension SocialAPI {
    /// A request was accepted and the conversation is open at message-svc.
    package struct FriendshipBegan: WireRecord, Hashable {
        package var applicant: AccountID
        package var accepter: AccountID
        package var conversation: ConversationID
        /// The request that was accepted.
        package var request: FriendRequestID

        package init(
            applicant: AccountID, accepter: AccountID, conversation: ConversationID, request: FriendRequestID
        ) {
            self.applicant = applicant
            self.accepter = accepter
            self.conversation = conversation
            self.request = request
        }
        package static let wireFormat = WireFormat(Self.init, \.applicant, \.accepter, \.conversation, \.request)
    }

    /// A friendship was ended by one of the two and its conversation is closed.
    package struct FriendshipEnded: WireRecord, Hashable {
        package var account: AccountID
        package var friend: AccountID
        package var conversation: ConversationID

        package init(account: AccountID, friend: AccountID, conversation: ConversationID) {
            self.account = account
            self.friend = friend
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.friend, \.conversation)
    }

    /// Accounts became members of a group, and its conversation knows them.
    package struct MembersJoined: WireRecord, Hashable {
        package var conversation: ConversationID
        package var name: String
        package var accounts: [AccountID]
        /// Who created the group with them or admitted them.
        package var `operator`: AccountID
        /// The requests this has accepted; none when the group was created with them.
        package var settled: [JoinRequest]

        package init(
            conversation: ConversationID, name: String, accounts: [AccountID], `operator`: AccountID,
            settled: [JoinRequest]
        ) {
            self.conversation = conversation
            self.name = name
            self.accounts = accounts
            self.`operator` = `operator`
            self.settled = settled
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.name, \.accounts, \.operator, \.settled)
    }

    /// Accounts are no longer members of a group, and its conversation knows it.
    package struct MembersLeft: WireRecord, Hashable {
        package var conversation: ConversationID
        package var name: String
        package var accounts: [AccountID]
        /// Who removed them; the one who left when he did so by himself.
        package var `operator`: AccountID

        package init(conversation: ConversationID, name: String, accounts: [AccountID], `operator`: AccountID) {
            self.conversation = conversation
            self.name = name
            self.accounts = accounts
            self.`operator` = `operator`
        }
        package static let wireFormat = WireFormat(
            Self.init, \.conversation, \.name, \.accounts, \.operator)
    }

    /// A member has another role; concerns every member.
    package struct RoleChanged: WireRecord, Hashable {
        package var conversation: ConversationID
        package var name: String
        package var account: AccountID
        package var role: Role

        package init(conversation: ConversationID, name: String, account: AccountID, role: Role) {
            self.conversation = conversation
            self.name = name
            self.account = account
            self.role = role
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.name, \.account, \.role)
    }

    /// An announcement was published; concerns every member.
    package struct Announced: WireRecord, Hashable {
        package var conversation: ConversationID
        package var announcement: Announcement

        package init(conversation: ConversationID, announcement: Announcement) {
            self.conversation = conversation
            self.announcement = announcement
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.announcement)
    }

    /// People were proposed for a group, or proposed again; concerns its owner and admins.
    package struct JoinRequested: WireRecord, Hashable {
        package var conversation: ConversationID
        package var name: String
        /// One for each person, all of one inviter.
        package var requests: [JoinRequest]
        /// The owner and the admins at that moment.
        package var deciders: [AccountID]

        package init(conversation: ConversationID, name: String, requests: [JoinRequest], deciders: [AccountID]) {
            self.conversation = conversation
            self.name = name
            self.requests = requests
            self.deciders = deciders
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.name, \.requests, \.deciders)
    }

    /// People were refused as members of a group; concerns those who had asked.
    package struct JoinRefused: WireRecord, Hashable {
        package var conversation: ConversationID
        package var name: String
        /// The requests refused.
        package var settled: [JoinRequest]
        package var `operator`: AccountID

        package init(conversation: ConversationID, name: String, settled: [JoinRequest], `operator`: AccountID) {
            self.conversation = conversation
            self.name = name
            self.settled = settled
            self.`operator` = `operator`
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.name, \.settled, \.operator)
    }
}
