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

    // MARK: - Events

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
