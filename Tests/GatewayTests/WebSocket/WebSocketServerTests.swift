import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite struct WebSocketServerTests {
    /// Accepts `/echo`, which echoes, and `/push`, which hands its connection to the test.
    private func application(
        connected: Signal<WebSocketConnection> = Signal(), closed: Signal<WebSocketCloseCode?> = Signal()
    ) -> TestApplication {
        TestApplication(
            respond: { _ in HTTPResponse(status: .unauthorized, body: ByteBuffer(string: "{}")) },
            upgrade: { request in
                switch request.path {
                case "/echo":
                    return .accept { connection in
                        connection.onText = { [unowned connection] in connection.send(WebSocketFrameBytes(text: $0)) }
                        connection.onClose = { closed.set($0) }
                    }
                case "/push":
                    return .accept { connection in
                        connection.onClose = { closed.set($0) }
                        connected.set(connection)
                    }
                default: return .respond
                }
            })
    }

    @Test func `a handshake is accepted and messages are echoed`() async throws {
        try await withEdge(application()) { port, server in
            let client = try await WebSocketClient.connect(
                port: port, path: "/echo?token=x",
                headers: ["X-Request-Id": "hello", "Sec-WebSocket-Extensions": "permessage-deflate"])
            #expect(client.handshakeHeaders["x-request-id"] == "hello")
            #expect(client.handshakeHeaders["sec-websocket-extensions"] == nil)
            for text in ["a", "", "é😀", String(repeating: "x", count: 65_536)] {
                try await client.sendText(text)
                #expect(try await client.nextText() == text)
            }
            #expect(try await server.connectionCount() == 1)
        }
    }

    @Test func `frames sent along with the handshake are not lost`() async throws {
        try await withEdge(application()) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: Array(
                    """
                    GET /echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                    """.utf8) + WebSocketClient.encode(opcode: 1, payload: [97])
                    + WebSocketClient.encode(opcode: 8, payload: [3, 0xE8]))
            #expect(try await client.response(includingInterim: true).status == 101)
            #expect(try await client.end(within: patience) == [0x81, 1, 97, 0x88, 2, 3, 0xE8])
        }
    }

    @Test func `a connection that was used for requests can become a WebSocket`() async throws {
        try await withEdge(application()) { port, _ in
            let client = HTTPClient(port: port)
            #expect(try await client.request("GET", "/x").status == 401)
            let answer = try await client.requestUpgrade("/echo")
            #expect(answer.status == 101)
        }
    }

    @Test func `a handshake the application does not want is answered by it`() async throws {
        try await withEdge(application()) { port, _ in
            await #expect(throws: ClientError.refused(status: 401, body: Array("{}".utf8))) {
                _ = try await WebSocketClient.connect(port: port, path: "/other")
            }
        }
    }

    @Test(arguments: [
        ("Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 426),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 426),
        ("Sec-WebSocket-Version: 13", 400),
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short", 400),
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25!ZQ==", 400),
        (
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            400
        ),
    ]) func `a handshake against the rules is refused`(headers: String, status: Int) async throws {
        try await withEdge(application()) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\(headers)\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == status)
            #expect(status != 426 || response.headers["sec-websocket-version"] == "13")
        }
    }

    @Test func `a violation is told and then the connection ends`() async throws {
        let closed = Signal<WebSocketCloseCode?>()
        try await withEdge(application(closed: closed)) { port, _ in
            let client = try await WebSocketClient.connect(port: port, path: "/echo")
            try await client.sendFrame(opcode: 1, payload: [0xFF])
            #expect(try await client.end(within: patience) == 1007)
            #expect(await closed.value == 1007)
        }
    }

    @Test func `a client that vanishes is noticed`() async throws {
        let closed = Signal<WebSocketCloseCode?>()
        try await withEdge(application(closed: closed)) { port, server in
            let client = try await WebSocketClient.connect(port: port, path: "/echo")
            client.cut()
            #expect(await closed.value == nil)
            try await eventually("it is gone") { try await server.connectionCount() == 0 }
        }
    }

    @Test func `a slow reader is cut with its code while others are not disturbed`() async throws {
        let connected = Signal<WebSocketConnection>()
        let closed = Signal<WebSocketCloseCode?>()
        let limits = HTTPServerConfiguration.limits { limits in
            limits.webSocket.closeTimeout = .milliseconds(50)
            limits.webSocket.overflowCloseCode = 4013
        }

        try await withEdge(application(connected: connected, closed: closed), limits: limits) { port, server in
            let slow = try await WebSocketClient.connect(port: port, path: "/push", receiveBufferBytes: 4096)
            let other = try await WebSocketClient.connect(port: port, path: "/echo")
            let connection = await connected.value
            let frame = WebSocketFrameBytes(text: ByteBuffer(repeating: 97, count: 32_768))

            // The slow client does not read; sending goes on until the kernel and then the queue is full.
            var isOpen = true
            var sent = 0
            while isOpen {
                isOpen = try await connection.eventLoop.submit { connection.send(frame) }.get()
                sent += 1
                try await other.sendText("\(sent)")
                #expect(try await other.nextText() == "\(sent)")
            }
            #expect(await closed.value == 4013)
            #expect(sent >= 32)
            try await eventually("the slow one is gone") { try await server.connectionCount() == 1 }
            try await other.sendText("still here")
            #expect(try await other.nextText() == "still here")
            _ = slow
        }
    }

    @Test func `a slow reader that wakes up in time reads its close code`() async throws {
        let connected = Signal<WebSocketConnection>()
        try await withEdge(application(connected: connected)) { port, _ in
            let slow = try await WebSocketClient.connect(port: port, path: "/push")
            let connection = await connected.value
            let frame = WebSocketFrameBytes(text: ByteBuffer(repeating: 97, count: 32_768))
            while try await connection.eventLoop.submit({ connection.send(frame) }).get() {}

            #expect(try await slow.end(within: patience) == 1013)
        }
    }

    @Test func `a slow reader is told so before what it has not read`() async throws {
        let connected = Signal<WebSocketConnection>()
        try await withEdge(application(connected: connected)) { port, _ in
            let slow = try await WebSocketClient.connect(port: port, path: "/push", receiveBufferBytes: 65_536)
            let connection = await connected.value
            let frame = WebSocketFrameBytes(text: ByteBuffer(repeating: 97, count: 4_000))
            while try await connection.eventLoop.submit({ connection.send(frame) }).get() {}

            var frames = 0
            while try await slow.nextFrame().opcode != 8 { frames += 1 }
            #expect(slow.closeCode == 1013)
            // What the kernels and the channel had taken, and nothing of the megabyte behind it.
            #expect(frames * 4_000 < 500_000)
        }
    }

    @Test(arguments: SeededGenerator.seeds(1), [true, false])
    func `frames of any size reach a slow reader whole and in order, and its close comes behind them`(
        seed: UInt64, writesPastChannel: Bool
    ) async throws {
        let connected = Signal<WebSocketConnection>()
        let limits = HTTPServerConfiguration.limits { $0.webSocket.writesPastChannel = writesPastChannel }
        try await withEdge(application(connected: connected), limits: limits) { port, _ in
            let slow = try await WebSocketClient.connect(port: port, path: "/push", receiveBufferBytes: 65_536)
            let connection = await connected.value
            var random = SeededGenerator(seed: seed)
            var number = 0
            for round in 1...3 {
                // One frame in a tick, each of them short enough to go straight to the socket, until the kernel takes no more.
                var unread: [String] = []
                var isQueued = false
                while !isQueued {
                    number += 1
                    let length = Int.random(in: 0...12_000, using: &random)
                    let text = "\(number)" + String(repeating: "x", count: length)
                    unread.append(text)
                    let isSent = try await connection.eventLoop.submit {
                        connection.send(WebSocketFrameBytes(text: text))
                    }.get()
                    try #require(isSent)
                    isQueued = try await connection.eventLoop.submit { connection.queued.bytes > 0 }.get()
                }
                let (queued, delivered) = try await connection.eventLoop.submit {
                    (connection.queuedBytes, connection.deliveredBytes)
                }.get()
                #expect(delivered < queued)
                if round == 3 { try await connection.eventLoop.submit { connection.close(code: 4000) }.get() }
                for text in unread {
                    let isRight = try await slow.nextText() == text
                    try #require(isRight)
                }
            }
            #expect(try await slow.end(within: patience) == 4000)
        }
    }

    @Test(arguments: [true, false]) func `one frame reaches many, in order`(writesPastChannel: Bool) async throws {
        let connections = Mutex<[WebSocketConnection]>([])
        let application = TestApplication(upgrade: { _ in
            .accept { connection in connections.withLock { $0.append(connection) } }
        })
        let limits = HTTPServerConfiguration.limits { $0.webSocket.writesPastChannel = writesPastChannel }

        try await withEdge(application, limits: limits) { port, server in
            var clients: [WebSocketClient] = []
            for _ in 0..<30 { clients.append(try await WebSocketClient.connect(port: port, path: "/")) }
            try await eventually("all are connected") { connections.withLock { $0.count } == 30 }
            try await server.eventLoop.submit {
                for number in 0..<20 {
                    let frame = WebSocketFrameBytes(text: "\(number)")
                    for connection in connections.withLock({ $0 }) { connection.send(frame) }
                }
            }.get()
            for client in clients {
                for number in 0..<20 { #expect(try await client.nextText() == "\(number)") }
            }
        }
    }

    @Test func `pausing stops delivery until reading is resumed`() async throws {
        let connected = Signal<WebSocketConnection>()
        let texts = Mutex<[String]>([])
        let last = Signal<Void>()
        let application = TestApplication(upgrade: { _ in
            .accept { connection in
                connection.pauseReading()
                connection.onText = { text in
                    let text = String(buffer: text)
                    texts.withLock { $0.append(text) }
                    if text == "last" { last.set(()) }
                }
                connected.set(connection)
            }
        })

        try await withEdge(application) { port, _ in
            let client = try await WebSocketClient.connect(port: port, path: "/")
            for number in 0..<100 { try await client.sendText("\(number)") }
            try await client.sendText("last")
            let connection = await connected.value
            #expect(texts.withLock { $0.isEmpty })
            try await connection.eventLoop.submit { connection.resumeReading() }.get()
            await last.value
            #expect(texts.withLock { $0 } == (0..<100).map { "\($0)" } + ["last"])
        }
    }

    @Test func `draining closes with 1001`() async throws {
        let closed = Signal<WebSocketCloseCode?>()
        try await withEdge(application(closed: closed)) { port, server in
            let client = try await WebSocketClient.connect(port: port, path: "/echo")
            async let drained: Void = server.drain(within: patience)
            #expect(try await client.end(within: patience) == 1001)
            #expect(await closed.value == 1001)
            await drained
        }
    }

    @Test func `a connection that does not finish within the limit of a stop is cut`() async throws {
        let application = TestApplication(upgrade: { _ in .accept { $0.onEnding = { _ in } } })
        try await withEdge(application) { port, server in
            let client = try await WebSocketClient.connect(port: port, path: "/")
            await server.drain(within: .milliseconds(10))
            #expect(try await client.end(within: patience) == nil)
        }
    }

    @Test func `a client that ignores the close is cut after the limit`() async throws {
        try await withEdge(application(), limits: .limits { $0.webSocket.closeTimeout = .milliseconds(30) }) {
            port, server in
            let client = try await WebSocketClient.connect(port: port, path: "/echo")
            await server.drain(within: patience)
            #expect(try await client.end(within: patience) == 1001)
        }
    }

    @Test func `a WebSocket takes a place among the connections`() async throws {
        try await withEdge(application(), limits: .limits { $0.maxConnections = 1 }) { port, _ in
            let client = try await WebSocketClient.connect(port: port, path: "/echo")
            let response = try await HTTPClient(port: port).request("GET", "/")
            #expect(response.status == 503)
            try await client.sendText("a")
            #expect(try await client.nextText() == "a")
        }
    }

    @Test func `tasks on the server's executor may use a connection`() async throws {
        let connected = Signal<WebSocketConnection>()
        try await withEdge(application(connected: connected)) { port, server in
            let client = try await WebSocketClient.connect(port: port, path: "/push")
            let connection = await connected.value
            await Task(executorPreference: server.executor) {
                await Task.yield()
                _ = connection.send(WebSocketFrameBytes(text: "from a task"))
            }.value
            #expect(try await client.nextText() == "from a task")
        }
    }
}
