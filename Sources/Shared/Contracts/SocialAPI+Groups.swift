extension SocialAPI {
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

    /// Creates a group of the creator and friends of his, who are members at once. One who has blocked him is none.
    ///
    /// Answers when message-svc has opened its conversation. Errors, in order: ``ServiceError/Code/tooFewMembers``,
    /// ``ServiceError/Code/notFriends``, ``ServiceError/Code/accountCancelled``, ``ServiceError/Code/messageTooLong``,
    /// ``ServiceError/Code/groupHandleTaken`` (also for a handle that looks like another group's default),
    /// ``ServiceError/Code/limitReached``.
    package struct CreateGroup: BusRequest {
        package static let route = "social.createGroup"

        package struct Reply: WireRecord, Hashable {
            package var group: GroupInfo
            package init(group: GroupInfo) { self.group = group }
            package static let wireFormat = WireFormat(Self.init, \.group)

            /// The conversation that the group is.
            package var conversation: ConversationID { group.conversation }
        }

        package var creator: AccountID
        package var name: String
        package var friends: [AccountID]
        /// The unique account name of the group; `nil` for the default, `g` and the id.
        package var handle: String?
        /// At most 255 characters.
        package var introduction: String
        /// The creator and distinct friends must be this many.
        package var minMembers: Int32

        package init(
            creator: AccountID, name: String, friends: [AccountID], handle: String?, introduction: String,
            minMembers: Int32
        ) {
            self.creator = creator
            self.name = name
            self.friends = friends
            self.handle = handle
            self.introduction = introduction
            self.minMembers = minMembers
        }
        package static let wireFormat = WireFormat(
            Self.init, \.creator, \.name, \.friends, \.handle, \.introduction, \.minMembers)
    }

    /// What anybody may know of a group.
    package struct GroupInfo: WireRecord, Hashable {
        package var conversation: ConversationID
        /// What is shown.
        package var name: String
        /// The unique account name.
        package var handle: String
        package var introduction: String
        /// `nil` for a group that is dissolved.
        package var owner: AccountID?
        package var memberCount: Int32

        package init(
            conversation: ConversationID, name: String, handle: String, introduction: String, owner: AccountID?,
            memberCount: Int32
        ) {
            self.conversation = conversation
            self.name = name
            self.handle = handle
            self.introduction = introduction
            self.owner = owner
            self.memberCount = memberCount
        }
        package static let wireFormat = WireFormat(
            Self.init, \.conversation, \.name, \.handle, \.introduction, \.owner, \.memberCount)
    }

    /// Groups by id, at most 500; conversations that are no groups are left out.
    package struct Groups: BusRequest {
        package static let route = "social.groups"

        package struct Reply: WireRecord, Hashable {
            package var groups: [GroupInfo]
            package init(groups: [GroupInfo]) { self.groups = groups }
            package static let wireFormat = WireFormat(Self.init, \.groups)
        }

        package var conversations: [ConversationID]
        package init(conversations: [ConversationID]) { self.conversations = conversations }
        package static let wireFormat = WireFormat(Self.init, \.conversations)
    }

    /// How a text is compared with what groups are called.
    package enum GroupMatch: UInt8, Sendable, Hashable, WireValue {
        /// The handle, exactly.
        case handle = 1
        /// A part of the name, whatever the case of ASCII letters.
        case partOfName = 2
    }

    /// Groups that are not dissolved, by a text that is not empty; at most 50, in the order of their ids.
    package struct FindGroups: BusRequest {
        package static let route = "social.findGroups"
        package typealias Reply = Groups.Reply

        package var match: GroupMatch
        package var text: String

        package init(match: GroupMatch, text: String) {
            self.match = match
            self.text = text
        }
        package static let wireFormat = WireFormat(Self.init, \.match, \.text)
    }

    /// The groups an account is a member of, in the order of their ids.
    package struct GroupsOf: BusRequest {
        package static let route = "social.groupsOf"

        package struct Reply: WireRecord, Hashable {
            package var memberships: [Membership]
            package init(memberships: [Membership]) { self.memberships = memberships }
            package static let wireFormat = WireFormat(Self.init, \.memberships)
        }

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }

    /// A group and the part its member plays in it.
    package struct Membership: WireRecord, Hashable {
        package var group: GroupInfo
        package var role: Role

        package init(group: GroupInfo, role: Role) {
            self.group = group
            self.role = role
        }
        package static let wireFormat = WireFormat(Self.init, \.group, \.role)
    }

    /// The part an account plays in a group; `nil` for none, also where there is no such group.
    package struct RoleIn: BusRequest {
        package static let route = "social.roleIn"

        package struct Reply: WireRecord, Hashable {
            package var role: Role?
            package init(role: Role?) { self.role = role }
            package static let wireFormat = WireFormat(Self.init, \.role)
        }

        package var account: AccountID
        package var conversation: ConversationID

        package init(account: AccountID, conversation: ConversationID) {
            self.account = account
            self.conversation = conversation
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation)
    }

    /// A group as a member sees it: members by role and then by when they joined, announcements oldest first. A private
    /// conversation, where one will do, has its two people as members and no name.
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
        /// Whether a private conversation will do.
        package var orPrivate: Bool

        package init(account: AccountID, conversation: ConversationID, orPrivate: Bool = false) {
            self.account = account
            self.conversation = conversation
            self.orPrivate = orPrivate
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation, \.orPrivate)
    }

    /// Publishes an announcement; owner and admins may. Error: ``ServiceError/Code/notAllowed`` (also for strangers),
    /// ``ServiceError/Code/invalidText`` (empty), ``ServiceError/Code/messageTooLong``.
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

    /// Asks that friends may join; owner or admins decide, whoever asks. One who has blocked the inviter is none. Asking
    /// twice changes nothing. All or nothing.
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

    /// Asks to join a group; its owner and admins decide.
    ///
    /// Errors, in order: ``ServiceError/Code/noSuchGroup``, ``ServiceError/Code/alreadyApplied``,
    /// ``ServiceError/Code/alreadyMember``, ``ServiceError/Code/accountCancelled``,
    /// ``ServiceError/Code/messageTooLong``.
    package struct ApplyToJoin: BusRequest {
        package static let route = "social.applyToJoin"

        package struct Reply: WireRecord, Hashable {
            package var request: JoinRequestID
            package init(request: JoinRequestID) { self.request = request }
            package static let wireFormat = WireFormat(Self.init, \.request)
        }

        package var applicant: AccountID
        package var conversation: ConversationID
        /// At most 255 characters.
        package var message: String

        package init(applicant: AccountID, conversation: ConversationID, message: String) {
            self.applicant = applicant
            self.conversation = conversation
            self.message = message
        }
        package static let wireFormat = WireFormat(Self.init, \.applicant, \.conversation, \.message)
    }

    /// A request to join; one made by oneself has the applicant as both.
    package struct JoinRequest: WireRecord, Hashable {
        package var id: JoinRequestID
        package var conversation: ConversationID
        package var inviter: AccountID
        package var invited: AccountID
        /// What an applicant says for himself; empty for an invitation.
        package var message: String
        /// Milliseconds since 1970.
        package var createdAt: Int64

        package init(
            id: JoinRequestID, conversation: ConversationID, inviter: AccountID, invited: AccountID, message: String,
            createdAt: Int64
        ) {
            self.id = id
            self.conversation = conversation
            self.inviter = inviter
            self.invited = invited
            self.message = message
            self.createdAt = createdAt
        }
        package static let wireFormat = WireFormat(
            Self.init, \.id, \.conversation, \.inviter, \.invited, \.message, \.createdAt)
    }

    /// Pending requests to join one group, or every group the account owns or administers; oldest first, at most 1,000
    /// and, with their groups, 4 MiB.
    ///
    /// Error: ``ServiceError/Code/notAllowed`` for a named group in which the account is neither.
    package struct JoinRequests: BusRequest {
        package static let route = "social.joinRequests"

        package struct Reply: WireRecord, Hashable {
            package var requests: [JoinRequest]
            /// The groups that occur.
            package var groups: [GroupInfo]

            package init(requests: [JoinRequest], groups: [GroupInfo]) {
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

    /// Admits or refuses the one a request to join is about, which settles every request for him to join that group.
    ///
    /// Admitting answers when message-svc has taken note. Errors, in order: ``ServiceError/Code/noSuchApplication``
    /// (unknown, or the actor is neither owner nor admin), ``ServiceError/Code/alreadyDecided``,
    /// ``ServiceError/Code/limitReached``.
    package struct DecideJoinRequest: BusRequest {
        package static let route = "social.decideJoinRequest"

        package struct Reply: WireRecord, Hashable {
            package var request: JoinRequest
            package init(request: JoinRequest) { self.request = request }
            package static let wireFormat = WireFormat(Self.init, \.request)
        }

        package var actor: AccountID
        package var request: JoinRequestID
        package var accepts: Bool

        package init(actor: AccountID, request: JoinRequestID, accepts: Bool) {
            self.actor = actor
            self.request = request
            self.accepts = accepts
        }
        package static let wireFormat = WireFormat(Self.init, \.actor, \.request, \.accepts)
    }
}
