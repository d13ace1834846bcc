import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import Gateway

@Suite struct WebSocketHandlerTests {
    // MARK: Receiving

    @Test func `a message is delivered however the bytes are cut`() throws {
        let fixture = try WebSocketHandlerFixture()
        let long = String(repeating: "é", count: 40_000 / 2)
        let bytes =
            WebSocketClient.encode(opcode: 1, payload: Array("hello".utf8))
            + WebSocketClient.encode(opcode: 1, payload: Array(long.utf8))
            + WebSocketClient.encode(opcode: 1, payload: [])

        for byte in bytes[..<1000] { try fixture.receive([byte]) }
        try fixture.receive(Array(bytes[1000...]))

        #expect(fixture.texts == ["hello", long, ""])
    }

    @Test func `control frames may stand between fragments`() throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(opcode: 1, "a", isFinal: false)
        try fixture.receive(opcode: 9, "ping")
        try fixture.receive(opcode: 0, "", isFinal: false)
        try fixture.receive(opcode: 10, "pong")
        try fixture.receive(opcode: 0, "b")

        #expect(fixture.texts == ["ab"])
        #expect(try fixture.written() == [0x8A, 4] + Array("ping".utf8))
        #expect(fixture.connection.isOpen)
    }

    @Test func `of many pings at once the latest is answered, and a client that reads stays`() throws {
        let fixture = try WebSocketHandlerFixture()
        let pings = (1...20_000).flatMap { WebSocketClient.encode(opcode: 9, payload: Array("\($0)".utf8)) }

        try fixture.receive(pings + WebSocketClient.encode(opcode: 1, payload: [97]))

        #expect(fixture.connection.isOpen)
        #expect(fixture.texts == ["a"])
        var pongs: [[UInt8]] = []
        while let pong = try fixture.written() { pongs.append(pong) }
        #expect(pongs.last == [0x8A, 5] + Array("20000".utf8))
        // One for what is read in a turn at most.
        #expect(pongs.count < 1_000)
        try fixture.receive(opcode: 9, "next")
        #expect(try fixture.written() == [0x8A, 4] + Array("next".utf8))
    }

    @Test func `a ping before a close is not answered behind it`() throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(
            WebSocketClient.encode(opcode: 9, payload: [1]) + WebSocketClient.encode(opcode: 8, payload: [3, 0xE8]))

        #expect(try fixture.written()?.suffix(4) == [0x88, 2, 3, 0xE8])
        #expect(try fixture.written() == nil)
    }

    @Test func `a character may be split between fragments`() throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(WebSocketClient.encode(opcode: 1, payload: [0xF0, 0x9F], isFinal: false))
        try fixture.receive(WebSocketClient.encode(opcode: 0, payload: [0x98, 0x80]))

        #expect(fixture.texts == ["😀"])
    }

    @Test func `binary messages are delivered where they are accepted`() throws {
        let fixture = try WebSocketHandlerFixture()
        var received: [ByteBuffer] = []
        fixture.connection.acceptsBinary = true
        fixture.connection.onBinary = { received.append($0) }

        try fixture.receive(WebSocketClient.encode(opcode: 2, payload: [0xFF, 0]))

        #expect(received == [ByteBuffer(bytes: [0xFF, 0])])
    }

    private static let violations: [(String, [UInt8], UInt16)] = [
        ("not masked", WebSocketClient.encode(opcode: 1, payload: [97], isMasked: false), 1002),
        ("reserved bit 1", WebSocketClient.encode(opcode: 1, payload: [97], reservedBits: 4), 1002),
        ("reserved bit 2", WebSocketClient.encode(opcode: 1, payload: [97], reservedBits: 2), 1002),
        ("reserved bit 3", WebSocketClient.encode(opcode: 9, payload: [], reservedBits: 1), 1002),
        ("reserved data opcode", WebSocketClient.encode(opcode: 3, payload: []), 1002),
        ("reserved control opcode", WebSocketClient.encode(opcode: 11, payload: []), 1002),
        ("fragmented ping", WebSocketClient.encode(opcode: 9, payload: [], isFinal: false), 1002),
        ("long ping", WebSocketClient.encode(opcode: 9, payload: [UInt8](repeating: 0, count: 126)), 1002),
        ("continuation of nothing", WebSocketClient.encode(opcode: 0, payload: [97]), 1002),
        (
            "message inside a message",
            WebSocketClient.encode(opcode: 1, payload: [97], isFinal: false)
                + WebSocketClient.encode(opcode: 1, payload: [97]), 1002
        ),
        ("length not shortest, 16 bits", [0x81, 0xFE, 0, 125], 1002),
        ("length not shortest, 64 bits", [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
        ("negative length", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
        ("close with one byte", WebSocketClient.encode(opcode: 8, payload: [3]), 1002),
        ("close reason not UTF-8", WebSocketClient.encode(opcode: 8, payload: [3, 0xE8, 0xFF]), 1007),
        ("text not UTF-8", WebSocketClient.encode(opcode: 1, payload: [0xC3]), 1007),
        ("surrogate in text", WebSocketClient.encode(opcode: 1, payload: [0xED, 0xA0, 0x80]), 1007),
        (
            "fragments not UTF-8",
            WebSocketClient.encode(opcode: 1, payload: [0xC3], isFinal: false)
                + WebSocketClient.encode(opcode: 0, payload: [0x28]), 1007
        ),
        ("binary", WebSocketClient.encode(opcode: 2, payload: [1]), 1003),
        ("binary fragment", WebSocketClient.encode(opcode: 2, payload: [1], isFinal: false), 1003),
        // The head alone is refused: nothing is collected.
        ("one byte too large", [0x81, 0xFF, 0, 0, 0, 0, 0, 4, 0, 1], 1009),
        ("absurdly large", [0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
        (
            "fragments too large",
            WebSocketClient.encode(opcode: 1, payload: [UInt8](repeating: 97, count: 262_144), isFinal: false)
                + WebSocketClient.encode(opcode: 0, payload: [97]), 1009
        ),
    ]

    @Test(arguments: violations) func `a broken rule ends the connection with its code`(
        rule: String, bytes: [UInt8], code: UInt16
    ) throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(bytes + WebSocketClient.encode(opcode: 1, payload: Array("after".utf8)))

        #expect(try fixture.writtenCloseCode() == code, "\(rule)")
        #expect(fixture.closes == [WebSocketCloseCode(rawValue: code)])
        #expect(fixture.texts.isEmpty)
        #expect(!fixture.connection.send(WebSocketFrameBytes(text: "x")))
        #expect(try fixture.written() == nil)
    }

    @Test func `who is being answered is answered before a broken rule ends the connection`() throws {
        let fixture = try WebSocketHandlerFixture()
        var end: WebSocketEnd?
        fixture.connection.onEnding = { end = $0 }

        try fixture.receive(opcode: 1, "asked")
        try fixture.receive(WebSocketClient.encode(opcode: 2, payload: [1]))
        try fixture.receive(opcode: 1, "late")
        try fixture.receive(opcode: 9, "late")
        #expect(fixture.texts == ["asked"])
        #expect(try fixture.written() == nil && fixture.closes.isEmpty)
        #expect(fixture.connection.send(WebSocketFrameBytes(text: "a")))
        fixture.connection.close(try #require(end))
        fixture.channel.embeddedEventLoop.run()
        #expect(
            try fixture.written() == [0x81, 1, 97, 0x88, 34, 3, 0xEB] + Array("binary messages are not accepted".utf8))
        #expect(fixture.closes == [1003])

        let forgetful = try WebSocketHandlerFixture()
        forgetful.connection.onEnding = { _ in }
        try forgetful.receive(WebSocketClient.encode(opcode: 2, payload: [1]))
        forgetful.advance(.seconds(7))
        #expect(try forgetful.written() == nil)
        forgetful.advance(.seconds(1))
        #expect(try forgetful.writtenCloseCode() == 1003)
        forgetful.advance(.seconds(5))
        #expect(!forgetful.channel.isActive)
    }

    @Test(arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] as [UInt16])
    func `a close code that may not be sent is refused`(code: UInt16) throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(WebSocketClient.encode(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)]))

        #expect(try fixture.writtenCloseCode() == 1002)
    }

    @Test(arguments: [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999] as [UInt16])
    func `a close is answered with its own code and ends the channel`(code: UInt16) throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(
            WebSocketClient.encode(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + Array("bye".utf8)))

        #expect(try fixture.writtenCloseCode() == code)
        #expect(fixture.closes == [WebSocketCloseCode(rawValue: code)])
        #expect(!fixture.channel.isActive)
        #expect(fixture.goneCount == 1)
    }

    @Test func `a close without code is answered without one`() throws {
        let fixture = try WebSocketHandlerFixture()

        try fixture.receive(WebSocketClient.encode(opcode: 8, payload: []))

        #expect(try fixture.written() == [0x88, 0])
        #expect(fixture.closes == [nil])
    }

    @Test func `random frames never trap`() throws {
        for _ in 0..<2000 {
            let fixture = try WebSocketHandlerFixture()
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6) {
                bytes += WebSocketClient.encode(
                    opcode: .random(in: 0...15),
                    payload: (0..<Int.random(in: 0...140)).map { _ in .random(in: 0...255) },
                    isFinal: Int.random(in: 0...3) > 0, reservedBits: Int.random(in: 0...9) == 0 ? 1 : 0)
            }
            for _ in 0..<Int.random(in: 0...2) { bytes[.random(in: bytes.indices)] = .random(in: 0...255) }
            try fixture.receive(bytes)
        }
    }

    // MARK: Back-pressure inward

    @Test func `while reading is paused nothing is delivered or read, and afterwards everything`() throws {
        let fixture = try WebSocketHandlerFixture()
        fixture.connection.onText = { [unowned fixture] in
            fixture.connection.pauseReading()
            #expect(String(buffer: $0) == "1")
        }
        let all = ["1", "2", "3"].flatMap { WebSocketClient.encode(opcode: 1, payload: Array($0.utf8)) }
        try fixture.receive(all)

        fixture.advance(.seconds(1000))
        #expect(fixture.connection.isOpen)

        var later: [String] = []
        fixture.connection.onText = { later.append(String(buffer: $0)) }
        fixture.connection.resumeReading()
        #expect(later.isEmpty)
        fixture.channel.embeddedEventLoop.run()
        #expect(later == ["2", "3"])
        fixture.advance(.seconds(1))
        #expect(fixture.connection.isOpen)
    }

    // MARK: Sending

    @Test func `frames of one tick are written together`() throws {
        let fixture = try WebSocketHandlerFixture()
        let frame = WebSocketFrameBytes(text: "hi")

        #expect(fixture.connection.send(frame) && fixture.connection.send(frame))
        #expect(try fixture.written() == nil)
        #expect(fixture.connection.queued == (8, 2))
        fixture.channel.embeddedEventLoop.run()
        #expect(try fixture.written() == [0x81, 2, 104, 105, 0x81, 2, 104, 105])
        #expect(try fixture.written() == nil)
        #expect(fixture.connection.queued == (0, 0))

        fixture.connection.send(frame)
        fixture.channel.embeddedEventLoop.run()
        #expect(try fixture.written() == [0x81, 2, 104, 105])
    }

    @Test func `large frames are not copied together`() throws {
        let fixture = try WebSocketHandlerFixture()
        let frame = WebSocketFrameBytes(text: ByteBuffer(repeating: 97, count: 70_000))

        fixture.connection.send(frame)
        fixture.connection.send(frame)
        fixture.channel.embeddedEventLoop.run()

        for _ in 0..<2 {
            let bytes = try #require(try fixture.written())
            #expect(Array(bytes[..<10]) == [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70])
            #expect(bytes.count == 70_010)
        }
        #expect(
            Array(WebSocketFrameBytes(text: ByteBuffer(repeating: 97, count: 300)).bytes.readableBytesView.prefix(4))
                == [0x81, 126, 1, 0x2C])
    }

    @Test func `a full queue closes with the surface's code and drops what waits`() throws {
        for configure in [{ $0.maxQueuedFrames = 2 }, { $0.maxQueuedBytes = 8 }]
            as [(inout WebSocketConfiguration) -> Void]
        {
            let fixture = try WebSocketHandlerFixture(configure: configure)
            fixture.connection.overflowCloseCode = 4008
            let frame = WebSocketFrameBytes(text: "hi")

            #expect(fixture.connection.send(frame) && fixture.connection.send(frame))
            #expect(!fixture.connection.send(frame) && !fixture.connection.send(frame))
            #expect(fixture.closes.isEmpty, "onClose waits for a tick of its own")
            fixture.channel.embeddedEventLoop.run()
            #expect(try fixture.writtenCloseCode() == 4008)
            #expect(fixture.closes == [4008])
        }
    }

    @Test func `messages dropped from a full queue are not delivered, whatever is written behind them`() throws {
        let fixture = try WebSocketHandlerFixture { $0.maxQueuedFrames = 2 }
        let frame = WebSocketFrameBytes(text: "hi")

        for _ in 0..<3 { fixture.connection.send(frame) }
        fixture.channel.embeddedEventLoop.run()
        #expect(try fixture.writtenCloseCode() == 1013)
        #expect(fixture.connection.deliveredBytes == 0)

        let other = try WebSocketHandlerFixture { $0.maxQueuedFrames = 2 }
        for _ in 0..<2 { other.connection.send(frame) }
        #expect(other.connection.queuedBytes == 8 && other.connection.deliveredBytes == 0)
        other.channel.embeddedEventLoop.run()
        #expect(other.connection.deliveredBytes == 8)
    }

    @Test func `a connection may have a limit of its own`() throws {
        for (limit, code) in [(4, 1009), (5, nil)] as [(Int, UInt16?)] {
            let fixture = try WebSocketHandlerFixture()
            fixture.connection.maxMessageBytes = limit
            try fixture.receive(opcode: 1, "12345")
            #expect(try fixture.writtenCloseCode() == code)
            guard code == nil else { continue }
            try fixture.receive(opcode: 1, "123", isFinal: false)
            try fixture.receive(opcode: 0, "456")
            #expect(try fixture.writtenCloseCode() == 1009)
            #expect(fixture.texts == ["12345"])
        }
    }

    @Test func `a single frame larger than the queue is sent when nothing waits`() throws {
        let fixture = try WebSocketHandlerFixture { $0.maxQueuedBytes = 8 }

        #expect(fixture.connection.send(WebSocketFrameBytes(text: "0123456789")))
        fixture.channel.embeddedEventLoop.run()
        #expect(try fixture.written()?.count == 12)
    }

    @Test func `frames queued before a close go out before it`() throws {
        let fixture = try WebSocketHandlerFixture()

        fixture.connection.send(WebSocketFrameBytes(text: "a"))
        fixture.connection.close(code: 4401, reason: "bye")
        fixture.channel.embeddedEventLoop.run()

        #expect(try fixture.written() == [0x81, 1, 97, 0x88, 5, 0x11, 0x31] + Array("bye".utf8))
        #expect(fixture.closes == [4401])
        #expect(fixture.channel.isActive)
        try fixture.receive(opcode: 1, "late")
        #expect(fixture.texts.isEmpty)
        try fixture.receive(WebSocketClient.encode(opcode: 8, payload: [0x11, 0x31]))
        #expect(!fixture.channel.isActive)
        #expect(fixture.closes.count == 1)
    }

    @Test func `what is closed while reading is paused hears the peer's close`() throws {
        let fixture = try WebSocketHandlerFixture()

        fixture.connection.pauseReading()
        fixture.connection.close(code: 1000)
        fixture.channel.embeddedEventLoop.run()
        try fixture.receive(opcode: 1, "late")
        #expect(fixture.texts.isEmpty && fixture.channel.isActive)
        try fixture.receive(WebSocketClient.encode(opcode: 8, payload: [3, 0xE8]))

        #expect(!fixture.channel.isActive)
    }

    @Test func `a stop closes with 1001, unless the owner of the connection says when`() throws {
        let idle = try WebSocketHandlerFixture()
        idle.handler.drain()
        idle.channel.embeddedEventLoop.run()
        #expect(try idle.writtenCloseCode() == 1001)

        let busy = try WebSocketHandlerFixture()
        var drains = 0
        busy.connection.onEnding = { _ in drains += 1 }
        busy.handler.drain()
        busy.channel.embeddedEventLoop.run()
        #expect(drains == 1)
        #expect(busy.connection.send(WebSocketFrameBytes(text: "a")))
        busy.connection.close(.serverStops)
        busy.handler.drain()
        busy.channel.embeddedEventLoop.run()
        #expect(try busy.written() == [0x81, 1, 97, 0x88, 20, 3, 0xE9] + Array("server is stopping".utf8))
        #expect(drains == 1)
    }

    @Test func `a close reason is cut to what a control frame holds`() {
        let bytes = WebSocketFrameBytes(close: 1000, reason: String(repeating: "é", count: 100)).bytes

        #expect(bytes.readableBytes == 2 + 2 + 122)
        #expect(bytes.getInteger(at: 1, as: UInt8.self) == 124)
    }

    // MARK: Time

    @Test func `the server pings and a silent peer is closed`() throws {
        let fixture = try WebSocketHandlerFixture()

        fixture.advance(.seconds(29))
        #expect(try fixture.written() == nil)
        fixture.advance(.seconds(1))
        #expect(try fixture.written() == [0x89, 0])
        fixture.advance(.seconds(30))
        #expect(try fixture.written() == [0x89, 0])
        fixture.advance(.seconds(29))
        #expect(fixture.connection.isOpen)
        fixture.advance(.seconds(1))
        #expect(try fixture.writtenCloseCode() == 1001)
        #expect(fixture.closes == [1001])
        fixture.advance(.seconds(4))
        #expect(fixture.channel.isActive)
        fixture.advance(.seconds(1))
        #expect(!fixture.channel.isActive)
    }

    @Test func `a peer that answers pings stays`() throws {
        let fixture = try WebSocketHandlerFixture()

        for _ in 0..<20 {
            fixture.advance(.seconds(30))
            #expect(try fixture.written() == [0x89, 0])
            try fixture.receive(WebSocketClient.encode(opcode: 10, payload: []))
        }
        #expect(fixture.connection.isOpen)
    }

    @Test func `a message that never ends is closed by time, whatever stands between`() throws {
        let halfFrame = Array(WebSocketClient.encode(opcode: 1, payload: [97, 98]).dropLast())
        let fragment = WebSocketClient.encode(opcode: 1, payload: [97], isFinal: false)
        for start in [halfFrame, fragment] {
            let fixture = try WebSocketHandlerFixture { $0.pingInterval = .hours(1) }
            try fixture.receive(start)
            fixture.advance(.seconds(20))
            if start == fragment {
                try fixture.receive(WebSocketClient.encode(opcode: 10, payload: []))
                try fixture.receive(WebSocketClient.encode(opcode: 0, payload: [97], isFinal: false))
            }
            fixture.advance(.seconds(9))
            #expect(fixture.connection.isOpen)
            fixture.advance(.seconds(1))
            #expect(try fixture.writtenCloseCode() == 1001)
        }
    }

    @Test func `each message has the whole time`() throws {
        let fixture = try WebSocketHandlerFixture { $0.pingInterval = .hours(1) }
        let half = Array(WebSocketClient.encode(opcode: 1, payload: [97]).dropLast())

        try fixture.receive(WebSocketClient.encode(opcode: 1, payload: [97], isFinal: false))
        fixture.advance(.seconds(20))
        try fixture.receive(WebSocketClient.encode(opcode: 0, payload: [97]) + half)
        fixture.advance(.seconds(20))

        #expect(fixture.connection.isOpen)
        fixture.advance(.seconds(10))
        #expect(!fixture.connection.isOpen)
    }

    @Test func `when the channel dies the end is told once`() throws {
        let fixture = try WebSocketHandlerFixture()

        fixture.channel.close(promise: nil)
        fixture.channel.embeddedEventLoop.run()

        #expect(fixture.closes == [nil])
        #expect(fixture.goneCount == 1)
        #expect(!fixture.connection.send(WebSocketFrameBytes(text: "x")))
        fixture.connection.close(code: 1000)
        fixture.channel.embeddedEventLoop.run()
        #expect(fixture.closes.count == 1)
    }
}
