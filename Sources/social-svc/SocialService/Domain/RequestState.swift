import Shared

/// The life of a request for a friendship, or to join a group.
///
/// ```
/// pending ──accept───▶ accepted   (so do its mirror image, if both had applied, and others for the same person)
///    ├─────refuse───▶ refused    by a decision or a block; it may be asked again: a new request
///    ├────dismiss───▶ cancelled  its applicant takes it back, or blocks the one he asked
///    └──────lapse───▶ cancelled  somebody in it has cancelled his account, the one invited has blocked the inviter, or
///                                the group is gone
/// ```
/// Only a pending request changes. At most one is pending per applicant and target, or per group, inviter and invited.
typealias RequestState = SocialAPI.RequestState

/// A request for a friendship as somebody acts on it who knows its id.
struct FiledRequest: Hashable {
    var id: FriendRequestID
    var applicant: AccountID
    var target: AccountID
    var state: RequestState
    /// Whether the target sees it.
    var isShown = true

    /// Whether the target has blocked the applicant, and so it does not exist for him.
    var isWithheld: Bool { state == .pending && !isShown }
}

/// What is done to pending friend requests.
struct Settlement: Hashable {
    var requests: [FriendRequestID]
    /// What they become.
    var state: RequestState
}
