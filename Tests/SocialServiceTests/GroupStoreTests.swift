import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// Groups on a real database, without a bus.
@Suite struct GroupStoreTests {
    /// A group of Ann, Bob and Cid.
    private func makeGroup(in store: SocialStore) async throws -> ConversationID {
        for friend in [.bob, .cid] as [AccountID] {
            _ = try await store.apply(from: friend, to: .ann, message: "", now: 1)
            _ = try await store.accept(friend, by: .ann, now: 1)
        }
        return try await store.createGroup("x", by: .ann, with: [.bob, .cid], now: 9).conversation
    }

    @Test func `the schema refuses a second owner, a second membership and an unknown role`() async throws {
        try await withStore { store in
            let group = try await makeGroup(in: store)

            let promotion = "UPDATE member SET role = 1 WHERE account = 2"
            #expect(try await violation(promotion, in: store) == .SQLITE_CONSTRAINT_UNIQUE)
            let again = "INSERT INTO member (conversation, account, role, joinedAt) VALUES (?, 2, 3, 1)"
            #expect(try await violation(again, [group], in: store) == .SQLITE_CONSTRAINT_UNIQUE)
            let unknown = "UPDATE member SET role = 4 WHERE account = 2"
            #expect(try await violation(unknown, in: store) == .SQLITE_CONSTRAINT_CHECK)
            let nowhere = "INSERT INTO member (conversation, account, role, joinedAt) VALUES (999, 2, 1, 1)"
            #expect(try await violation(nowhere, in: store) == .SQLITE_CONSTRAINT_FOREIGNKEY)
            for role in SocialAPI.Role.allCases {
                let stored = try await store.database.read { db in
                    try SocialAPI.Role.fetchOne(db, sql: "SELECT ?", arguments: [role])
                }
                #expect(stored == role)
            }
        }
    }

    @Test func `the schema holds at most one pending join request per inviter and invited`() async throws {
        try await withStore { store in
            let group = try await makeGroup(in: store)
            let insertion = """
                INSERT INTO joinRequest (conversation, inviter, invited, state, createdAt, decidedAt)
                VALUES (?, 2, 4, ?, 1, ?)
                """

            for state in RequestState.allCases where state != .pending {
                for _ in 1...2 {
                    #expect(try await violation(insertion, [group, state, 5], in: store) == nil, "\(state)")
                }
            }
            #expect(try await violation(insertion, [group, "pending", nil], in: store) == nil)
            #expect(
                try await violation(insertion, [group, "pending", nil], in: store) == .SQLITE_CONSTRAINT_UNIQUE)
            #expect(try await violation(insertion, [group, "pending", 5], in: store) == .SQLITE_CONSTRAINT_CHECK)
            #expect(try await violation(insertion, [group, "refused", nil], in: store) == .SQLITE_CONSTRAINT_CHECK)
            #expect(try await violation(insertion, [group, "lost", 5], in: store) == .SQLITE_CONSTRAINT_CHECK)
        }
    }

    @Test func `what is refused inside a group leaves no row and owes nothing`() async throws {
        try await withStore { store in
            let group = try await makeGroup(in: store)
            _ = try await store.apply(from: .dan, to: .cid, message: "", now: 1)
            _ = try await store.accept(.dan, by: .cid, now: 1)
            try await store.invite([.dan], by: .cid, to: group, now: 2)
            func counts() async throws -> [Int?] {
                try await store.database.read { db in
                    try ["conversation", "chatGroup", "member", "joinRequest", "announcement", "outbox", "event"].map {
                        try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)")
                    }
                }
            }
            let before = try await counts()

            await #expect(throws: ServiceError(.notFriends)) {
                _ = try await store.createGroup("x", by: .ann, with: [.bob, .dan], now: 3)
            }
            await #expect(throws: ServiceError(.notFriends)) {
                try await store.invite([.dan, .eve], by: .cid, to: group, now: 3)
            }
            await #expect(throws: ServiceError(.noSuchApplication)) {
                _ = try await store.decide(on: [.dan, .eve], accepting: true, by: .ann, in: group, now: 3)
            }
            await #expect(throws: ServiceError(.notAllowed)) {
                _ = try await store.removeMembers([.bob, .ann], from: group, by: .ann)
            }
            await #expect(throws: ServiceError(.targetNotMember)) {
                try await store.appoint([.bob, .dan], by: .ann, in: group)
            }
            await #expect(throws: ServiceError(.notAllowed)) {
                _ = try await store.announce("x", by: .bob, in: group, now: 3)
            }
            #expect(try await counts() == before)
        }
    }

    @Test func `one who comes back has joined last, whatever the clock says`() async throws {
        try await withStore { store in
            let group = try await makeGroup(in: store)
            _ = try await store.leave(group, .bob)
            try await store.invite([.bob], by: .ann, to: group, now: 2)
            _ = try await store.decide(on: [.bob], accepting: true, by: .ann, in: group, now: 1)

            #expect(try await store.group(group, for: .ann).members.map(\.account) == [.ann, .cid, .bob])
        }
    }

    @Test func `a database of the first version keeps its friend groups and may have any name after`() async throws {
        try await withTemporaryFolder { folder in
            let first = try openDatabase(in: folder) { migrator in
                migrator.registerMigration("social-1", migrate: SocialMigrations.createFriendships)
            }
            try await first.write { transaction in
                try transaction.db.execute(
                    sql: """
                        INSERT INTO conversation (kind, createdAt) VALUES (1, 1);
                        INSERT INTO friendGroup (owner, name) VALUES (1, 'MyFriends'), (1, '同学'), (2, 'MyFriends');
                        INSERT INTO friendship VALUES (1, 2, 1, 2, 1), (2, 1, 1, 3, 1);
                        """)
            }
            first.close()

            let second = try openDatabase(in: folder, migrations: SocialMigrations.register)
            defer { second.close() }
            let store = SocialStore(database: second, limits: SocialLimits())

            let friend = SocialAPI.Friend(account: .bob, conversation: ConversationID(1), remark: "")
            #expect(
                try await store.friendList(of: .ann) == [
                    SocialAPI.FriendGroup(name: "同学", friends: [friend]),
                    SocialAPI.FriendGroup(name: "MyFriends", friends: []),
                ])
            // A name of before names were judged.
            try await store.database.write { transaction in
                try transaction.db.execute(sql: "INSERT INTO friendGroup (owner, name) VALUES (1, X'610062')")
            }
            try await store.group([.bob], into: "a\0b", of: .ann)
            #expect(try await store.friendList(of: .ann).map(\.name) == ["a\0b", "MyFriends", "同学"])
            let deleted = "DELETE FROM friendGroup WHERE owner = 2"
            #expect(try await violation(deleted, in: store) == .SQLITE_CONSTRAINT_FOREIGNKEY)
        }
    }

    @Test func `a database of the second version keeps its people, and its groups have handles after`() async throws {
        try await withTemporaryFolder { folder in
            let second = try openDatabase(in: folder) { migrator in
                migrator.registerMigration("social-1", migrate: SocialMigrations.createFriendships)
                migrator.registerMigration("social-2", migrate: SocialMigrations.createGroups)
            }
            try await second.write { transaction in
                try transaction.db.execute(
                    sql: """
                        INSERT INTO conversation (kind, createdAt) VALUES (1, 1), (2, 1), (2, 1);
                        INSERT INTO friendGroup (owner, name) VALUES (1, X'41'), (2, X'41');
                        INSERT INTO friendship VALUES (1, 2, 1, 1, 1), (2, 1, 1, 2, 1);
                        INSERT INTO friendRequest (applicant, target, message, state, createdAt, decidedAt)
                            VALUES (1, 2, X'6869', 'accepted', 1, 2), (3, 2, X'', 'pending', 3, NULL);
                        INSERT INTO chatGroup VALUES (2, X'610062', 5, NULL), (3, X'63', 6, 7);
                        INSERT INTO member (conversation, account, role, joinedAt) VALUES (2, 1, 1, 5), (2, 2, 3, 5);
                        INSERT INTO announcement (conversation, author, body, publishedAt) VALUES (2, 1, X'68', 8);
                        INSERT INTO joinRequest (conversation, inviter, invited, state, createdAt)
                            VALUES (2, 2, 4, 'pending', 9);
                        """)
            }
            second.close()

            let third = try openDatabase(in: folder, migrations: SocialMigrations.register)
            defer { third.close() }
            let store = SocialStore(database: third, limits: SocialLimits())

            let group = SocialAPI.GroupInfo(
                conversation: ConversationID(2), name: "a\0b", handle: "g2", introduction: "", owner: .ann,
                memberCount: 2)
            let dissolved = SocialAPI.GroupInfo(
                conversation: ConversationID(3), name: "c", handle: "g3", introduction: "", owner: nil, memberCount: 0)
            #expect(try await store.groups([ConversationID(2), ConversationID(3)]) == [group, dissolved])
            #expect(try await store.findGroups(.handle, "g2") == [group])
            #expect(try await store.findGroups(.partOfName, "A\0B") == [group])
            #expect(try await store.findGroups(.handle, "g3").isEmpty)
            #expect(try await store.group(ConversationID(2), for: .bob).announcements.map(\.body) == ["h"])
            let request = SocialAPI.JoinRequest(
                id: JoinRequestID(1), conversation: ConversationID(2), inviter: .bob, invited: .dan, message: "",
                createdAt: 9)
            #expect(
                try await store.joinRequests(for: .ann, in: nil)
                    == SocialAPI.JoinRequests.Reply(requests: [request], groups: [group]))
            #expect(
                try await store.friend(.bob, of: .ann)
                    == SocialAPI.Friend(account: .bob, conversation: ConversationID(1), remark: ""))
            #expect(
                try await store.friendRequests(to: .bob, in: nil, before: nil, limit: 9) == [
                    SocialAPI.FriendRequest(
                        id: FriendRequestID(2), applicant: .cid, message: "", createdAt: 3, state: .pending),
                    SocialAPI.FriendRequest(
                        id: FriendRequestID(1), applicant: .ann, message: "hi", createdAt: 1, state: .accepted),
                ])
            // What refers to a group still does, and a new one has a greater id.
            let nowhere = "INSERT INTO member (conversation, account, role, joinedAt) VALUES (999, 2, 1, 1)"
            #expect(try await violation(nowhere, in: store) == .SQLITE_CONSTRAINT_FOREIGNKEY)
            let orphan = "DELETE FROM chatGroup WHERE conversation = 2"
            #expect(try await violation(orphan, in: store) == .SQLITE_CONSTRAINT_FOREIGNKEY)
            let taken = "UPDATE chatGroup SET handle = CAST('g3' AS BLOB) WHERE conversation = 2"
            #expect(try await violation(taken, in: store) == .SQLITE_CONSTRAINT_UNIQUE)
            _ = try await store.decide(on: JoinRequestID(1), accepting: true, by: .ann, now: 10)
            #expect(try await store.group(ConversationID(2), for: .dan).members.map(\.account) == [.ann, .bob, .dan])
        }
    }

    @Test func `groups are found by index`() async throws {
        try await withStore { store in
            let plans = try await store.database.read { db in
                try [
                    "SELECT role FROM member WHERE conversation = 1 AND account = 2",
                    "SELECT account, role FROM member WHERE conversation = 1 ORDER BY role, id",
                    "SELECT conversation, role FROM member WHERE account = 1 ORDER BY conversation",
                    "SELECT count(*) FROM member WHERE conversation = 1",
                    "SELECT id, body FROM announcement WHERE conversation = 1 ORDER BY id DESC",
                    "SELECT id FROM joinRequest WHERE conversation = 1 AND state = 'pending' ORDER BY id LIMIT 9",
                    "SELECT 1 FROM joinRequest WHERE conversation = 1 AND invited = 2 AND state = 'pending' LIMIT 1",
                    "UPDATE joinRequest SET state = 'cancelled' WHERE invited = 1 AND state = 'pending'",
                    "UPDATE joinRequest SET state = 'cancelled' WHERE inviter = 1 AND state = 'pending'",
                    "UPDATE friendRequest SET state = 'cancelled' WHERE applicant = 1 AND state = 'pending'",
                    "UPDATE friendRequest SET state = 'cancelled' WHERE target = 1 AND state = 'pending'",
                    "DELETE FROM friendship WHERE conversation = 1",
                    "SELECT 1 FROM chatGroup WHERE handle = X'00'",
                ].flatMap { sql in
                    try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)").map { $0["detail"] as String }
                }
            }
            #expect(plans.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plans)")
        }
    }
}
