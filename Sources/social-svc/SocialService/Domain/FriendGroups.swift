import Shared

/// A group of a friend list as its owner names it.
struct FriendGroupView: Hashable {
    /// Whether there is a group of that name.
    var exists = false
    var friendCount = 0
    /// All groups of the list.
    var groupCount = 0
}

/// The groups of one account's friend list.
enum FriendGroups {
    /// The group of a friend who was not put into another. Everybody has it until he deletes it, and again when it is
    /// needed.
    static let defaultName = "MyFriends"

    /// The group that a name stands for: none stands for the default one.
    static func named(_ name: String) -> String { name.isEmpty ? defaultName : name }

    /// Judges putting friends into a group, which is created if need be.
    static func judgeGrouping(
        of accounts: [AccountID], into name: String, _ group: FriendGroupView, friends: Set<AccountID>,
        limits: SocialLimits
    ) throws(ServiceError) {
        if !group.exists { _ = try SocialLimits.name(name, field: "group") }
        guard friends.isSuperset(of: accounts) else { throw ServiceError(.notFriends) }
        guard !group.exists else { return }
        try limits.checkPresent(name, atMost: limits.maxName)
        guard group.groupCount < limits.maxFriendGroups else {
            throw ServiceError(.limitReached, detail: "\(limits.maxFriendGroups)")
        }
    }

    /// Judges the deletion of a group; any may go, the default one too.
    static func judgeDeletion(of name: String, _ group: FriendGroupView) throws(ServiceError) {
        guard group.exists else { throw ServiceError(.noSuchFriendGroup) }
        guard group.friendCount == 0 else { throw ServiceError(.friendGroupNotEmpty, detail: name) }
    }

    /// Groups as they are shown: those with friends before the empty ones, the default group first in its half, the
    /// others by name.
    static func arranged(_ groups: [SocialAPI.FriendGroup]) -> [SocialAPI.FriendGroup] {
        groups.sorted { left, right in rank(left) < rank(right) }
    }

    private static func rank(_ group: SocialAPI.FriendGroup) -> (Int, Int, String) {
        (group.friends.isEmpty ? 1 : 0, group.name == defaultName ? 0 : 1, group.name)
    }
}
