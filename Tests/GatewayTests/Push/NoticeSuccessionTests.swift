import Dispatch
import Shared
import TestSupport
import Testing

@testable import Gateway

/// A notice connection takes another one's place when it is really open, and not before.
@Suite(.timeLimit(.minutes(5))) struct NoticeSuccessionTests {
    private func handshake(_ user: SocketUser) -> String {
        """
        GET /ws/notice?since=live HTTP/1.1\r
        Host: localhost\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Cookie: \(user.cookies)\r
        \r

        """
    }

    @Test(arguments: [1, 2]) func `a client that gives up during the handshake sends nobody away`(
        gateways: Int
    ) async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let port = gateways == 1 ? site.port : try await site.startGateway()
            let socket = try await users[1].listen("?since=live")
            for round in 0..<40 {
                let client = HTTPClient(port: port)
                try await client.send(raw: handshake(users[1]))
                client.close()
                try await users[0].send("\(round)", to: users[1])
                #expect(try await socket.chats(1) == ["\(round)"])
            }
            // Nor later: the last who came is sent away by one who stays.
            let next = try await users[1].listen("?since=live")
            #expect(try await socket.anyNotice()["eventType"] == "forced_logout")
            try await users[0].send("end", to: users[1])
            #expect(try await next.chats(1) == ["end"])
        }
    }

    @Test(arguments: [true, false]) func `the older one stays until the newer one's client has the handshake`(
        arrives: Bool
    ) async throws {
        try await withGateway { site in
            let picture = Picture.png + [UInt8](repeating: 1, count: 60_000)
            try await site.register("Painter", ["picture": .string(picture.base64)])
            let users = try await site.socketFriends("Alice", "Bob")
            let older = try await users[1].listen("?since=live")

            // The answer to the handshake waits behind a picture that the client does not take.
            let queue = DispatchQueue(label: "test.succession")
            let request = "GET /media/pictures/1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + handshake(users[1])
            let port = site.port
            let newer = try await ClientSocket.run(on: queue) {
                let socket = try ClientSocket.connect(port: port)
                socket.limitReceiveBuffer(bytes: 2_048)
                try socket.send(Array(request.utf8))
                return socket
            }
            try await eventually("the gateway has opened it") {
                let metrics = String(decoding: try await site.admin("GET", "/metrics").body, as: UTF8.self)
                return metrics.contains("martlet_push_connections{dialect=\"socket\"} 2")
            }
            try await users[0].send("one", to: users[1])
            #expect(try await older.chats(1) == ["one"])

            guard arrives else {
                newer.close()
                try await users[0].send("two", to: users[1])
                #expect(try await older.chats(1) == ["two"])
                return
            }
            _ = try await ClientSocket.run(on: queue) {
                try newer.take(through: Array("101 Switching Protocols".utf8), until: .now + .seconds(10))
            }
            #expect(try await older.ending() == "4409 another connection")
            try await users[0].send("two", to: users[1])
            _ = try await ClientSocket.run(on: queue) {
                try newer.take(through: Array("\"msg\":\"two\"".utf8), until: .now + .seconds(10))
            }
        }
    }
}
