import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// Answers that fit on the bus, whatever an operator has permitted and users have written.
@Suite(.timeLimit(.minutes(5))) struct AnswerSizeTests {
    /// What a message of the bus may have at most.
    private let maxMessageBytes = 9 << 20

    /// Runs the body with a store that holds what a statement inserts.
    private func withStore(
        holding sql: String, _ arguments: StatementArguments = [], _ body: (SocialStore) async throws -> Void
    ) async throws {
        try await SocialServiceTests.withStore { store in
            try await store.database.write { try $0.db.execute(sql: sql, arguments: arguments) }
            try await body(store)
        }
    }

    /// The longest text that an operator may permit for a request.
    private let longest = String(repeating: "🕊", count: 10_000)

    // MARK: - Friend requests

    private let friendRequests = """
        WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 250)
        INSERT INTO friendRequest (applicant, target, message, state, createdAt)
        SELECT 1 + i, 1, ?, 'pending', 1 FROM number
        """

    @Test func `a page of long friend requests is cut, and the next one goes on there`() async throws {
        try await withStore(holding: friendRequests, [StoredText(longest)]) { store in
            var listed: [FriendRequestID] = []
            var pages = 0
            while true {
                let page = try await store.friendRequests(to: .ann, in: nil, before: listed.last, limit: 500)
                if page.isEmpty { break }
                let bytes = SocialAPI.FriendRequests.Reply(requests: page).wireBytes.count
                #expect(bytes <= SocialStore.maxListedRequestBytes + 4)
                #expect(page.allSatisfy { $0.message == longest })
                listed += page.map(\.id)
                pages += 1
            }

            #expect(listed.map(\.rawValue) == (1...250).reversed())
            #expect(pages == 3)
        }
    }

    @Test func `of long pending requests the oldest that fit are listed, the others when those are handed over`()
        async throws
    {
        try await withStore(holding: friendRequests, [StoredText(longest)]) { store in
            var listed: [FriendRequestID] = []
            while true {
                let page = try await store.pendingRequests(to: .ann, includingHandedOver: false)
                if page.isEmpty { break }
                let bytes = SocialAPI.PendingRequests.Reply(requests: page).wireBytes.count
                #expect(bytes <= SocialStore.maxListedRequestBytes + 4)
                listed += page.map(\.id)
                try await store.confirm(page.map(\.id), of: .ann)
            }

            #expect(listed.map(\.rawValue) == Array(1...250))
        }
    }

    // MARK: - Requests to join

    /// As many groups of Ann's as asked for, with one request to join each.
    private func joinRequests(_ count: Int) -> String {
        """
        CREATE TEMP TABLE number AS
            WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < \(count))
            SELECT i FROM number;
        INSERT INTO conversation (id, kind, createdAt) SELECT i, 2, 1 FROM number;
        INSERT INTO chatGroup (conversation, name, handle, introduction, createdAt)
            SELECT i, :text, CAST(i AS BLOB), :text, 1 FROM number;
        INSERT INTO member (conversation, account, role, joinedAt) SELECT i, 1, 1, 1 FROM number;
        INSERT INTO joinRequest (conversation, inviter, invited, message, state, createdAt)
            SELECT i, 2, 2, :message, 'pending', 1 FROM number;
        """
    }

    @Test(arguments: [(count: 250, group: 1, request: 10_000), (count: 900, group: 1_000, request: 0)])
    func `of many long requests to join, or many groups, the oldest that fit are listed`(
        count: Int, group: Int, request: Int
    ) async throws {
        let text = { StoredText(String(repeating: "🕊", count: $0)) }
        try await withStore(
            holding: joinRequests(count), ["text": text(group), "message": text(request)]
        ) { store in
            let reply = try await store.joinRequests(for: .ann, in: nil)

            #expect(reply.requests.count < count)
            #expect(reply.requests.map(\.id.rawValue) == (1...reply.requests.count).map(Int64.init))
            #expect(reply.groups.map(\.conversation) == reply.requests.map(\.conversation))
            #expect(reply.wireBytes.count <= SocialStore.maxListedJoinRequestBytes + 8)
            #expect(reply.wireBytes.count > SocialStore.maxListedJoinRequestBytes - 50_000, "as many as fit")
            #expect(try await store.joinRequests(for: .ann, in: ConversationID(3)).requests.count == 1)
        }
    }

    // MARK: - Friends

    @Test func `the longest friend list names every friend and group, and the remarks that fit`() async throws {
        let (friends, groups) = (100_000, 500)
        let sql = """
            CREATE TEMP TABLE number AS
                WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < \(friends))
                SELECT i FROM number;
            INSERT INTO conversation (id, kind, createdAt) SELECT i, 1, 1 FROM number;
            INSERT INTO friendGroup (id, owner, name)
                SELECT i, 1, CAST(printf('%04000d', i) AS BLOB) FROM number WHERE i <= \(groups);
            INSERT INTO friendship (owner, friend, conversation, friendGroup, since, remark)
                SELECT 1, 1 + i, i, 1 + i % \(groups), 1, CAST(printf('%060d', i) AS BLOB) FROM number;
            """
        try await withStore(holding: sql) { store in
            let list = try await store.friendList(of: .ann)

            #expect(SocialAPI.FriendList.Reply(groups: list).wireBytes.count <= maxMessageBytes)
            #expect(list.count == groups + 1, "the default one is beside them")
            let listed = list.flatMap(\.friends).sorted { $0.conversation < $1.conversation }
            #expect(listed.map(\.account.rawValue) == (1...Int64(friends)).map { 1 + $0 })
            let remarks = listed.prefix { !$0.remark.isEmpty }.count
            #expect(remarks == SocialStore.maxShownRemarkBytes / 60)
            #expect(listed.dropFirst(remarks).allSatisfy { $0.remark.isEmpty })
            #expect(try await store.friend(AccountID(Int64(friends)), of: .ann).remark.hasSuffix("99999"))
        }
    }

    @Test func `by default no remark is left out`() {
        let limits = SocialLimits()
        #expect(limits.maxFriends * limits.maxRemark * 4 <= SocialStore.maxShownRemarkBytes)
    }
}
