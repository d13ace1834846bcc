import Shared
import Testing

@testable import SocialService

@Suite struct FriendGroupsTests {
    private func arranged(_ groups: (name: String, friends: Int)...) -> [String] {
        FriendGroups.arranged(
            groups.map { group in
                SocialAPI.FriendGroup(
                    name: group.name,
                    friends: (0..<group.friends).map { index in
                        SocialAPI.Friend(account: AccountID(Int64(index)), conversation: ConversationID(Int64(index)))
                    })
            }
        ).map(\.name)
    }

    @Test func `groups with friends come first and the default group first among them`() {
        #expect(
            arranged(("Work", 1), ("Abroad", 0), ("MyFriends", 2), ("Class", 3), ("School", 0))
                == ["MyFriends", "Class", "Work", "Abroad", "School"])
    }

    @Test func `an empty default group comes after the groups with friends`() {
        #expect(arranged(("Abroad", 0), ("MyFriends", 0), ("Work", 1)) == ["Work", "MyFriends", "Abroad"])
    }
}
