import Shared

/// The life of a request for a friendship, or to join a group.
///
/// ```
/// pending ──accept───▶ accepted   (so do its mirror image, if both had applied, and others for the same person)
///    ├─────refuse───▶ refused    it may be asked again: a new request
///    └──────lapse───▶ cancelled  somebody in it has cancelled his account, or the group is gone
/// ```
/// Only a pending request changes. At most one is pending per applicant and target, or per group, inviter and invited.
enum RequestState: String, CaseIterable {
    case pending
    case accepted
    case refused
    case cancelled
}

/// What a decision does to pending friend requests.
struct Settlement: Hashable {
    var requests: [FriendRequestID]
    /// What they become.
    var state: RequestState
}
