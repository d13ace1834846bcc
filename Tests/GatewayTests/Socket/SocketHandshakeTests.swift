import AuthService
import Shared
import TestSupport
import Testing

@testable import Gateway

/// Who may open which connection, and how the others are told.
@Suite struct SocketHandshakeTests {
    private static let operations = [
        "/chat/send_msg", "/friend/add", "/friend/add_reply", "/friend/del", "/group/add", "/group/add_reply",
    ]
    private let refused = "1008 Unauthorized request"

    private func connect(
        _ site: Site, _ path: String, _ headers: [String: String] = [:]
    ) async throws -> WebSocketClient {
        try await WebSocketClient.connect(port: site.port, path: path, headers: headers)
    }

    /// `open` when a request is answered there, else the ending.
    private func outcome(_ site: Site, _ path: String, _ headers: [String: String]) async throws -> String {
        let socket = try await connect(site, path, headers)
        defer { socket.cut() }
        try await socket.sendText("{}")
        let frame = try await socket.nextFrame()
        guard frame.opcode == 0x8 else { return "open" }
        return "\(frame.payload.prefix(2).reduce(0) { $0 << 8 | Int($1) }) "
            + String(decoding: frame.payload.dropFirst(2), as: UTF8.self)
    }

    @Test func `every operation answers with and without the prefix, and with a query`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            for path in Self.operations {
                for spelling in ["/ws" + path, path, "/ws\(path)/", "/ws\(path)?a=1&&b="] {
                    let socket = try await alice.open(spelling)
                    #expect(try await socket.ask([:]).sorted == ["code": "9997", "desc": "请求参数错误"], "\(spelling)")
                    socket.cut()
                }
            }
        }
    }

    @Test func `notices come on three paths, with and without the prefix`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            for path in ["/notice/event", "/notice/path", "/notice"] {
                for spelling in ["/ws" + path, path] {
                    let socket = try await users[1].open(spelling + "?since=live")
                    try await users[0].send(spelling, to: users[1])
                    #expect(try await socket.chats(1) == [spelling])
                    socket.cut()
                }
            }
        }
    }

    @Test func `cookies, header and query prove a session`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.socketUser("Bob"))
            let path = "/ws/friend/add"
            #expect(try await outcome(site, path, ["Cookie": alice.cookies]) == "open")
            #expect(try await outcome(site, path, ["Cookie": "a=b; uid=\(alice.id);token=\(alice.token); c"]) == "open")
            #expect(try await outcome(site, path, ["Authorization": alice.token]) == "open")
            #expect(try await outcome(site, path, ["Authorization": "Bearer \(alice.token)"]) == "open")
            #expect(try await outcome(site, path + "?token=\(alice.token)", [:]) == "open")
            // A cookie that is no good any more does not stand in the way.
            #expect(
                try await outcome(site, path + "?token=\(alice.token)", ["Cookie": "token=x; uid=1"]) == "open")

            for cookies in ["token=\(alice.token)", "uid=\(alice.id)", "token=\(alice.token); uid=\(bob.id)"] {
                #expect(try await outcome(site, path, ["Cookie": cookies]) == refused, "\(cookies)")
            }
            #expect(try await outcome(site, path, [:]) == refused)
            #expect(try await outcome(site, path + "?token=x", [:]) == refused)
        }
    }

    @Test func `a session of another dialect opens connections too`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            #expect(try await outcome(site, "/ws/friend/add?token=\(alice.token)", [:]) == "open")
        }
    }

    @Test func `cookies count for pages of the same host and of listed origins only`() async throws {
        try await withGateway {
            $0.gateway.allowedOrigins = [try #require(WebOrigin("https://chat.example.com"))]
        } _: { site in
            let alice = try await site.socketUser("Alice")
            let path = "/ws/chat/send_msg"
            for origin in [
                "http://localhost", "https://localhost", "http://LOCALHOST:80", "https://chat.example.com",
                "HTTPS://chat.example.com:443",
            ] {
                let headers = ["Cookie": alice.cookies, "Origin": origin]
                #expect(try await outcome(site, path, headers) == "open", "\(origin)")
            }
            for origin in [
                "https://evil.example.com", "http://chat.example.com", "https://chat.example.com:8443", "null", "",
                "http://localhost.evil.com", "http://localhost:8080", "file://", "http://evil.com/localhost",
            ] {
                let headers = ["Cookie": alice.cookies, "Origin": origin]
                #expect(try await outcome(site, path, headers) == refused, "\(origin)")
                // What no browser adds by itself counts whatever the page.
                #expect(try await outcome(site, path + "?token=\(alice.token)", headers) == "open", "\(origin)")
            }
        }
    }

    @Test func `a page of the same host is foreign when the proxy names another scheme`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            for (scheme, own, foreign) in [
                ("https", "https://localhost", "http://localhost"), ("http", "http://localhost", "https://localhost"),
                // What a chain of proxies and one that names the protocol of the handshake say.
                ("HTTPS, http", "https://localhost:443", "http://localhost:80"),
                ("wss", "https://localhost", "http://localhost"), ("ws", "http://localhost", "https://localhost"),
            ] {
                for (origin, expected) in [(own, "open"), (foreign, refused)] {
                    let headers = ["Cookie": alice.cookies, "Origin": origin, "X-Forwarded-Proto": scheme]
                    #expect(try await outcome(site, "/ws/friend/add", headers) == expected, "\(scheme) \(origin)")
                }
            }
        }
    }

    @Test func `paths that nobody knows and strangers are closed after the handshake`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            for path in ["/ws/nope", "/nope", "/ws/chat", "/api/nope"] {
                #expect(try await connect(site, path, ["Cookie": alice.cookies]).ending() == refused, "\(path)")
            }
            for path in Self.operations + ["/ws/notice/event", "/ws/notice"] {
                #expect(try await connect(site, path).ending() == refused, "\(path)")
                #expect(try await connect(site, path, ["Authorization": "x"]).ending() == refused, "\(path)")
            }
        }
    }

    @Test func `without a handshake the paths say what they are, in the dialect's envelope`() async throws {
        try await withGateway { site in
            for path in Self.operations + ["/notice/event", "/notice/path"] {
                for path in [path, "/ws" + path] {
                    let reply = try await site.ask("GET", path)
                    #expect(reply.status == 426 && reply.json == ["message": "WebSocket expected"], "\(path)")
                    #expect(reply.headers["upgrade"] == "websocket")
                    let wrong = try await site.ask("POST", path)
                    #expect(wrong.status == 405 && wrong.json == ["message": "method not allowed"], "\(path)")
                }
            }
            let since = try await site.ask("GET", "/ws/notice?since=x")
            #expect(since.status == 400 && since.json == ["message": "bad parameter: since"])
            let unknown = try await site.ask("GET", "/ws/nope")
            #expect(unknown.status == 404 && unknown.json == ["message": "not found"])
        }
    }

    @Test func `while nobody can judge tokens a connection is to be tried again`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let alice = try await site.socketUser("Alice")
            await site.stop(.auth)
            let port = try await site.startGateway(waits: false)
            for path in ["/ws/chat/send_msg", "/ws/notice/event"] {
                #expect(try await alice.at(port).open(path).ending() == "1013 try again later")
            }
        }
    }

    // MARK: - The end of a session

    @Test func `log-out closes every connection of the session at once, busy or idle`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let other = try await site.logInBySocket("Alice")
            let second = try await site.startGateway()
            let sockets = [
                try await alice.open("/ws/chat/send_msg"), try await alice.open("/friend/add"),
                try await alice.at(second).open("/ws/group/add"), try await alice.listen(),
            ]
            let stays = try await other.open("/ws/chat/send_msg")
            _ = try await sockets[0].ask([:])
            #expect(try await alice.http("POST", "/api/logout").status == 200)
            for socket in sockets { #expect(try await socket.ending() == refused) }
            #expect(try await alice.open("/ws/friend/add").ending() == refused)
            #expect(try await stays.ask([:])["code"] == "9997")
        }
    }

    @Test func `a log-out in another dialect closes request connections too`() async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice")
            let socket = try await connect(site, "/ws/chat/send_msg?token=\(alice.token)")
            #expect(try await alice.ask("POST", "/user/logout").status == 200)
            #expect(try await socket.ending() == refused)
        }
    }

    @Test func `request connections end when the token expires`() async throws {
        try await withGateway {
            $0.auth.tokenLifetimes.socketSeconds = 2
        } _: { site in
            let alice = try await site.socketUser("Alice")
            let sockets = [try await alice.open("/ws/chat/send_msg"), try await alice.listen()]
            for socket in sockets { #expect(try await socket.ending() == refused) }
        }
    }

    @Test func `who opens notice connections too often is to try again later`() async throws {
        try await withGateway {
            $0.gateway.limitsRates = true
        } _: { site in
            let (alice, bob) = (try await site.socketUser("Alice"), try await site.socketUser("Bob"))
            /// `nil` when the connection stays.
            func ending(_ user: SocketUser) async throws -> String? {
                let socket = try await user.listen("?since=live")
                defer { socket.cut() }
                try await socket.sendFrame(opcode: 9)
                let frame = try await socket.nextFrame()
                if frame.opcode == 10 { return nil }
                return "\(frame.payload.prefix(2).reduce(0) { $0 << 8 | Int($1) }) "
                    + String(decoding: frame.payload.dropFirst(2), as: UTF8.self)
            }
            var opened = 0
            var end = try await ending(alice)
            while end == nil, opened < 60 {
                opened += 1
                end = try await ending(alice)
            }
            #expect(opened >= 10)
            #expect(end == "1013 try again later")
            #expect(try await ending(bob) == nil)
            #expect(try await outcome(site, "/ws/friend/add", ["Cookie": alice.cookies]) == "open")
        }
    }

    @Test func `of one account's request connections no more than allowed stay`() async throws {
        try await withGateway { site in
            let alice = try await site.socketUser("Alice")
            let devices = [alice, try await site.logInBySocket("Alice")]
            var sockets: [WebSocketClient] = []
            for index in 0..<PushHub.maxGuestsPerAccount {
                sockets.append(try await devices[index % 2].open("/ws/friend/del"))
            }
            #expect(try await alice.open("/ws/friend/del").ending() == "1013 too many connections")
            #expect(try await sockets[0].ask([:])["code"] == "9997")
            sockets[0].cut()
            try await eventually("there is room again") {
                try await outcome(site, "/friend/del", ["Cookie": alice.cookies]) == "open"
            }
        }
    }
}
