import Synchronization
import TestSupport
import Testing

/// A person with an app that speaks `rest`.
struct RestApp: Sendable {
    let id: Int64
    let token: String
    private let http: HTTPClient

    static func signUp(_ name: String, phone: String, port: Int) async throws -> RestApp {
        let http = HTTPClient(port: port)
        let person: JSON = ["name": .string(name), "password": "secret123", "phone_number": .string(phone)]
        let account = try await data(of: http, "POST", "/api/register", person, token: nil)
        let login = try await data(of: http, "POST", "/api/login/phone_number", person, token: nil)
        return RestApp(
            id: try #require(account["id"]?.integer),
            token: try #require(login["token_class"]?["token"]?.string), http: http)
    }

    /// The `data` of a call that must succeed.
    func succeed(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        try await Self.data(of: http, method, path, body, token: token)
    }

    private static func data(
        of http: HTTPClient, _ method: String, _ path: String, _ body: JSON?, token: String?
    ) async throws -> JSON {
        let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
        let response = try await http.request(method, path, headers: headers, body: try body?.bytes ?? [])
        let answer = try JSON(response.body)
        return try #require(answer["code"] == 200 ? answer["data"] : nil, "\(method) \(path): \(answer)")
    }
}

/// A person with an app that speaks `socket`.
struct SocketApp: Sendable {
    let id: Int64
    private let cookies: String
    private let port: Int

    static func signUp(_ name: String, port: Int) async throws -> SocketApp {
        let http = HTTPClient(port: port)
        let person: JSON = ["username": .string(name), "password": "secret123", "nickname": .string(name)]
        let registration = try await http.request(
            "POST", "/api/registe", headers: [:], body: try person.bytes)
        let id = try #require(try JSON(registration.body)["data"]?["id"]?.string.flatMap { Int64($0) })
        let cookie = try #require(registration.headers["set-cookie"])
        let token = try #require(cookie.firstMatch(of: /token=([^;,]+)/)?.output.1)
        return SocketApp(id: id, cookies: "token=\(token); uid=\(id)", port: port)
    }

    /// Opens a connection, as a browser does it.
    func open(_ path: String, port: Int? = nil) async throws -> WebSocketClient {
        try await WebSocketClient.connect(port: port ?? self.port, path: path, headers: ["Cookie": cookies])
    }

    /// One request on a connection of its own.
    func ask(_ path: String, _ request: JSON) async throws -> JSON {
        let socket = try await open(path)
        defer { socket.cut() }
        try await socket.sendText(String(decoding: try request.bytes, as: UTF8.self))
        return try JSON(Array(try await socket.nextText().utf8))
    }
}

/// The pushes of a connection, looked up by what they are: several services tell, and their order among them is free.
final class Pushes: Sendable {
    let socket: WebSocketClient
    private let passed = Mutex<[JSON]>([])

    init(_ socket: WebSocketClient) { self.socket = socket }

    /// The first push not taken yet whose field has a value, and of which something else holds.
    @discardableResult
    func next(
        _ field: String, _ value: JSON, where isWanted: @escaping (JSON) -> Bool = { _ in true }
    ) async throws -> JSON {
        let isNext = { (push: JSON) in push[field] == value && isWanted(push) }
        let early = passed.withLock { passed in passed.firstIndex(where: isNext).map { passed.remove(at: $0) } }
        if let early { return early }
        while true {
            let push = try JSON(Array(try await socket.nextText().utf8))
            if isNext(push) { return push }
            passed.withLock { $0.append(push) }
        }
    }

    /// What came and was not taken.
    var rest: [JSON] { passed.withLock { $0 } }
}
