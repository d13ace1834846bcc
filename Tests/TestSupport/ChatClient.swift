/// An answer of the `classic` dialect.
package struct ChatAnswer: Sendable {
    package let status: Int
    package let headers: [String: String]
    package let body: JSON

    /// The document's `code`.
    package var code: Int64 { body["code"]?.integer ?? .min }
}

/// An answer that a test did not expect.
package struct UnexpectedAnswer: Error, CustomStringConvertible {
    package let description: String

    init(_ request: String, _ answer: ChatAnswer) {
        description = "\(request) was answered \(answer.status): \(answer.body)"
    }
}

/// What a client knows about a message it has sent.
package enum SendOutcome: Sendable, Hashable {
    case ok(Int64)
    /// Certainly not stored.
    case refused(status: Int, code: Int64)
    /// Perhaps stored: 504, or the connection broke.
    case unknown(String)

    package var isOK: Bool { if case .ok = self { true } else { false } }
}

/// A message as a chain or a push shows it.
package struct ChatMessage: Sendable, Hashable {
    package let id: Int64
    package let conversation: Int64
    package let sequence: Int64
    package let sender: Int64
    package let text: String

    package init(_ json: JSON) throws {
        guard let id = json["message_id"]?.integer, let conversation = json["conversation_id"]?.integer,
            let sequence = json["seq"]?.integer, let sender = json["sender_id"]?.integer,
            let text = json["message"]?.string
        else { throw ClientError.malformed("no message: \(json)") }
        self.id = id
        self.conversation = conversation
        self.sequence = sequence
        self.sender = sender
        self.text = text
    }
}

/// One person, logged in over `classic`, on one connection.
package struct ChatClient: Sendable {
    package let userName: String
    package let id: Int64
    package let token: String
    package let port: Int
    private let http: HTTPClient

    /// The password of everyone.
    package static let password = "Secret12345"

    /// Registers an account and logs in.
    package static func signUp(_ userName: String, port: Int) async throws -> ChatClient {
        let http = HTTPClient(port: port)
        defer { http.close() }
        let registration: JSON = [
            "userName": .string(userName), "password": .string(password), "ensurePassword": .string(password),
            "phoneNumber": "13800000000", "email": "a@b.cn", "picture": "",
        ]
        let answer = try await Self.call(http, "PUT", "/user/register", registration, token: nil)
        guard answer.code == 0 else { throw UnexpectedAnswer("register", answer) }
        return try await logIn(userName, port: port)
    }

    /// Logs in.
    package static func logIn(_ userName: String, port: Int) async throws -> ChatClient {
        let http = HTTPClient(port: port)
        let answer = try await tryLogIn(userName, http)
        guard let token = answer.body["token"]?.string, let id = answer.body["userId"]?.integer else {
            throw UnexpectedAnswer("login", answer)
        }
        return ChatClient(userName: userName, id: id, token: token, port: port, http: http)
    }

    /// Tries to log in, for tests of what is answered.
    package static func tryLogIn(_ userName: String, _ http: HTTPClient) async throws -> ChatAnswer {
        let credentials: JSON = ["userName": .string(userName), "password": .string(password)]
        return try await call(http, "POST", "/user/login", credentials, token: nil)
    }

    /// The same session on another connection, perhaps to another gateway.
    package func reconnected(to port: Int? = nil) -> ChatClient {
        let port = port ?? self.port
        return ChatClient(userName: userName, id: id, token: token, port: port, http: HTTPClient(port: port))
    }

    /// Closes the connection; the next call makes a new one.
    package func close() { http.close() }

    // MARK: - Calls

    /// Makes a call with this person's token. After a failure the next call makes a new connection.
    package func call(
        _ method: String, _ path: String, _ body: JSON? = nil, within limit: Duration = .seconds(10)
    ) async throws -> ChatAnswer {
        do {
            return try await Self.call(http, method, path, body, token: token, within: limit)
        } catch {
            http.close()
            throw error
        }
    }

    /// Like ``call(_:_:_:within:)``, for calls that must succeed.
    @discardableResult
    package func succeed(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let answer = try await call(method, path, body)
        guard answer.status == 200, answer.code == 0 else { throw UnexpectedAnswer("\(method) \(path)", answer) }
        return answer.body
    }

    /// Sends a message without waiting; ``answer(within:)`` awaits what becomes of it.
    package func beginSend(_ text: String, to conversation: Int64) async throws {
        let body: JSON = ["conversationId": .integer(conversation), "message": .string(text), "replyId": -1]
        let bytes = try body.bytes
        let head =
            "PUT /message/send_message HTTP/1.1\r\nHost: localhost\r\nAuthorization: \(token)\r\n"
            + "Content-Length: \(bytes.count)\r\n\r\n"
        try await http.send(raw: Array(head.utf8) + bytes)
    }

    /// Awaits the answer to what was begun.
    package func answer(within limit: Duration = .seconds(10)) async throws -> ChatAnswer {
        let response = try await http.response(to: "PUT", within: limit)
        return ChatAnswer(status: response.status, headers: response.headers, body: try JSON(response.body))
    }

    private static func call(
        _ http: HTTPClient, _ method: String, _ path: String, _ body: JSON?, token: String?,
        within limit: Duration = .seconds(10)
    ) async throws -> ChatAnswer {
        var headers: [String: String] = [:]
        if let token { headers["Authorization"] = token }
        let response = try await http.request(
            method, path, headers: headers, body: try body?.bytes ?? [], within: limit)
        return ChatAnswer(status: response.status, headers: response.headers, body: try JSON(response.body))
    }

    // MARK: - Friends

    package func apply(to other: ChatClient, saying message: String = "") async throws {
        try await succeed(
            "POST", "/friend/apply_friend", ["applyUserName": .string(other.userName), "message": .string(message)])
    }

    /// Answers an application with "True".
    package func accept(_ applicant: ChatClient) async throws -> ChatAnswer {
        try await call("POST", "/friend/handel_apply", ["senderUserId": .integer(applicant.id), "agree": "True"])
    }

    /// Makes the two friends.
    ///
    /// - Returns: their conversation, whose first message greets them.
    package func befriend(_ other: ChatClient) async throws -> Int64 {
        try await apply(to: other)
        let answer = try await other.accept(self)
        guard let conversation = answer.body["conversation_id"]?.string.flatMap({ Int64($0) }) else {
            throw UnexpectedAnswer("handel_apply", answer)
        }
        return conversation
    }

    /// What the list of friends holds: conversation by name.
    package func friends() async throws -> [String: Int64] {
        let groups = try await succeed("GET", "/friend/pull_friend_list")["total_friend_list"]?.array ?? []
        var friends: [String: Int64] = [:]
        for friend in groups.flatMap({ $0["friend_list"]?.array ?? [] }) {
            if let name = friend["friend_name"]?.string { friends[name] = friend["conversation_id"]?.integer }
        }
        return friends
    }

    // MARK: - Messages

    /// Sends a message, once.
    package func send(
        _ text: String, to conversation: Int64, clientID: String? = nil, within limit: Duration = .seconds(10)
    ) async -> SendOutcome {
        var body: [String: JSON] = [
            "conversationId": .integer(conversation), "message": .string(text), "replyId": -1,
        ]
        if let clientID { body["clientMessageId"] = .string(clientID) }
        do {
            let answer = try await call("PUT", "/message/send_message", .object(body), within: limit)
            switch answer.status {
            case 200:
                guard let id = answer.body["message_id"]?.integer else { return .unknown("no id: \(answer.body)") }
                return .ok(id)
            case 500, 504: return .unknown("\(answer.status)")
            default: return .refused(status: answer.status, code: answer.code)
            }
        } catch ClientError.connectFailed {
            return .refused(status: 0, code: 0)
        } catch {
            return .unknown("\(error)")
        }
    }

    /// Sends a message that must be stored.
    ///
    /// - Returns: its id.
    @discardableResult
    package func say(_ text: String, to conversation: Int64) async throws -> Int64 {
        let outcome = await send(text, to: conversation)
        guard case .ok(let id) = outcome else {
            throw NeverHappened(description: "a message was not stored: \(outcome)")
        }
        return id
    }

    /// All messages of a conversation, oldest first.
    package func chain(of conversation: Int64) async throws -> [ChatMessage] {
        var chain: [ChatMessage] = []
        while true {
            var path = "/conversation/pull_conversation_chain?conversationId=\(conversation)"
            if let oldest = chain.first { path += "&beforeMessageId=\(oldest.id)" }
            let body = try await succeed("GET", path)
            chain = try (body["conversation_chain"]?.array ?? []).map(ChatMessage.init) + chain
            guard body["has_more"]?.bool == true else { return chain }
        }
    }

    /// The messages since the last pull.
    package func pullUserChain() async throws -> [ChatMessage] {
        var chain: [ChatMessage] = []
        while true {
            let body = try await succeed("GET", "/message/pull_user_chain")
            chain += try (body["user_chat_chain"]?.array ?? []).map(ChatMessage.init)
            guard body["has_more"]?.bool == true else { return chain }
        }
    }

    // MARK: - Pushes

    /// Opens a push connection.
    ///
    /// - Parameter since: the last message already known.
    package func pushSocket(since: Int64? = nil, port: Int? = nil) async throws -> PushSocket {
        let path = "/ws/" + (since.map { "?since=\($0)" } ?? "")
        return PushSocket(
            webSocket: try await WebSocketClient.connect(
                port: port ?? self.port, path: path, headers: ["Authorization": token]))
    }
}

/// A push connection of the `classic` dialect.
package struct PushSocket: Sendable {
    package let webSocket: WebSocketClient

    /// The next push.
    package func next(within limit: Duration = .seconds(10)) async throws -> JSON {
        try JSON(Array(try await webSocket.nextText(within: limit).utf8))
    }

    /// The next message; pushes of other types before it are passed over.
    package func nextMessage(within limit: Duration = .seconds(10)) async throws -> ChatMessage {
        while true {
            let push = try await next(within: limit)
            if push["type"] == "receive_message", let message = push["message"] { return try ChatMessage(message) }
        }
    }

    /// The texts of the next messages.
    package func nextTexts(_ count: Int, within limit: Duration = .seconds(10)) async throws -> [String] {
        var texts: [String] = []
        while texts.count < count { texts.append(try await nextMessage(within: limit).text) }
        return texts
    }

    package func close() { webSocket.cut() }
}
