/// Everything social-svc answers.
package enum SocialAPI {
    /// What a request does when one of the same is pending already.
    package enum WhenPending: UInt8, Sendable, Hashable, WireValue {
        /// It succeeds, and whom it concerns is told and handed it once more as if it were new; its message stays.
        case announceAgain = 1
        /// It fails with ``ServiceError/Code/alreadyApplied``.
        case refuse = 2
    }

    /// What has become of a request for a friendship.
    package enum RequestState: UInt8, Sendable, Hashable, CaseIterable, WireValue {
        case pending = 1
        case accepted = 2
        case refused = 3
        /// Taken back by its applicant, or one of the two has cancelled his account.
        case cancelled = 4
    }

    /// Asks an account for its friendship. One who asks somebody he has blocked has unblocked him. One who is blocked is told
    /// what everybody would be told; his request is withheld until the block is lifted.
    ///
    /// Errors: ``ServiceError/Code/cannotBefriendSelf``, ``ServiceError/Code/alreadyFriends``,
    /// ``ServiceError/Code/accountCancelled``, ``ServiceError/Code/messageTooLong``,
    /// ``ServiceError/Code/alreadyApplied``, ``ServiceError/Code/limitReached``.
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
        package var whenPending: WhenPending

        package init(applicant: AccountID, target: AccountID, message: String, whenPending: WhenPending) {
            self.applicant = applicant
            self.target = target
            self.message = message
            self.whenPending = whenPending
        }
        package static let wireFormat = WireFormat(Self.init, \.applicant, \.target, \.message, \.whenPending)
    }

    /// A request for a friendship, as the one who was asked sees it.
    package struct FriendRequest: WireRecord, Hashable {
        package var id: FriendRequestID
        package var applicant: AccountID
        package var message: String
        /// Milliseconds since 1970.
        package var createdAt: Int64
        package var state: RequestState

        package init(
            id: FriendRequestID, applicant: AccountID, message: String, createdAt: Int64, state: RequestState
        ) {
            self.id = id
            self.applicant = applicant
            self.message = message
            self.createdAt = createdAt
            self.state = state
        }
        package static let wireFormat = WireFormat(Self.init, \.id, \.applicant, \.message, \.createdAt, \.state)
    }

    /// Pending requests to an account, oldest first, at most 500 and 4 MiB: all of them, or those not handed over yet.
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

    /// Requests an account was sent and has not taken off its list, whatever has become of them, newest first.
    package struct FriendRequests: BusRequest {
        package static let route = "social.friendRequests"

        package struct Reply: WireRecord, Hashable {
            package var requests: [FriendRequest]
            package init(requests: [FriendRequest]) { self.requests = requests }
            package static let wireFormat = WireFormat(Self.init, \.requests)
        }

        package var account: AccountID
        /// Only requests in this state; `nil` for all.
        package var state: RequestState?
        /// Only requests with a smaller id.
        package var before: FriendRequestID?
        /// At most 500. A page may be shorter by itself; only an empty one says that there are no more.
        package var limit: Int32

        package init(account: AccountID, state: RequestState?, before: FriendRequestID?, limit: Int32) {
            self.account = account
            self.state = state
            self.before = before
            self.limit = limit
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.state, \.before, \.limit)
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

    /// Accepts or refuses a request by its id.
    ///
    /// Accepting answers once the conversation is open at message-svc. Errors: ``ServiceError/Code/noSuchApplication``
    /// (unknown, or sent to somebody else), ``ServiceError/Code/alreadyDecided``, ``ServiceError/Code/limitReached``;
    /// ``ServiceError/Code/outcomeUnknown`` as in ``Decide``.
    package struct DecideRequest: BusRequest {
        package static let route = "social.decideRequest"

        package struct Reply: WireRecord, Hashable {
            package var applicant: AccountID
            /// The opened conversation; `nil` after a refusal.
            package var conversation: ConversationID?

            package init(applicant: AccountID, conversation: ConversationID?) {
                self.applicant = applicant
                self.conversation = conversation
            }
            package static let wireFormat = WireFormat(Self.init, \.applicant, \.conversation)
        }

        /// Who was asked and now decides.
        package var account: AccountID
        package var request: FriendRequestID
        package var accepts: Bool

        package init(account: AccountID, request: FriendRequestID, accepts: Bool) {
            self.account = account
            self.request = request
            self.accepts = accepts
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.request, \.accepts)
    }

    /// Ends a pending request: refused when the one who was asked does it, cancelled when the applicant does. One that is
    /// decided the one who was asked takes off the list; idempotent.
    ///
    /// Errors: ``ServiceError/Code/noSuchApplication`` (unknown, or of others), ``ServiceError/Code/alreadyDecided`` (to
    /// the applicant).
    package struct DismissRequest: BusRequest {
        package static let route = "social.dismissRequest"
        package typealias Reply = Done

        package var account: AccountID
        package var request: FriendRequestID

        package init(account: AccountID, request: FriendRequestID) {
            self.account = account
            self.request = request
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.request)
    }

    /// One friend as the owner of the list sees him.
    package struct Friend: WireRecord, Hashable {
        package var account: AccountID
        package var conversation: ConversationID
        /// What the owner calls him; empty for nothing. A list leaves out those on the latest friends when all have more
        /// than 5 MiB together.
        package var remark: String

        package init(account: AccountID, conversation: ConversationID, remark: String) {
            self.account = account
            self.conversation = conversation
            self.remark = remark
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.conversation, \.remark)
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

    /// One friend of an account. Error: ``ServiceError/Code/notFriends``.
    package struct FindFriend: BusRequest {
        package static let route = "social.findFriend"

        package struct Reply: WireRecord, Hashable {
            package var friend: Friend
            package init(friend: Friend) { self.friend = friend }
            package static let wireFormat = WireFormat(Self.init, \.friend)
        }

        package var owner: AccountID
        package var friend: AccountID

        package init(owner: AccountID, friend: AccountID) {
            self.owner = owner
            self.friend = friend
        }
        package static let wireFormat = WireFormat(Self.init, \.owner, \.friend)
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
        /// Empty for the default one.
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
        /// Empty for the default one.
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

    /// Names a friend as the owner wants to see him. Idempotent.
    ///
    /// Errors: ``ServiceError/Code/notFriends``, ``ServiceError/Code/messageTooLong``.
    package struct SetRemark: BusRequest {
        package static let route = "social.setRemark"
        package typealias Reply = Done

        package var owner: AccountID
        package var friend: AccountID
        /// At most 255 characters; empty removes it.
        package var remark: String

        package init(owner: AccountID, friend: AccountID, remark: String) {
            self.owner = owner
            self.friend = friend
            self.remark = remark
        }
        package static let wireFormat = WireFormat(Self.init, \.owner, \.friend, \.remark)
    }

    // MARK: - Blocks

    /// Bars an account from applying to the caller and from writing to him in private; neither tells it why.
    /// Idempotent.
    ///
    /// What is pending between the two is settled: the other's request is refused, the caller's own is cancelled, and so
    /// are the requests of the other that the caller may join a group. Answers when message-svc has taken note.
    /// Errors: ``ServiceError/Code/cannotBefriendSelf``, ``ServiceError/Code/limitReached``.
    package struct Block: BusRequest {
        package static let route = "social.block"
        package typealias Reply = Done

        package var account: AccountID
        /// An existing account: the caller has looked it up at auth-svc.
        package var target: AccountID

        package init(account: AccountID, target: AccountID) {
            self.account = account
            self.target = target
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.target)
    }

    /// Lifts a block. Idempotent; answers when message-svc has taken note.
    package struct Unblock: BusRequest {
        package static let route = "social.unblock"
        package typealias Reply = Done

        package var account: AccountID
        package var target: AccountID

        package init(account: AccountID, target: AccountID) {
            self.account = account
            self.target = target
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.target)
    }

    /// The accounts an account has blocked, the latest first.
    package struct Blocks: BusRequest {
        package static let route = "social.blocks"

        package struct Reply: WireRecord, Hashable {
            package var accounts: [AccountID]
            package init(accounts: [AccountID]) { self.accounts = accounts }
            package static let wireFormat = WireFormat(Self.init, \.accounts)
        }

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }
}
