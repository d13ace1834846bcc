import TestSupport
import Testing

@testable import Gateway

/// Names people see, in every dialect; the rules themselves are tested where they are.
@Suite struct NameTests {
    private static let refused =
        [" ", "\u{A0}", "\u{200B}", "\u{2061}", "\u{3164}", "\u{2800}", "\u{301}", "\u{FE0F}"]
        + ["a\u{202E}b", "a\u{0}b", "a\nb"]
    private static let kept = ["👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "1️⃣", "می‌خواهم"]

    private func scalars(_ value: JSONValue) -> [UInt32]? { value.string?.unicodeScalars.map(\.value) }
    private func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

    @Test func `classic refuses names of groups and friend groups in its words for the field`() async throws {
        try await withGateway { site in
            let (alice, bob, _) = try await site.friends()
            let carol = try await site.person("Carol")
            _ = try await site.befriend(carol, alice)
            func create(_ name: String) async throws -> String {
                try await alice.ask(
                    "PUT", "/conversation/create_conversation",
                    ["friendIds": [.integer(bob.id), .integer(carol.id)], "conversationName": .string(name)]
                ).outcome
            }
            func group(_ name: String) async throws -> String {
                try await alice.ask(
                    "POST", "/friend/grouping_friend", ["friendIds": [], "groupName": .string(name)]
                ).outcome
            }
            for name in Self.refused {
                #expect(try await create(name) == "400 -2 Missing or error type of [conversationName]")
                #expect(try await group(name) == "400 -2 Missing or error type of [groupName]")
            }
            for name in Self.kept {
                let created = try await create(name)
                #expect(created == "200 0 Succeed +conversation_id", "\(name)")
                #expect(try await group(name) == "200 0 Succeed", "\(name)")
            }
        }
    }

    @Test func `rest refuses names and remarks, and keeps what it takes trimmed and composed`() async throws {
        try await withGateway { site in
            let (alice, bob, _) = try await site.restFriends()
            let path = "/friendships/remark/\(bob.id)"
            for name in Self.refused {
                #expect(try await site.restRegister(name, "13811112222").restOutcome == "400 昵称应为1到64个字符")
                let renaming = try await alice.ask("PATCH", "/me/name", ["name": .string(name)])
                #expect(renaming.restOutcome == "400 昵称应为1到64个字符")
                let remarking = try await alice.ask("POST", path, ["remark": .string(name)])
                #expect(remarking.restOutcome == "400 请求参数错误：remark")
            }
            for (name, stored) in Self.kept.map({ ($0, $0) }) + [
                ("  trimmed \u{3000}", "trimmed"), ("Cafe\u{301}", "Café"),
            ] {
                try await alice.data("PATCH", "/me/name", ["name": .string(name)])
                #expect(try await scalars(alice.data("GET", "/me")["name"]) == scalars(stored))
                try await alice.data("POST", path, ["remark": .string(name)])
                let friend = try await alice.data("GET", "/info/friends/id/\(bob.id)")
                #expect(scalars(friend["friend_remark"]) == scalars(stored))
            }
        }
    }

    @Test func `socket refuses nicknames and names of groups, and finds them in any case`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            func create(_ changes: JSONObject) async throws -> String {
                var body: JSONObject = ["groupName": "club", "groupNickname": "xÄÖ Иван Ωmega"]
                for change in changes.members { body.append(change.name, change.value) }
                let reply = try await alice.http("POST", "/api/group/create", .object(body))
                return "\(reply.status) \(reply["message"].text)"
            }
            for name in Self.refused {
                let registration: JSONValue = [
                    "username": "Bob", "password": "123456", "nickname": .string(name),
                ]
                let reply = try await site.ask("POST", "/api/registe", registration)
                #expect(reply.status == 400 && reply["message"] == "bad parameter: nickname")
                for field in ["groupName", "groupNickname"] {
                    var changes: JSONObject = [:]
                    changes.append(field, .string(name))
                    #expect(try await create(changes) == "400 bad parameter: \(field)")
                }
            }
            _ = try await site.socketUser("Carol", ["nickname": "xÄÖ Иван Ωmega"])
            #expect(try await create([:]) == "200 success")
            // äö, иван and ωmega.
            for part in ["%C3%A4%C3%B6", "%D0%B8%D0%B2%D0%B0%D0%BD", "%CF%89mega"] {
                let users = try await alice.http("GET", "/api/friend/search_user?nickname=\(part)")
                #expect(users["data"]["list"].items.map { $0["username"].text } == ["Carol"], "\(part)")
                let groups = try await alice.http("GET", "/api/group/search?groupNickname=\(part)")
                #expect(groups["data"]["list"].items.map { $0["groupName"].text } == ["club"], "\(part)")
            }
        }
    }
}
