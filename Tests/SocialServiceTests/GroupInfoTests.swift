import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// What anybody may know of groups, their handles, and how they are found.
@Suite(.timeLimit(.minutes(5))) struct GroupInfoTests {
    private func creation(
        by creator: AccountID, _ name: String = "x", handle: String? = nil, introduction: String = "",
        with friends: [AccountID] = []
    ) -> SocialAPI.CreateGroup {
        SocialAPI.CreateGroup(
            creator: creator, name: name, friends: friends, handle: handle, introduction: introduction, minMembers: 1)
    }

    private func found(
        _ match: SocialAPI.GroupMatch, _ text: String, in social: SocialHarness
    ) async throws -> [ConversationID] {
        try await social.call(SocialAPI.FindGroups(match: match, text: text)).groups.map(\.conversation)
    }

    @Test func `a group of its creator alone is open and is what its creator said`() async throws {
        try await withBothServices { social, messages in
            let group = try await social.call(
                creation(by: .ann, "Swift 群", handle: "a 群", introduction: "We \0 write")
            ).conversation

            let info = SocialAPI.GroupInfo(
                conversation: group, name: "Swift 群", handle: "a 群", introduction: "We \0 write", owner: .ann,
                memberCount: 1)
            #expect(try await social.call(SocialAPI.Groups(conversations: [group])).groups == [info])
            #expect(try await social.call(SocialAPI.FindGroups(match: .handle, text: "a 群")).groups == [info])
            #expect(
                try await social.call(SocialAPI.GroupsOf(account: .ann)).memberships
                    == [SocialAPI.Membership(group: info, role: .owner)])
            #expect(try await messages.participants[group] == [.ann])
            #expect(
                try await social.news(SocialAPI.MembersJoined.self) == [
                    SocialAPI.MembersJoined(
                        conversation: group, name: "Swift 群", accounts: [], operator: .ann, settled: [])
                ])
        }
    }

    @Test func `a handle is nobody else's, whatever becomes of its group`() async throws {
        try await withBothServices { social, _ in
            let taken = ServiceError(.groupHandleTaken)
            let first = try await social.call(creation(by: .ann, handle: "dev")).conversation
            let plain = try await social.call(creation(by: .bob)).conversation

            #expect(await social.refusal(of: creation(by: .bob, handle: "dev")) == taken)
            #expect(await social.refusal(of: creation(by: .bob, handle: "g\(plain)")) == taken)
            #expect(await social.refusal(of: creation(by: .bob, handle: "g12345")) == taken, "some day another's")
            #expect(await social.refusal(of: creation(by: .bob, handle: "Dev")) == nil, "case matters")
            #expect(try await found(.handle, "dev", in: social) == [first])
            #expect(try await found(.handle, "g\(plain)", in: social) == [plain])

            try await social.cancel(.ann)
            #expect(try await found(.handle, "dev", in: social).isEmpty)
            #expect(await social.refusal(of: creation(by: .bob, handle: "dev")) == taken)
            #expect(
                try await social.call(SocialAPI.Groups(conversations: [first])).groups == [
                    SocialAPI.GroupInfo(
                        conversation: first, name: "x", handle: "dev", introduction: "", owner: nil, memberCount: 0)
                ])
        }
    }

    @Test func `of many who want a handle at once one gets it`() async throws {
        try await withBothServices { social, _ in
            let refusals = await withTaskGroup(of: ServiceError?.self) { group in
                for creator in 1...8 {
                    let wanted = creation(by: AccountID(Int64(creator)), handle: "dev")
                    group.addTask { await social.refusal(of: wanted) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(refusals.count { $0 == nil } == 1)
            #expect(refusals.count { $0 == ServiceError(.groupHandleTaken) } == 7)
        }
    }

    @Test func `handles and introductions are of a length`() async throws {
        try await withBothServices { social, _ in
            let tooLong = ServiceError(.messageTooLong, detail: "255")
            let most = String(repeating: "群", count: 255)

            #expect(await social.refusal(of: creation(by: .ann, handle: most + "x")) == tooLong)
            #expect(await social.refusal(of: creation(by: .ann, introduction: most + "x")) == tooLong)
            #expect(await social.refusal(of: creation(by: .ann, handle: ""))?.code == .badRequest)
            #expect(await social.refusal(of: creation(by: .ann, handle: most, introduction: most)) == nil)
        }
    }

    @Test func `a part of a name is found in any case, width and composition`() async throws {
        try await withBothServices { social, _ in
            var groups: [ConversationID] = []
            for name in ["Swift Users", "100% SWIFT_y", "École", "a-Swiftly", "好友群", "xÄÖ Иван Ωmega"] {
                groups.append(try await social.call(creation(by: .ann, name)).conversation)
            }

            #expect(try await found(.partOfName, "swift", in: social) == [groups[0], groups[1], groups[3]])
            #expect(try await found(.partOfName, "T uS", in: social) == [groups[0]])
            #expect(try await found(.partOfName, "%", in: social) == [groups[1]], "no wildcard")
            #expect(try await found(.partOfName, "t_", in: social) == [groups[1]], "no wildcard")
            #expect(try await found(.partOfName, "*", in: social).isEmpty, "no wildcard")
            #expect(try await found(.partOfName, "e\u{301}cole", in: social) == [groups[2]])
            for part in ["äö", "иван", "ωmega", "ｍｅｇａ"] {
                #expect(try await found(.partOfName, part, in: social) == [groups[5]], "\(part)")
            }
            #expect(try await found(.partOfName, "\u{200B}", in: social).isEmpty, "nothing to look for")
            #expect(try await found(.partOfName, "ÉCOLE", in: social) == [groups[2]])
            #expect(try await found(.partOfName, "-s", in: social) == [groups[3]])
            #expect(try await found(.partOfName, "友", in: social) == [groups[4]])
            #expect(try await found(.handle, "Swift Users", in: social).isEmpty)
            for match in [.handle, .partOfName] as [SocialAPI.GroupMatch] {
                #expect(
                    await social.refusal(of: SocialAPI.FindGroups(match: match, text: ""))?.code == .badRequest)
            }
        }
    }

    @Test func `the first fifty groups found are told of`() async throws {
        try await withBothServices { social, _ in
            var groups: [ConversationID] = []
            for number in 1...52 {
                groups.append(try await social.call(creation(by: .ann, "club \(number)")).conversation)
            }

            #expect(try await found(.partOfName, "club", in: social) == Array(groups.prefix(50)))
        }
    }

    @Test func `groups and roles of an account are told in the order of the groups' ids`() async throws {
        try await withBothServices { social, _ in
            let first = try await social.makeGroup(of: .ann, with: [.bob, .cid], admins: [.bob], name: "first")
            let second = try await social.makeGroup(of: .bob, with: [.ann, .cid], name: "second")
            let conversation = try await social.befriend(.dan, .eve)
            func roles(of account: AccountID) async throws -> [String] {
                try await social.call(SocialAPI.GroupsOf(account: account)).memberships
                    .map { "\($0.group.name) \($0.role) \($0.group.memberCount)" }
            }

            #expect(try await roles(of: .bob) == ["first admin 3", "second owner 3"])
            #expect(try await roles(of: .cid) == ["first member 3", "second member 3"])
            #expect(try await roles(of: .dan).isEmpty)
            for (account, group, role) in [
                (.ann, first, .owner), (.bob, first, .admin), (.ann, second, .member), (.dan, first, nil),
                (.dan, conversation, nil), (.ann, ConversationID(999), nil),
            ] as [(AccountID, ConversationID, SocialAPI.Role?)] {
                #expect(
                    try await social.call(SocialAPI.RoleIn(account: account, conversation: group)).role == role)
            }

            _ = try await social.call(SocialAPI.LeaveGroup(account: .bob, conversation: first))
            #expect(try await roles(of: .bob) == ["second owner 3"])
            #expect(try await roles(of: .ann) == ["first owner 2", "second member 3"])
        }
    }

    @Test func `an account in more groups than an answer holds is told of the first`() async throws {
        try await withStore { store in
            let long = String(repeating: "🕊", count: 255)
            let count = SocialStore.maxShownGroupBytes / (2 * long.utf8.count) + 1
            try await store.database.write { transaction in
                for number in 1...Int64(count) {
                    try transaction.db.execute(
                        sql: """
                            INSERT INTO conversation (kind, createdAt) VALUES (2, 1);
                            INSERT INTO chatGroup (conversation, name, handle, introduction, createdAt)
                                VALUES (:id, :text, CAST(:id AS BLOB), :text, 1);
                            INSERT INTO member (conversation, account, role, joinedAt) VALUES (:id, 1, 1, 1);
                            """, arguments: ["id": number, "text": StoredText(long)])
                }
            }

            let shown = try await store.groups(of: .ann)

            let size = SocialAPI.GroupsOf.Reply(memberships: shown).wireBytes.count
            #expect(shown.count < count)
            #expect(shown.map(\.group.conversation.rawValue) == (1...shown.count).map(Int64.init))
            #expect(size <= SocialStore.maxShownGroupBytes + 4)
            #expect(size > SocialStore.maxShownGroupBytes - 3_000, "as many as fit")
        }
    }
}
