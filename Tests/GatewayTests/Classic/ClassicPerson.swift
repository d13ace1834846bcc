import NIOCore
import Shared
import TestSupport
import Testing

@testable import Gateway

/// A person with an app that speaks `classic`, on one keep-alive connection.
struct Person: Sendable {
    static let password = "123456"

    let site: Site
    let name: String
    let id: Int64
    let token: String
    let http: HTTPClient

    /// Sends a request with the person's token.
    func ask(
        _ method: String, _ path: String, _ body: JSONValue? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        var headers = headers
        headers["Authorization"] = headers["Authorization"] ?? token
        return try await Reply(http.request(method, path, headers: headers, body: body?.text ?? ""))
    }

    /// The same person with another connection, for requests at the same time.
    var again: Person { Person(site: site, name: name, id: id, token: token, http: HTTPClient(port: site.port)) }

    @discardableResult
    func send(
        _ text: String, to conversation: Int64, replyTo: Int64 = -1, clientID: String? = nil
    ) async throws -> Int64 {
        var body: JSONObject = [
            "conversationId": .integer(conversation), "message": .string(text), "replyId": .integer(replyTo),
        ]
        if let clientID { body.append("clientMessageId", .string(clientID)) }
        let reply = try await ask("PUT", "/message/send_message", .object(body))
        return try #require(reply["message_id"].integer, "\(reply)")
    }

    func apply(to name: String, message: String? = nil) async throws -> Reply {
        var body: JSONObject = ["applyUserName": .string(name)]
        if let message { body.append("message", .string(message)) }
        return try await ask("POST", "/friend/apply_friend", .object(body))
    }

    func decide(on applicant: Person, agree: JSONValue = "True") async throws -> Reply {
        try await ask(
            "POST", "/friend/handel_apply", ["senderUserId": .string("\(applicant.id)"), "agree": agree])
    }

    /// The texts `pull_user_chain` hands out.
    func pullTexts(_ query: String = "") async throws -> [String] {
        try await ask("GET", "/message/pull_user_chain" + query)["user_chat_chain"].items.map { $0["message"].text }
    }

    /// The texts of a conversation, oldest first.
    func texts(of conversation: Int64) async throws -> [String] {
        try await ask("GET", "/conversation/pull_conversation_chain?conversationId=\(conversation)")[
            "conversation_chain"
        ]
        .items.map { $0["message"].string ?? "" }
    }

    /// Opens a push connection.
    func listen(_ query: String = "", receiveBufferBytes: Int32? = nil) async throws -> WebSocketClient {
        try await WebSocketClient.connect(
            port: site.port, path: "/ws/" + query, headers: ["Authorization": token],
            receiveBufferBytes: receiveBufferBytes)
    }
}

extension Site {
    /// Sends a request without a token.
    func ask(
        _ method: String, _ path: String, _ body: JSONValue? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        try await Reply(HTTPClient(port: port).request(method, path, headers: headers, body: body?.text ?? ""))
    }

    @discardableResult
    func register(_ name: String, _ changes: JSONObject = [:]) async throws -> Reply {
        var body: JSONObject = [
            "userName": .string(name), "password": .string(Person.password),
            "ensurePassword": .string(Person.password), "phoneNumber": "13243218765", "email": "12345678@qq.com",
            "picture": "",
        ]
        for member in changes.members { body.append(member.name, member.value) }
        return try await ask("PUT", "/user/register", .object(body))
    }

    func logIn(_ name: String) async throws -> Person {
        let http = HTTPClient(port: port)
        let body: JSONValue = ["userName": .string(name), "password": .string(Person.password)]
        let reply = try await Reply(http.request("POST", "/user/login", body: body.text))
        return Person(
            site: self, name: name, id: try #require(reply["userId"].integer, "\(reply)"),
            token: try #require(reply["token"].string), http: http)
    }

    /// Registers an account and logs in.
    func person(_ name: String, picture: String = "") async throws -> Person {
        #expect(try await register(name, ["picture": .string(picture)]).outcome == "200 0 Succeed")
        return try await logIn(name)
    }

    /// Two friends; `second` has accepted the application of `first`, so that the greeting is his.
    func friends(
        _ first: String = "Alice", _ second: String = "Bob"
    ) async throws -> (Person, Person, conversation: Int64) {
        let (first, second) = (try await person(first), try await person(second))
        return (first, second, try await befriend(first, second))
    }

    func befriend(_ applicant: Person, _ accepter: Person) async throws -> Int64 {
        #expect(try await applicant.apply(to: accepter.name).outcome == "200 0 Succeed")
        let reply = try await accepter.decide(on: applicant)
        return try #require(reply["conversation_id"].string.flatMap { Int64($0) }, "\(reply)")
    }
}

/// An answer as a test looks at it.
struct Reply: Sendable, CustomStringConvertible {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]
    /// `null` when the body is no JSON.
    let json: JSONValue
    private let text: String

    init(_ response: HTTPClient.Response) {
        status = response.status
        headers = response.headers
        text = String(decoding: response.body, as: UTF8.self)
        json = (try? JSONValue(parsing: ByteBuffer(bytes: response.body))) ?? .null
    }

    subscript(name: String) -> JSONValue { json[name] }

    /// Status, code, text and the names of further fields: what there is to say about an answer without content.
    var outcome: String {
        let further = (json.object?.members ?? []).map(\.name).filter { $0 != "code" && $0 != "info" }.sorted()
        return ([status.description, json["code"].text, json["info"].text] + further.map { "+" + $0 })
            .joined(separator: " ")
    }

    var description: String { "\(status) \(text.prefix(600))" }
}

extension JSONValue {
    /// A member of an object; `null` when there is none, which no member of ours ever is.
    subscript(name: String) -> JSONValue { object?[name] ?? .null }

    subscript(position: Int) -> JSONValue {
        let items = items
        return items.indices.contains(position) ? items[position] : .null
    }

    var items: [JSONValue] { array ?? [] }

    /// The value of a string, any other value as JSON.
    var text: String {
        if let string { return string }
        var writer = JSONWriter()
        writer.value(self)
        return String(buffer: writer.bytes)
    }

    /// Members in the order of their names, all the way down: two answers with the same content are equal.
    var sorted: JSONValue {
        switch self {
        case .array(let items): .array(items.map(\.sorted))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.map { JSONObject.Member(name: $0.name, value: $0.value.sorted) }
                        .sorted { $0.name < $1.name }))
        default: self
        }
    }

    /// Names and types alone: `{"code":"integer","list":[{"name":"text"}]}`. A list shows each form of its items once.
    var shape: JSONValue {
        switch self {
        case .null: return "null"
        case .bool: return "truth"
        case .integer: return "integer"
        case .number: return "float"
        case .string: return "text"
        case .array(let items):
            var shapes: [JSONValue] = []
            for shape in items.map(\.shape) where !shapes.contains(shape) { shapes.append(shape) }
            return .array(shapes)
        case .object(let object):
            let members = object.members.map { JSONObject.Member(name: $0.name, value: $0.value.shape) }
            return .object(JSONObject(members)).sorted
        }
    }

    init(_ text: String) throws { try self.init(parsing: ByteBuffer(string: text)) }
}

extension WebSocketClient {
    /// The next push.
    func nextPush(within limit: Duration = .seconds(10)) async throws -> JSONValue {
        try JSONValue(await nextText(within: limit))
    }
}
