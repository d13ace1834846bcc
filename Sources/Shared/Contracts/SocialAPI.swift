/// Everything social-svc answers.
package enum SocialAPI {
    /// Asks an account for its friendship; asking again while the first request is pending creates no second one.
    ///
    /// Errors: ``ServiceError/Code/cannotBefriendSelf``, ``ServiceError/Code/alreadyFriends``,
    /// ``ServiceError/Code/messageTooLong``, ``ServiceError/Code/limitReached``.
    package struct Apply: BusRequest {
        package static let route = "social.apply"

        package struct Reply: WireRecord, Hashable {
            package var request: FriendRequestID
            package init(request: FriendRequestID) { self.request = request }
            package static let wireFormat = WireFormat(Self.init, \.request)
        }

        package var applicant: AccountID
        /// An existing account: the caller has looked it up at auth-svc.
        package var target: AccountID
        /// At most 255 characters.
        package var message: String

        package init(applicant: AccountID, target: AccountID, message: String) {
            self.applicant = applicant
            self.target = target
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.applicant, \.target, \.message)
    }

    /// A pending request, as the one who was asked sees it.
    package struct FriendRequest: WireRecord, Hashable {
        package var id: FriendRequestID
        package var applicant: AccountID
        package var message: String
        /// Milliseconds since 1970.
        package var createdAt: Int64

        package init(id: FriendRequestID, applicant: AccountID, message: String, createdAt: Int64) {
            self.id = id
            self.applicant = applicant
            self.message = message
            self.createdAt = createdAt
        }
        package static let wireFormat = WireFormat(Self.init, \.id, \.applicant, \.message, \.createdAt)
    }

    /// Pending requests to an account, oldest first, at most 500: all of them, or those not handed over yet.
    ///
    /// Reading marks nothing; ``ConfirmRequests`` does once the answer has reached the client.
    package struct PendingRequests: BusRequest {
        package static let route = "social.pendingRequests"

        package struct Reply: WireRecord, Hashable {
            package var requests: [FriendRequest]
            package init(requests: [FriendRequest]) { self.requests = requests }
            package static let wireFormat = WireFormat(Self.init, \.requests)
        }

        package var account: AccountID
        package var includesHandedOver: Bool

        package init(account: AccountID, includesHandedOver: Bool) {
            self.account = account
            self.includesHandedOver = includesHandedOver
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.includesHandedOver)
    }

    /// Marks requests as handed over. Idempotent; ids that are not this account's are ignored.
    package struct ConfirmRequests: BusRequest {
        package static let route = "social.confirmRequests"
        package typealias Reply = Done

        package var account: AccountID
        package var requests: [FriendRequestID]

        package init(account: AccountID, requests: [FriendRequestID]) {
            self.account = account
            self.requests = requests
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.requests)
    }

    /// Accepts or refuses the pending request of one account to another.
    ///
    /// Accepting answers once the conversation is open at message-svc.
    /// Errors: ``ServiceError/Code/alreadyFriends``, ``ServiceError/Code/noSuchApplication``,
    /// ``ServiceError/Code/limitReached``; ``ServiceError/Code/outcomeUnknown`` when the conversation could not be
    /// opened before the deadline, and then it opens as soon as message-svc is back.
    package struct Decide: BusRequest {
        package static let route = "social.decide"

        package struct Reply: WireRecord, Hashable {
            /// The opened conversation; `nil` after a refusal.
            package var conversation: ConversationID?
            package init(conversation: ConversationID?) { self.conversation = conversation }
            package static let wireFormat = WireFormat(Self.init, \.conversation)
        }

        /// Who was asked and now decides.
        package var account: AccountID
        package var applicant: AccountID
        package var accepts: Bool

        package init(account: AccountID, applicant: AccountID, accepts: Bool) {
            self.account = account
            self.applicant = applicant
            self.accepts = accepts
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.applicant, \.accepts)
    }

    /// One friend as the owner of the list sees him.
    package struct Friend: WireRecord, Hashable {
        package var account: AccountID
        package var conversation: ConversationID

        package init(account: AccountID, conversation: ConversationID) {
            self.account = account
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation)
    }

    /// A named group of an account's friend list.
    package struct FriendGroup: WireRecord, Hashable {
        package var name: String
        package var friends: [Friend]

        package init(name: String, friends: [Friend]) {
            self.name = name
            self.friends = friends
        }
        package static let wireFormat = WireFormat(Self.init, \.name, \.friends)
    }

    /// The friend list of an account by groups: those with friends first, empty ones after them.
    package struct FriendList: BusRequest {
        package static let route = "social.friendList"

        package struct Reply: WireRecord, Hashable {
            package var groups: [FriendGroup]
            package init(groups: [FriendGroup]) { self.groups = groups }
            package static let wireFormat = WireFormat(Self.init, \.groups)
        }

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }

    // MARK: - Friend list

    /// Puts friends into a group of the friend list, which is created if need be; with no friends it is only created.
    ///
    /// All or nothing. Error: ``ServiceError/Code/notFriends``.
    package struct GroupFriends: BusRequest {
        package static let route = "social.groupFriends"
        package typealias Reply = Done

        package var owner: AccountID
        /// At most 500.
        package var friends: [AccountID]
        package var group: String

        package init(owner: AccountID, friends: [AccountID], group: String) {
            self.owner = owner
            self.friends = friends
            self.group = group
        }
        package static let wireFormat = WireFormat(Self.init, \.owner, \.friends, \.group)
    }

    /// Deletes an empty group of the friend list.
    ///
    /// Errors: ``ServiceError/Code/noSuchFriendGroup``, ``ServiceError/Code/friendGroupNotEmpty``.
    package struct DeleteFriendGroup: BusRequest {
        package static let route = "social.deleteFriendGroup"
        package typealias Reply = Done

        package var owner: AccountID
        package var group: String

        package init(owner: AccountID, group: String) {
            self.owner = owner
            self.group = group
        }
        package static let wireFormat = WireFormat(Self.init, \.owner, \.group)
    }

    /// Ends a friendship for both and closes its conversation; answers when message-svc has closed it.
    ///
    /// Error: ``ServiceError/Code/notFriends``.
    package struct EndFriendship: BusRequest {
        package static let route = "social.endFriendship"
        package typealias Reply = Done

        package var account: AccountID
        package var friend: AccountID

        package init(account: AccountID, friend: AccountID) {
            self.account = account
            self.friend = friend
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.friend)
    }

    // MARK: - Groups

    /// What a member of a group may do.
    package enum Role: UInt8, Sendable, Hashable, CaseIterable, WireValue {
        /// Exactly one per group.
        case owner = 1
        case admin = 2
        case member = 3
    }

    /// A member of a group.
    package struct Member: WireRecord, Hashable {
        package var account: AccountID
        package var role: Role

        package init(account: AccountID, role: Role) {
            self.account = account
            self.role = role
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.role)
    }

    /// An announcement of a group.
    package struct Announcement: WireRecord, Hashable {
        package var id: AnnouncementID
        package var author: AccountID
        package var body: String
        /// Milliseconds since 1970.
        package var publishedAt: Int64

        package init(id: AnnouncementID, author: AccountID, body: String, publishedAt: Int64) {
            self.id = id
            self.author = author
            self.body = body
            self.publishedAt = publishedAt
        }
        package static let wireFormat = WireFormat(Self.init, \.id, \.author, \.body, \.publishedAt)
    }

    /// Creates a group of the creator and friends of his, who are members at once.
    ///
    /// Answers when message-svc has opened its conversation. Errors, in order: ``ServiceError/Code/tooFewMembers`` (the
    /// creator and distinct friends are fewer than three), ``ServiceError/Code/notFriends``,
    /// ``ServiceError/Code/accountCancelled``, ``ServiceError/Code/limitReached``.
    package struct CreateGroup: BusRequest {
        package static let route = "social.createGroup"

        package struct Reply: WireRecord, Hashable {
            package var conversation: ConversationID
            package init(conversation: ConversationID) { self.conversation = conversation }
            package static let wireFormat = WireFormat(Self.init, \.conversation)
        }

        package var creator: AccountID
        package var name: String
        package var friends: [AccountID]

        package init(creator: AccountID, name: String, friends: [AccountID]) {
            self.creator = creator
            self.name = name
            self.friends = friends
        }
        package static let wireFormat = WireFormat(Self.init, \.creator, \.name, \.friends)
    }

    /// The names of groups, at most 500 ids; conversations that are no groups are left out.
    package struct GroupNames: BusRequest {
        package static let route = "social.groupNames"

        package struct Entry: WireRecord, Hashable {
            package var conversation: ConversationID
            package var name: String

            package init(conversation: ConversationID, name: String) {
                self.conversation = conversation
                self.name = name
            }
            package static let wireFormat = WireFormat(Self.init, \.conversation, \.name)
        }

        package struct Reply: WireRecord, Hashable {
            package var groups: [Entry]
            package init(groups: [Entry]) { self.groups = groups }
            package static let wireFormat = WireFormat(Self.init, \.groups)
        }

        package var conversations: [ConversationID]
        package init(conversations: [ConversationID]) { self.conversations = conversations }
        package static let wireFormat = WireFormat(Self.init, \.conversations)
    }

    /// A group as a member sees it: members by role and then by when they joined, announcements oldest first.
    ///
    /// Error: ``ServiceError/Code/notGroupMember``.
    package struct Group: BusRequest {
        package static let route = "social.group"

        package struct Reply: WireRecord, Hashable {
            package var name: String
            package var members: [Member]
            package var announcements: [Announcement]

            package init(name: String, members: [Member], announcements: [Announcement]) {
                self.name = name
                self.members = members
                self.announcements = announcements
            }
            package static let wireFormat = WireFormat(Self.init, \.name, \.members, \.announcements)
        }

        package var account: AccountID
        package var conversation: ConversationID

        package init(account: AccountID, conversation: ConversationID) {
            self.account = account
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation)
    }

    /// Publishes an announcement; owner and admins may. Error: ``ServiceError/Code/notAllowed`` (also for strangers),
    /// ``ServiceError/Code/messageTooLong``.
    package struct Announce: BusRequest {
        package static let route = "social.announce"

        package struct Reply: WireRecord, Hashable {
            package var announcement: AnnouncementID
            package init(announcement: AnnouncementID) { self.announcement = announcement }
            package static let wireFormat = WireFormat(Self.init, \.announcement)
        }

        package var author: AccountID
        package var conversation: ConversationID
        package var body: String

        package init(author: AccountID, conversation: ConversationID, body: String) {
            self.author = author
            self.conversation = conversation
            self.body = body
        }
        package static let wireFormat = WireFormat(Self.init, \.author, \.conversation, \.body)
    }

    /// Makes members admins; the owner may. Naming himself or an admin changes nothing. All or nothing.
    ///
    /// Errors: ``ServiceError/Code/notAllowed``, ``ServiceError/Code/targetNotMember``.
    package struct AppointAdmins: BusRequest {
        package static let route = "social.appointAdmins"
        package typealias Reply = Done

        package var owner: AccountID
        package var conversation: ConversationID
        package var accounts: [AccountID]

        package init(owner: AccountID, conversation: ConversationID, accounts: [AccountID]) {
            self.owner = owner
            self.conversation = conversation
            self.accounts = accounts
        }
        package static let wireFormat = WireFormat(Self.init, \.owner, \.conversation, \.accounts)
    }

    /// Hands a group to another member; the old owner becomes an admin. Handing it to himself changes nothing.
    ///
    /// Errors: ``ServiceError/Code/notAllowed``, ``ServiceError/Code/targetNotMember``.
    package struct TransferOwnership: BusRequest {
        package static let route = "social.transferOwnership"
        package typealias Reply = Done

        package var owner: AccountID
        package var conversation: ConversationID
        package var heir: AccountID

        package init(owner: AccountID, conversation: ConversationID, heir: AccountID) {
            self.owner = owner
            self.conversation = conversation
            self.heir = heir
        }
        package static let wireFormat = WireFormat(Self.init, \.owner, \.conversation, \.heir)
    }

    /// Leaves a group; answers when message-svc has taken note.
    ///
    /// Errors: ``ServiceError/Code/notGroupMember``, ``ServiceError/Code/ownerCannotLeave``.
    package struct LeaveGroup: BusRequest {
        package static let route = "social.leaveGroup"
        package typealias Reply = Done

        package var account: AccountID
        package var conversation: ConversationID

        package init(account: AccountID, conversation: ConversationID) {
            self.account = account
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation)
    }

    /// Removes members: the owner anyone but himself, an admin only plain members. All or nothing; answers when
    /// message-svc has taken note.
    ///
    /// Errors: ``ServiceError/Code/notGroupMember`` (the caller), ``ServiceError/Code/notAllowed`` (also when somebody
    /// named is not in the group).
    package struct RemoveMembers: BusRequest {
        package static let route = "social.removeMembers"
        package typealias Reply = Done

        package var actor: AccountID
        package var conversation: ConversationID
        package var accounts: [AccountID]

        package init(actor: AccountID, conversation: ConversationID, accounts: [AccountID]) {
            self.actor = actor
            self.conversation = conversation
            self.accounts = accounts
        }
        package static let wireFormat = WireFormat(Self.init, \.actor, \.conversation, \.accounts)
    }

    /// Asks that friends may join; owner or admins decide, whoever asks. Asking twice changes nothing. All or nothing.
    ///
    /// Errors, in order: ``ServiceError/Code/notGroupMember``, ``ServiceError/Code/alreadyMember``,
    /// ``ServiceError/Code/notFriends``, ``ServiceError/Code/accountCancelled``.
    package struct Invite: BusRequest {
        package static let route = "social.invite"
        package typealias Reply = Done

        package var inviter: AccountID
        package var conversation: ConversationID
        package var accounts: [AccountID]

        package init(inviter: AccountID, conversation: ConversationID, accounts: [AccountID]) {
            self.inviter = inviter
            self.conversation = conversation
            self.accounts = accounts
        }
        package static let wireFormat = WireFormat(Self.init, \.inviter, \.conversation, \.accounts)
    }

    /// A pending request to join; one made by oneself has the applicant as both.
    package struct JoinRequest: WireRecord, Hashable {
        package var id: JoinRequestID
        package var conversation: ConversationID
        package var inviter: AccountID
        package var invited: AccountID

        package init(id: JoinRequestID, conversation: ConversationID, inviter: AccountID, invited: AccountID) {
            self.id = id
            self.conversation = conversation
            self.inviter = inviter
            self.invited = invited
        }
        package static let wireFormat = WireFormat(Self.init, \.id, \.conversation, \.inviter, \.invited)
    }

    /// Pending requests to join one group, or every group the account owns or administers; oldest first, at most 1,000.
    ///
    /// Error: ``ServiceError/Code/notAllowed`` for a named group in which the account is neither.
    package struct JoinRequests: BusRequest {
        package static let route = "social.joinRequests"

        package struct Reply: WireRecord, Hashable {
            package var requests: [JoinRequest]
            /// The names of the groups that occur.
            package var groups: [GroupNames.Entry]

            package init(requests: [JoinRequest], groups: [GroupNames.Entry]) {
                self.requests = requests
                self.groups = groups
            }
            package static let wireFormat = WireFormat(Self.init, \.requests, \.groups)
        }

        package var account: AccountID
        package var conversation: ConversationID?

        package init(account: AccountID, conversation: ConversationID?) {
            self.account = account
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation)
    }

    /// Admits or refuses people whose joining was asked for, which settles every request for them. All or nothing;
    /// admitting answers when message-svc has taken note.
    ///
    /// Errors, in order: ``ServiceError/Code/notAllowed`` (neither owner nor admin),
    /// ``ServiceError/Code/noSuchApplication`` (somebody named is not pending), ``ServiceError/Code/limitReached``.
    package struct DecideJoin: BusRequest {
        package static let route = "social.decideJoin"
        package typealias Reply = Done

        package var actor: AccountID
        package var conversation: ConversationID
        package var invited: [AccountID]
        package var accepts: Bool

        package init(actor: AccountID, conversation: ConversationID, invited: [AccountID], accepts: Bool) {
            self.actor = actor
            self.conversation = conversation
            self.invited = invited
            self.accepts = accepts
        }
        package static let wireFormat = WireFormat(Self.init, \.actor, \.conversation, \.invited, \.accepts)
    }

    // MARK: - Effects

    /// An account was cancelled at auth-svc: it leaves its groups (an owner's group passes to the admin, else the member,
    /// who has been in it longest; an empty one is dissolved), and what it asked or was asked for is settled. Its friends
    /// keep the entry until they delete it.
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

        package init(conversation: ConversationID, name: String, accounts: [AccountID], `operator`: AccountID) {
            self.conversation = conversation
            self.name = name
            self.accounts = accounts
            self.`operator` = `operator`
        }
        package static let wireFormat = WireFormat(
            Self.init, \.conversation, \.name, \.accounts, \.operator)
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
        package var inviter: AccountID
        package var invited: [AccountID]
        /// The owner and the admins at that moment.
        package var deciders: [AccountID]

        package init(
            conversation: ConversationID, name: String, inviter: AccountID, invited: [AccountID], deciders: [AccountID]
        ) {
            self.conversation = conversation
            self.name = name
            self.inviter = inviter
            self.invited = invited
            self.deciders = deciders
        }
        package static let wireFormat = WireFormat(
            Self.init, \.conversation, \.name, \.inviter, \.invited, \.deciders)
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

    /// A request was accepted and the conversation is open at message-svc.
    package struct FriendshipBegan: BusEvent {
        package static let kind = "social.friendshipBegan"

        package var applicant: AccountID
        package var accepter: AccountID
        package var conversation: ConversationID

        package init(applicant: AccountID, accepter: AccountID, conversation: ConversationID) {
            self.applicant = applicant
            self.accepter = accepter
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.applicant, \.accepter, \.conversation)
    }
}
