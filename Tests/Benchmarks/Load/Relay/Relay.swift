import Foundation

/// The floor under every chat server: WebSocket frames in and out, one thread, no storage, no identity.
///
/// A client's path is its address and its room, `/12/3`. A frame begins with where it goes, `p` and the address of
/// a client or `r` and a room, in eight digits; the rest is delivered as it is.
final class Relay {
    static let prefixLength = 9

    private let loop: SocketLoop
    private var peers: [RelayPeer?] = []
    private var rooms: [[RelayPeer]] = []
    private let frame = ByteQueue()

    /// Runs until standard input ends, which it does with whoever started it; prints its port first.
    static func run() throws {
        let relay = try Relay()
        let (descriptor, port) = try Loopback.listen()
        try Loopback.prepare(descriptor)
        let input = try RelayInput(0, in: relay.loop)
        let listener = try RelayListener(descriptor, relay)
        print(port)
        fflush(nil)
        try withExtendedLifetime(listener) {
            while !input.hasEnded { try relay.loop.turn() }
        }
    }

    private init() throws { loop = try SocketLoop() }

    fileprivate func accept(_ descriptor: Int32) throws { _ = try RelayPeer(descriptor, self) }

    fileprivate var socketLoop: SocketLoop { loop }

    func join(_ peer: RelayPeer, address: Int, room: Int) {
        if address >= peers.count { peers += Array(repeating: nil, count: address + 1 - peers.count) }
        peers[address] = peer
        guard room > 0 else { return }
        if room >= rooms.count { rooms += Array(repeating: [], count: room + 1 - rooms.count) }
        rooms[room].append(peer)
    }

    func leave(_ peer: RelayPeer, address: Int, room: Int) {
        if peers[address] === peer { peers[address] = nil }
        if room > 0 { rooms[room].removeAll { $0 === peer } }
    }

    func deliver(_ payload: UnsafeRawBufferPointer) {
        guard payload.count >= Self.prefixLength, let target = payload.number(at: 1, maxDigits: 8) else { return }
        let body = UnsafeRawBufferPointer(rebasing: payload[Self.prefixLength...])
        if payload[0] == UInt8(ascii: "p") {
            guard target < peers.count, let peer = peers[target] else { return }
            peer.write { queue in
                WebSocketFrame.appendHeader(payloadLength: body.count, to: queue)
                queue.append(body)
            }
        } else if target < rooms.count {
            frame.removeAll()
            WebSocketFrame.appendHeader(payloadLength: body.count, to: frame)
            frame.append(body)
            let bytes = UnsafeRawBufferPointer(frame.bytes)
            for peer in rooms[target] { peer.write { $0.append(bytes) } }
        }
    }
}

/// Where the relay's clients come in.
private final class RelayListener: LoopSocket {
    private let relay: Relay

    init(_ descriptor: Int32, _ relay: Relay) throws {
        self.relay = relay
        try super.init(descriptor, in: relay.socketLoop)
    }

    override func becameReadable() throws {
        while let descriptor = try Loopback.accept(descriptor) { try relay.accept(descriptor) }
    }
}

/// The relay's standard input, which says nothing and ends.
private final class RelayInput: LoopSocket {
    private(set) var hasEnded = false

    override func ended() throws { hasEnded = true }
}

/// A client of the relay.
final class RelayPeer: LoopSocket {
    private let relay: Relay
    private var address: Int?
    private var room = 0

    init(_ descriptor: Int32, _ relay: Relay) throws {
        self.relay = relay
        try super.init(descriptor, in: relay.socketLoop)
    }

    override func received(_ bytes: UnsafeMutableRawBufferPointer) throws -> Int {
        var offset = 0
        if address == nil {
            guard let end = UnsafeRawBufferPointer(bytes).first("\r\n\r\n") else { return 0 }
            shakeHands(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            offset = end + 4
        }
        while let frame = WebSocketFrame(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            let payload = UnsafeMutableRawBufferPointer(
                rebasing: bytes[(offset + frame.headerLength)..<(offset + frame.length)])
            frame.unmask(payload)
            if frame.opcode == WebSocketFrame.text { relay.deliver(UnsafeRawBufferPointer(payload)) }
            offset += frame.length
        }
        return offset
    }

    override func ended() throws {
        if let address { relay.leave(self, address: address, room: room) }
        try loop.close(self)
    }

    private func shakeHands(_ head: UnsafeRawBufferPointer) {
        let path = head.asText.split(separator: " ").dropFirst().first ?? ""
        let numbers = path.split(separator: "/").compactMap { Int($0) }
        let mine = numbers.first ?? 0
        (address, room) = (mine, numbers.dropFirst().first ?? 0)
        relay.join(self, address: mine, room: room)
        write(
            Array(
                """
                HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: \(WebSocketFrame.handshakeAccept)\r\n\r\n
                """.utf8))
    }
}
