import GRDB
import Shared
import SharedStorage
import Testing

@testable import SocialService

/// The store on a real database, without a bus.
@Suite struct SocialStoreTests {
    let ann = AccountID(1)
    let bob = AccountID(2)
    let cid = AccountID(3)

    private func insertRequest(_ applicant: Int64, _ target: Int64, state: String, decidedAt: Int64?) -> String {
        """
        INSERT INTO friendRequest (applicant, target, message, state, createdAt, decidedAt)
        VALUES (\(applicant), \(target), X'', '\(state)', 1, \(decidedAt.map(String.init) ?? "NULL"))
        """
    }

    @Test func `the schema knows every state of a request and no other`() async throws {
        try await withStore { store in
            for state in RequestState.allCases {
                let sql = insertRequest(1, 2, state: "\(state)", decidedAt: state == .pending ? nil : 5)
                let code = try await violation(sql, in: store)
                #expect(code == nil, "\(state)")
            }
            let unknown = insertRequest(1, 3, state: "lost", decidedAt: 5)
            #expect(try await violation(unknown, in: store) == .SQLITE_CONSTRAINT_CHECK)
            let undated = insertRequest(1, 3, state: "accepted", decidedAt: nil)
            #expect(try await violation(undated, in: store) == .SQLITE_CONSTRAINT_CHECK)
            let selfish = insertRequest(1, 1, state: "pending", decidedAt: nil)
            #expect(try await violation(selfish, in: store) == .SQLITE_CONSTRAINT_CHECK)
        }
    }

    @Test func `the schema holds at most one pending request per pair and direction`() async throws {
        try await withStore { store in
            _ = try await store.apply(from: ann, to: bob, message: "", now: 1)

            let repeated = insertRequest(1, 2, state: "pending", decidedAt: nil)
            #expect(try await violation(repeated, in: store) == .SQLITE_CONSTRAINT_UNIQUE)
            let mirrored = insertRequest(2, 1, state: "pending", decidedAt: nil)
            #expect(try await violation(mirrored, in: store) == nil)
        }
    }

    @Test func `a friendship needs a group of its owner and a group with friends stays`() async throws {
        try await withStore { store in
            _ = try await store.apply(from: ann, to: bob, message: "", now: 1)
            _ = try await store.accept(ann, by: bob, now: 2)
            let group = "(SELECT id FROM friendGroup WHERE owner = 1)"

            let stolen = "UPDATE friendship SET friendGroup = \(group) WHERE owner = 2"
            #expect(try await violation(stolen, in: store) == .SQLITE_CONSTRAINT_FOREIGNKEY)
            let deleted = "DELETE FROM friendGroup WHERE owner = 1"
            #expect(try await violation(deleted, in: store) == .SQLITE_CONSTRAINT_FOREIGNKEY)
            let again = """
                INSERT INTO friendship
                SELECT owner, friend, conversation + 1, friendGroup, since, remark FROM friendship WHERE owner = 1
                """
            #expect(try await violation(again, in: store) == .SQLITE_CONSTRAINT_PRIMARYKEY)
        }
    }

    @Test func `an acceptance writes all of its parts or none`() async throws {
        try await withStore { store in
            let request = try await store.apply(from: ann, to: bob, message: "", now: 1)
            let mirrored = try await store.apply(from: bob, to: ann, message: "", now: 2)
            _ = try await store.accept(ann, by: bob, now: 3)
            await #expect(throws: ServiceError(.alreadyFriends)) { try await store.accept(bob, by: ann, now: 4) }
            await #expect(throws: ServiceError(.noSuchApplication)) { try await store.accept(cid, by: ann, now: 4) }

            let (requests, friendships, conversations, owed) = try await store.database.read { db in
                (
                    try Row.fetchAll(db, sql: "SELECT id, state, decidedAt FROM friendRequest ORDER BY id")
                        .map { "\($0["id"] as Int64) \($0["state"] as String) \($0["decidedAt"] as Int64)" },
                    try Row.fetchAll(db, sql: "SELECT owner, friend, since FROM friendship ORDER BY owner")
                        .map { "\($0["owner"] as Int64) \($0["friend"] as Int64) \($0["since"] as Int64)" },
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM conversation"),
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox")
                )
            }
            #expect(requests == ["\(request) accepted 3", "\(mirrored) accepted 3"])
            #expect(friendships == ["1 2 3", "2 1 3"])
            #expect(conversations == 1)
            #expect(owed == 1)
        }
    }

    @Test func `groups are listed with friends first and two names that look alike stay apart`() async throws {
        try await withStore { store in
            for friend in [bob, cid] {
                _ = try await store.apply(from: friend, to: ann, message: "", now: 9)
                // The clock has been set back: the order is that of the friendships all the same.
                _ = try await store.accept(friend, by: ann, now: 9 - friend.rawValue)
            }
            try await store.database.write { transaction in
                for name in ["Caf\u{E9}", "Cafe\u{301}", "Abroad"] {
                    try transaction.db.execute(
                        sql: "INSERT INTO friendGroup (owner, name) VALUES (1, ?)", arguments: [StoredText(name)])
                }
            }

            let groups = try await store.friendList(of: ann)

            #expect(groups.first?.name == "MyFriends")
            #expect(groups.first?.friends.map(\.account) == [bob, cid])
            #expect(groups.dropFirst().map { Array($0.name.utf8) }.first == Array("Abroad".utf8))
            #expect(Set(groups.map { Array($0.name.utf8) }).count == 4)
            #expect(groups.dropFirst().allSatisfy { $0.friends.isEmpty })
        }
    }

    @Test func `the default group may be deleted when empty and comes back when needed`() async throws {
        try await withStore { store in
            _ = try await store.apply(from: bob, to: ann, message: "", now: 1)
            _ = try await store.accept(bob, by: ann, now: 1)
            #expect(try await store.friendList(of: cid).map(\.name) == ["MyFriends"], "everybody has it")
            _ = try await store.endFriendship(of: ann, with: bob)
            try await store.deleteFriendGroup("MyFriends", of: ann)
            #expect(try await store.friendList(of: ann).isEmpty)
            await #expect(throws: ServiceError(.noSuchFriendGroup)) {
                try await store.deleteFriendGroup("", of: ann)
            }

            _ = try await store.apply(from: cid, to: ann, message: "", now: 2)
            _ = try await store.accept(cid, by: ann, now: 2)

            #expect(try await store.friendList(of: ann).map(\.name) == ["MyFriends"])
        }
    }

    @Test func `a conversation id is never used again`() async throws {
        try await withStore { store in
            _ = try await store.apply(from: ann, to: bob, message: "", now: 1)
            let first = try await store.accept(ann, by: bob, now: 1).conversation
            try await store.database.write { transaction in
                try transaction.db.execute(sql: "DELETE FROM friendship; DELETE FROM conversation")
            }

            _ = try await store.apply(from: ann, to: bob, message: "", now: 2)
            #expect(try await store.accept(ann, by: bob, now: 2).conversation > first)
        }
    }

    @Test func `lists are found by index`() async throws {
        try await withStore { store in
            let plans = try await store.database.read { db in
                try [
                    "SELECT id FROM friendRequest WHERE target = 1 AND state = 'pending'",
                    "SELECT id FROM friendRequest WHERE target = 1 AND state = 'pending' AND isShown = 1 ORDER BY id",
                    "SELECT id FROM friendRequest WHERE applicant = 1 AND target = 2 AND state = 'pending'",
                    "SELECT id FROM friendRequest WHERE target = 1 AND isShown = 1 AND id < 9 ORDER BY id DESC LIMIT 9",
                    """
                    SELECT id FROM friendRequest
                    WHERE target = 1 AND isShown = 1 AND id < 9 AND state = 'refused' ORDER BY id DESC
                    """,
                    "SELECT 1 FROM friendRequest WHERE applicant = 1 AND target = 2 AND state = 'accepted' LIMIT 1",
                    "SELECT target FROM block WHERE account = 1 ORDER BY id DESC",
                    "SELECT 1 FROM block WHERE account = 1 AND target = 2",
                    "SELECT count(*) FROM friendship WHERE owner = 1",
                    "SELECT id, name FROM friendGroup WHERE owner = 1",
                ].flatMap { sql in
                    try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)").map { $0["detail"] as String }
                }
            }
            #expect(plans.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plans)")
        }
    }
}
