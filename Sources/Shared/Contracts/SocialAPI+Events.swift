extension SocialAPI {
    // MARK: - Effects

    /// An account was cancelled at auth-svc: it leaves its groups (an owner's group passes to the admin, else the
    /// member, who has been in it longest; an empty one is dissolved), and what it asked or was asked for is settled.
    /// Its friends keep the entry until they delete it.
    package struct CancelAccount: BusEffect {
        package static let kind = "social.cancelAccount"

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }

    // MARK: - Events

    /// A friendship was ended by one of the two and its conversation is closed.
    package struct FriendshipEnded: BusEvent {
        package static let kind = "social.friendshipEnded"

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
    package struct MembersJoined: BusEvent {
        package static let kind = "social.membersJoined"

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

    /// People were refused as members of a group; concerns those who had asked.
    package struct JoinRefused: BusEvent {
        package static let kind = "social.joinRefused"

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

    /// Accounts are no longer members of a group, and its conversation knows it.
    package struct MembersLeft: BusEvent {
        package static let kind = "social.membersLeft"

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
    package struct RoleChanged: BusEvent {
        package static let kind = "social.roleChanged"

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

    /// People were proposed for a group, or proposed again; concerns its owner and admins.
    package struct JoinRequested: BusEvent {
        package static let kind = "social.joinRequested"

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

    /// An announcement was published; concerns every member.
    package struct Announced: BusEvent {
        package static let kind = "social.announced"

        package var conversation: ConversationID
        package var announcement: Announcement

        package init(conversation: ConversationID, announcement: Announcement) {
            self.conversation = conversation
            self.announcement = announcement
        }
        package static let wireFormat = WireFormat(Self.init, \.conversation, \.announcement)
    }

    /// Somebody asked, or asked again, for a friendship.
    package struct FriendshipRequested: BusEvent {
        package static let kind = "social.friendshipRequested"

        package var request: FriendRequestID
        package var applicant: AccountID
        package var target: AccountID
        package var message: String

        package init(request: FriendRequestID, applicant: AccountID, target: AccountID, message: String) {
            self.request = request
            self.applicant = applicant
            self.target = target
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.request, \.applicant, \.target, \.message)
    }

    /// A request for a friendship came to nothing; concerns both.
    package struct FriendRequestClosed: BusEvent {
        package static let kind = "social.friendRequestClosed"

        package var request: FriendRequestID
        package var applicant: AccountID
        package var target: AccountID
        /// Refused or cancelled.
        package var state: RequestState
        /// Whose doing it was: who refused it, took it back, blocked the other, or has cancelled his account.
        package var closer: AccountID

        package init(
            request: FriendRequestID, applicant: AccountID, target: AccountID, state: RequestState, closer: AccountID
        ) {
            self.request = request
            self.applicant = applicant
            self.target = target
            self.state = state
            self.closer = closer
        }
        package static let wireFormat = WireFormat(Self.init, \.request, \.applicant, \.target, \.state, \.closer)
    }

    /// A request was accepted and the conversation is open at message-svc.
    package struct FriendshipBegan: BusEvent {
        package static let kind = "social.friendshipBegan"

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
}
