import Shared

/// The life of a friend request.
///
/// ```
/// pending ──accept───▶ accepted   (so does its mirror image, if both had applied)
///    ├─────refuse───▶ refused    the applicant may apply again: a new request
///    └────withdraw──▶ cancelled  the applicant took it back or is gone; nothing asks for it yet
/// ```
/// Only a pending request changes, and at most one per applicant and target is pending.
enum FriendRequestState: String, CaseIterable {
    case pending
    case accepted
    case refused
    case cancelled
}

/// What a decision does to pending requests.
struct Settlement: Hashable {
    var requests: [FriendRequestID]
    /// What they become.
    var state: FriendRequestState
}
