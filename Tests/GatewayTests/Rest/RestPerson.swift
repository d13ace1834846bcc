import Shared
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// A person with an app that speaks `rest`, on one keep-alive connection.
struct RestPerson: Sendable {
    let site: Site
    let id: Int64
    let name: String
    let uid: String
    let phoneNumber: String
    let token: String
    let refreshToken: String
    let http: HTTPClient

    /// Sends a request with the person's token.
    func ask(
        _ method: String, _ path: String, _ body: JSONValue? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        var headers = headers
        headers["Authorization"] = headers["Authorization"] ?? "Bearer " + token
        return try await Reply(http.request(method, "/api/auth" + path, headers: headers, body: body?.text ?? ""))
    }

    /// What a request gives that has to succeed.
    @discardableResult
    func data(
        _ method: String, _ path: String, _ body: JSONValue? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let reply = try await ask(method, path, body)
        #expect(reply.restOutcome == "200 成功", "\(reply)", sourceLocation: sourceLocation)
        return reply["data"]
    }

    /// The same person with another connection, for requests at the same time.
    var again: RestPerson {
        RestPerson(
            site: site, id: id, name: name, uid: uid, phoneNumber: phoneNumber, token: token,
            refreshToken: refreshToken, http: HTTPClient(port: site.port))
    }

    /// The same person with an app that speaks `classic`.
    func asClassic() async throws -> Person { try await site.logIn(try await data("GET", "/me")["userName"].text) }

    @discardableResult
    func send(_ text: String, to conversation: Int64, replyTo: Int64? = nil) async throws -> Int64 {
        var body: JSONObject = ["conversation_id": .integer(conversation), "content": .string(text)]
        if let replyTo { body.append("reply_id", .integer(replyTo)) }
        return try #require(try await data("POST", "/messages", .object(body)).integer)
    }

    /// Asks somebody for his friendship.
    func apply(to id: Int64, _ message: String = "hi") async throws -> Int64 {
        let body: JSONValue = ["receiver_id": .integer(id), "verification_message": .string(message)]
        return try #require(try await data("POST", "/friendship_requests", body)["request_id"].integer)
    }

    /// The messages of a conversation, newest first, without marking them read.
    func messages(of conversation: Int64) async throws -> [JSONValue] {
        try await data("GET", "/conversations/\(conversation)?peek=true").items
    }

    /// The conversations, by their ids.
    func conversation(_ id: Int64) async throws -> JSONValue {
        try await data("GET", "/conversations").items.first { $0["conversation_id"] == .integer(id) } ?? .null
    }

    /// Opens a push connection.
    func listen(_ query: String = "") async throws -> WebSocketClient {
        try await WebSocketClient.connect(
            port: site.port, path: "/api/auth/ws" + query, headers: ["Authorization": token])
    }
}

extension Site {
    private static let lastPhoneNumber = Mutex(13_900_000_000)

    /// A number nobody else has.
    static func newPhoneNumber() -> String {
        lastPhoneNumber.withLock { number in
            number += 1
            return "\(number)"
        }
    }

    func restRegister(_ name: String, _ phoneNumber: String) async throws -> Reply {
        try await ask(
            "POST", "/api/register",
            ["name": .string(name), "password": .string(Person.password), "phone_number": .string(phoneNumber)])
    }

    /// Registers an account and logs in.
    func restPerson(_ name: String) async throws -> RestPerson {
        let phoneNumber = Self.newPhoneNumber()
        #expect(try await restRegister(name, phoneNumber).restOutcome == "200 成功")
        return try await restLogIn("phone_number", phoneNumber)
    }

    /// Logs in by `uid`, `phone_number` or `userName`.
    func restLogIn(
        _ field: String, _ value: String, password: String = Person.password, device: String = "test"
    ) async throws -> RestPerson {
        let http = HTTPClient(port: port)
        let body: JSONObject = ["password": .string(password), "device": .string(device)]
        var named = body
        named.append(field, .string(value))
        let reply = try await Reply(http.request("POST", "/api/auth/login", body: JSONValue.object(named).text))
        let (tokens, user) = (reply["data"]["token_class"], reply["data"]["user_info"])
        return RestPerson(
            site: self, id: try #require(user["id"].integer, "\(reply)"), name: user["name"].text,
            uid: user["uid"].text, phoneNumber: field == "phone_number" ? value : "",
            token: try #require(tokens["token"].string), refreshToken: try #require(tokens["refresh_token"].string),
            http: http)
    }

    /// Makes two people friends; the conversation begins with a greeting of the second one.
    func restBefriend(_ first: RestPerson, _ second: RestPerson) async throws -> Int64 {
        let request = try await first.apply(to: second.id)
        let data = try await second.data("POST", "/friendship_requests/\(request)", ["status": "accepted"])
        return try #require(data["conversation_id"].integer)
    }

    func restFriends() async throws -> (alice: RestPerson, bob: RestPerson, conversation: Int64) {
        let (alice, bob) = (try await restPerson("Alice"), try await restPerson("Bob"))
        return (alice, bob, try await restBefriend(alice, bob))
    }

    /// Exchanges a refresh token.
    func restRefresh(_ token: String) async throws -> Reply {
        try await ask("POST", "/api/auth/refresh_token", headers: ["Authorization": "Bearer " + token])
    }

    /// A group that a person of `classic` has made of people of `rest`, who are friends of his.
    func restGroup(
        _ owner: String, of others: [RestPerson]
    ) async throws -> (owner: Person, conversation: Int64) {
        let owner = try await person(owner)
        for other in others {
            let request = try await other.apply(to: owner.id)
            let ownerHere = try await restLogIn("userName", owner.name)
            try await ownerHere.data("POST", "/friendship_requests/\(request)")
        }
        let ids = others.map { JSONValue.integer($0.id) }
        let reply = try await owner.ask(
            "PUT", "/conversation/create_conversation", ["friendIds": .array(ids), "conversationName": "G"])
        return (owner, try #require(reply["conversation_id"].integer, "\(reply)"))
    }
}

extension Reply {
    /// Status and text, if this is a whole envelope of `rest`; all of it otherwise.
    var restOutcome: String {
        let names = (json.object?.members ?? []).map(\.name)
        let isWhole = status == 200 ? names == ["code", "message", "data"] : names == ["code", "message"]
        return isWhole && json["code"] == .integer(Int64(status)) ? "\(status) \(json["message"].text)" : description
    }
}

extension WebSocketClient {
    /// The content of the next push, which has to be of a type; those of types to skip may come first.
    func nextData(
        _ type: String, skipping skipped: Set<String> = [], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        var push = try await nextPush()
        while skipped.contains(push["type"].text) { push = try await nextPush() }
        #expect(push["type"].text == type, "\(push.text)", sourceLocation: sourceLocation)
        #expect(push.object?.members.map(\.name) == ["type", "data"], sourceLocation: sourceLocation)
        return push["data"]
    }
}

/// Lets everyone ask at once, each on a connection of his own.
func atOnce(_ count: Int, _ ask: @escaping @Sendable (Int) async throws -> Reply) async throws -> [String] {
    try await withThrowingTaskGroup(of: Reply.self) { group in
        for index in 0..<count { group.addTask { try await ask(index) } }
        return try await group.reduce(into: []) { $0.append($1.restOutcome) }
    }.sorted()
}
