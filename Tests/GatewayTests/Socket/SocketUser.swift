import Shared
import TestSupport
import Testing

@testable import Gateway

/// A person with an app that speaks `socket`: cookies of a log-in, and a connection for each operation.
struct SocketUser: Sendable {
    static let password = "pass word 密"

    let site: Site
    let port: Int
    let name: String
    /// The account, as it stands on the wire.
    let id: String
    let token: String

    var cookies: String { "token=\(token); uid=\(id)" }

    /// The same person at another gateway.
    func at(_ port: Int) -> SocketUser { SocketUser(site: site, port: port, name: name, id: id, token: token) }

    /// The same person with an app that speaks `classic`.
    var classic: Person {
        Person(site: site, name: name, id: Int64(id) ?? 0, token: token, http: HTTPClient(port: port))
    }

    // MARK: Connections

    /// Opens a request connection.
    func open(_ path: String) async throws -> WebSocketClient {
        try await WebSocketClient.connect(port: port, path: path, headers: ["Cookie": cookies])
    }

    /// Opens a notice connection.
    func listen(_ query: String = "") async throws -> WebSocketClient { try await open("/ws/notice/event" + query) }

    /// Asks one thing on a connection of its own.
    func ask(_ path: String, _ body: JSONValue) async throws -> JSONValue {
        let socket = try await open("/ws" + path)
        defer { socket.cut() }
        return try await socket.ask(body)
    }

    /// The code of an answer; all of it when it is not the text that belongs to the code.
    func code(_ path: String, _ body: JSONValue) async throws -> String {
        let answer = try await ask(path, body)
        let code = SocketCode(rawValue: answer["code"].text)
        return answer["desc"].text == code?.text ? answer["code"].text : answer.text
    }

    @discardableResult
    func send(_ text: String, to friend: SocketUser) async throws -> JSONValue {
        try await ask("/chat/send_msg", ["toUserId": .string(friend.id), "msg": .string(text)])
    }

    @discardableResult
    func send(_ text: String, toGroup group: String) async throws -> JSONValue {
        try await ask("/chat/send_msg", ["toGroupId": .string(group), "msg": .string(text)])
    }

    /// Applies for a friendship and returns the application's id.
    func add(_ user: SocketUser, remark: String = "") async throws -> String {
        let answer = try await ask("/friend/add", ["userId": .string(user.id), "remark": .string(remark)])
        #expect(answer["code"] == "0000", "\(answer.text)")
        return answer["data"]["friendApplyId"].text
    }

    func befriend(_ user: SocketUser) async throws {
        let request = try await add(user)
        let body: JSONValue = ["friendApplyId": .string(request), "agree": true]
        #expect(try await user.code("/friend/add_reply", body) == "0000")
    }

    // MARK: HTTP

    func http(
        _ method: String, _ path: String, _ body: JSONValue? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        var headers = headers
        headers["Cookie"] = headers["Cookie"] ?? cookies
        return try await Reply(HTTPClient(port: port).request(method, path, headers: headers, body: body?.text ?? ""))
    }

    /// Creates a group of which the person is owner and only member.
    func createGroup(_ handle: String, _ introduction: String = "") async throws -> String {
        let reply = try await http(
            "POST", "/api/group/create",
            [
                "groupName": .string(handle), "groupNickname": .string("Group " + handle),
                "introduction": .string(introduction),
            ])
        return try #require(reply["data"]["groupId"].string, "\(reply)")
    }

    /// Has somebody join a group of the person's.
    func admit(_ user: SocketUser, to group: String) async throws {
        let request = try await user.ask("/group/add", ["groupId": .string(group)])["data"]["groupApplyId"]
        let body: JSONValue = ["groupApplyId": request, "agree": true]
        #expect(try await code("/group/add_reply", body) == "0000")
    }
}

extension Site {
    /// Registers an account, which logs it in.
    func socketUser(_ name: String, _ changes: JSONObject = [:]) async throws -> SocketUser {
        try await enter("/api/registe", name, changes)
    }

    /// Logs an account in once more.
    func logInBySocket(_ name: String) async throws -> SocketUser { try await enter("/api/login", name, [:]) }

    private func enter(_ path: String, _ name: String, _ changes: JSONObject) async throws -> SocketUser {
        var body: JSONObject = [
            "username": .string(name), "password": .string(SocketUser.password), "nickname": .string(name + "!"),
        ]
        for member in changes.members { body.append(member.name, member.value) }
        let reply = try await ask("POST", path, .object(body))
        let token = reply.headers["set-cookie"]?.split(separator: ";").first?.split(separator: "=").last
        return SocketUser(
            site: self, port: port, name: name, id: try #require(reply["data"]["id"].string, "\(reply)"),
            token: String(try #require(token)))
    }

    /// People who are friends of each other.
    func socketFriends(_ names: String...) async throws -> [SocketUser] {
        var users: [SocketUser] = []
        for name in names {
            let user = try await socketUser(name)
            for other in users { try await other.befriend(user) }
            users.append(user)
        }
        return users
    }
}

extension WebSocketClient {
    /// Sends a request and awaits the answer.
    func ask(_ body: JSONValue) async throws -> JSONValue {
        try await sendText(body.text)
        return try await nextPush()
    }

    /// The code and reason of the close frame that ends the connection.
    func ending() async throws -> String {
        while true {
            let frame = try await nextFrame()
            guard frame.opcode == 0x8 else { continue }
            let code = frame.payload.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            return "\(code) " + String(decoding: frame.payload.dropFirst(2), as: UTF8.self)
        }
    }

    /// The next notice that is not of friends who come and go; `time` is checked and left out.
    func notice() async throws -> JSONValue {
        while true {
            let notice = try await anyNotice()
            if notice["eventType"] != "friend_status_change" { return notice }
        }
    }

    /// The next notice; `time` is checked and left out.
    func anyNotice() async throws -> JSONValue {
        let notice = try await nextPush()
        let time = try #require(notice["time"].integer)
        #expect(abs(time - WallClock.milliseconds) < 60_000)
        let members = (notice.object?.members ?? []).filter { $0.name != "time" }
        return JSONValue.object(JSONObject(members)).sorted
    }

    /// Texts of chat notices.
    func chats(_ count: Int) async throws -> [String] {
        var texts: [String] = []
        while texts.count < count {
            let notice = try await notice()
            if notice["eventType"].text.hasPrefix("chat_") { texts.append(notice["data"]["msg"].text) }
        }
        return texts
    }

    /// The notices before a chat notice of a text, without those of friends who come and go.
    func notices(before text: String) async throws -> [JSONValue] {
        var notices: [JSONValue] = []
        while true {
            let notice = try await notice()
            if notice["data"]["msg"] == .string(text) { return notices }
            notices.append(notice)
        }
    }
}
