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
}
