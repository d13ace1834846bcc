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
                        SocialAPI.Friend(
                            account: AccountID(Int64(index)), conversation: ConversationID(Int64(index)), remark: "")
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

    @Test func `grouping needs friends, and a new group a name and room`() {
        var limits = SocialLimits()
        limits.maxFriendGroups = 2
        limits.maxName = 5
        func refusal(_ name: String, _ group: FriendGroupView, friends: Set<AccountID> = [.bob, .cid]) -> ServiceError?
        {
            do {
                try FriendGroups.judgeGrouping(
                    of: [.bob, .cid], into: name, group, friends: friends, limits: limits)
                return nil
            } catch {
                return error
            }
        }
        let full = FriendGroupView(groupCount: 2)

        #expect(refusal("too long", full, friends: [.bob]) == ServiceError(.notFriends))
        #expect(refusal("too long", full) == ServiceError(.messageTooLong, detail: "5"))
        #expect(refusal("", full)?.code == .badRequest)
        #expect(refusal("12345", full) == ServiceError(.limitReached, detail: "2"))
        #expect(refusal("12345", FriendGroupView(groupCount: 1)) == nil)
        #expect(refusal("12345", FriendGroupView(exists: true, groupCount: 2)) == nil)
    }

    @Test func `only an empty group that exists is deleted`() {
        #expect(throws: ServiceError(.noSuchFriendGroup)) {
            try FriendGroups.judgeDeletion(of: "Class", FriendGroupView(groupCount: 1))
        }
        #expect(throws: ServiceError(.friendGroupNotEmpty, detail: "Class")) {
            try FriendGroups.judgeDeletion(of: "Class", FriendGroupView(exists: true, friendCount: 1))
        }
        #expect(throws: Never.self) {
            try FriendGroups.judgeDeletion(of: FriendGroups.defaultName, FriendGroupView(exists: true))
        }
    }
}
