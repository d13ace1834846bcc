import Foundation
import TestSupport
import Testing

@testable import Gateway

/// One example of the `rest` document: what is sent and what comes back, as it is printed there.
///
/// `$name` in path and body stands for a value of the scene the example is played in. Of the answer, names and types
/// count; the document's placeholders are filled in. `additions` are the fields the contract adds, by the name of the
/// object or list they are added to.
struct RestExample: Sendable, CustomTestStringConvertible {
    let title: String
    let method: String
    let path: String
    var body = ""
    /// What `data` is; the document prints none for most of them, and here it is null then.
    var data = "null"
    var additions: [String: JSONValue] = [:]

    var testDescription: String { title }

    static let all = [
        RestExample(
            title: "登陆", method: "POST", path: "/api/auth/login",
            body: #"{"phone_number": "$phone", "password": "123456"}"#,
            data: """
                {
                    "token_class": {"token": "a.b.c", "refresh_token": "mrt_x", "expires_in": 900},
                    "user_info": {"uid": "m_1", "name": "昵称"}
                }
                """, additions: ["user_info": ["id": 1]]),
        RestExample(
            title: "refresh_token", method: "POST", path: "/auth/refresh_token",
            data: #"{"token": "a.b.c", "refresh_token": "mrt_x", "expires_in": 900}"#),
        RestExample(
            title: "用户修改自己的微信号", method: "PATCH", path: "/api/auth/me/uid", body: #"{"new_uid": "wx_new"}"#),
        RestExample(
            title: "加载好友列表", method: "GET", path: "/api/auth/friendships",
            data: #"[{"friendship_id": 1, "friend_name": "好友昵称", "friend_id": 2}]"#,
            additions: [
                "data": ["name": "", "friend_remark": "", "remark": .null, "friend_uid": "", "conversation_id": 1]
            ]),
        RestExample(
            title: "加载好友申请列表", method: "GET", path: "/api/auth/friendship_requests",
            data: """
                [{"request_id": 1, "sender_id": 1, "sender_name": "昵称", "verification_message": "验证消息",
                "status": "pending", "created_at": "2024-01-01T00:00:00.000Z"}]
                """),
        RestExample(
            title: "发送好友申请操作", method: "POST", path: "/api/auth/friendship_requests",
            body: #"{"sender_name": "昵称", "receiver_id": $stranger, "verification_message": "验证消息"}"#,
            data: "{}", additions: ["data": ["request_id": 1]]),
        RestExample(
            title: "同意好友申请操作", method: "POST", path: "/api/auth/friendship_requests/$request",
            body: #"{"status": "accepted"}"#, data: "{}",
            additions: ["data": ["friend_id": 1, "conversation_id": 1]]),
        RestExample(
            title: "拒绝好友申请操作", method: "POST", path: "/api/auth/friendship_requests/$request",
            body: #"{"status": "rejected"}"#),
        RestExample(title: "删除好友操作", method: "DELETE", path: "/api/auth/friendships/$friend"),
        RestExample(
            title: "会话详情", method: "GET", path: "/api/auth/conversations/$conversation",
            data: """
                [{"message_id": 1, "seq": 1, "sender_id": 1, "sender_name": "", "content": "", "reply_id": null,
                "status": 0, "created_at": "", "updated_at": ""}]
                """),
        RestExample(
            title: "私发消息", method: "POST", path: "/api/auth/messages",
            body: #"{"receiver_id": $friend, "content": "消息内容"}"#, data: "1"),
        RestExample(
            title: "撤回消息", method: "DELETE", path: "/api/auth/message/recall", body: #"{"message_id": $message}"#),
        RestExample(
            title: "删除消息", method: "DELETE", path: "/api/auth/message/delete", body: #"{"message_id": $message}"#),
    ]
}

/// The document's examples, replayed.
@Suite struct RestExamplesTests {
    @Test(arguments: RestExample.all)
    func `an example of the document is answered as printed`(_ example: RestExample) async throws {
        try await withGateway { site in
            let (person, friend, conversation) = try await site.restFriends()
            let (stranger, applicant) = (try await site.restPerson("Stranger"), try await site.restPerson("Applicant"))
            let request = try await applicant.apply(to: person.id)
            let message = try await person.send("x", to: conversation)
            func filled(_ text: String) -> String {
                [
                    ("$phone", person.phoneNumber), ("$friend", "\(friend.id)"), ("$stranger", "\(stranger.id)"),
                    ("$conversation", "\(conversation)"), ("$request", "\(request)"), ("$message", "\(message)"),
                ].reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
            }
            let token = example.title == "refresh_token" ? person.refreshToken : person.token
            let reply = try await site.ask(
                example.method, filled(example.path),
                example.body.isEmpty ? nil : try JSONValue(filled(example.body)),
                headers: ["Authorization": "Bearer " + token])
            #expect(reply.restOutcome == "200 成功")
            let wanted = try JSONValue(example.data).adding(example.additions, in: "data")
            #expect(reply["data"].shape == wanted.shape, "\(reply)")
        }
    }
}
