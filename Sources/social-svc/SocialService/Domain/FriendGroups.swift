import Shared

/// The groups of one account's friend list.
enum FriendGroups {
    /// The group of a friend who was not put into another; it exists from the first friend on, and may be deleted when
    /// it is empty.
    static let defaultName = "MyFriends"

    /// Groups as they are shown: those with friends before the empty ones, the default group first in its half, the
    /// others by name.
    static func arranged(_ groups: [SocialAPI.FriendGroup]) -> [SocialAPI.FriendGroup] {
        groups.sorted { left, right in rank(left) < rank(right) }
    }

    private static func rank(_ group: SocialAPI.FriendGroup) -> (Int, Int, String) {
        (group.friends.isEmpty ? 1 : 0, group.name == defaultName ? 0 : 1, group.name)
    }
}
