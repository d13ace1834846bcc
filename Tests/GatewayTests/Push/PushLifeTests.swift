import AuthService
import TestSupport
import Testing

@testable import Gateway

/// How push connections end.
@Suite struct PushLifeTests {
    @Test func `logout closes the session's sockets at once with 4401`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let sockets = [try await alice.listen(), try await alice.listen()]
            let other = try await bob.listen()
            #expect(try await alice.ask("POST", "/user/logout").status == 200)
            for socket in sockets { #expect(try await socket.end(within: .seconds(1)) == 4401) }

            try await bob.send("hello", to: conversation)
            #expect(try await other.nextMessageIDs(1) == [2])
        }
    }

    @Test func `a socket ends with 4401 when its token expires`() async throws {
        try await withGateway {
            $0.auth.tokenLifetimes.classicSeconds = 2
        } _: { site in
            let alice = try await site.person("Alice")
            let socket = try await alice.listen()
            #expect(try await socket.end(within: .seconds(4)) == 4401)
        }
    }

    @Test func `one socket more than allowed closes the oldest`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let other = try await bob.listen()
            var sockets: [WebSocketClient] = []
            for _ in 0..<10 { sockets.append(try await alice.listen()) }
            for socket in sockets.prefix(2) { #expect(try await socket.end() == 1013) }

            try await bob.send("hello", to: conversation)
            for socket in sockets.dropFirst(2) + [other] { #expect(try await socket.nextMessageIDs(1) == [2]) }
        }
    }

    @Test func `of sockets opened at once no more than allowed stay`() async throws {
        try await withGateway {
            $0.gateway.maxConnectionsPerAccount = 3
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            let sockets = try await withThrowingTaskGroup(of: WebSocketClient.self) { group in
                for _ in 0..<20 { group.addTask { try await alice.listen() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // A message, and the end for those that stayed: what each socket heard tells how many they were.
            try await bob.send("hello", to: conversation)
            #expect(try await alice.ask("POST", "/user/logout").status == 200)
            var codes: [UInt16?] = []
            for socket in sockets { codes.append(try await socket.end()) }
            #expect(codes.filter { $0 == 1013 }.count == 17)
            #expect(codes.filter { $0 == 4401 }.count == 3)
        }
    }

    @Test func `a reader too slow for live messages is cut with 4408, and since brings the rest`() async throws {
        try await withGateway {
            $0.gateway.server.webSocket.maxQueuedBytes = 64 << 10
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            let slow = try await bob.listen(receiveBufferBytes: 4_096)
            let text = String(repeating: "x", count: 10_000)
            // More than the queue and both kernel buffers hold.
            try await alice.sendAll([String](repeating: text, count: 600), to: conversation)

            var heard: [Int64] = []
            let end = await #expect(throws: ClientError.self) {
                while true { heard += try await slow.nextMessageIDs(1) }
            }
            #expect(end == .webSocketClosed(code: 4408) || end == .closed)
            #expect(heard == Array(2..<Int64(heard.count) + 2))
            #expect(heard.count < 600)
            let resumed = try await bob.listen("?since=\(heard.last ?? 1)")
            #expect(try await resumed.nextMessageIDs(600 - heard.count) == Array((heard.last ?? 1) + 1...601))
        }
    }
}
