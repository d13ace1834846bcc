import TestSupport
import Testing

@testable import Shared

@Suite struct EnvelopeTests {
    private let request = RequestEnvelope(
        head: RequestHead(
            id: 0x0102_0304_0506_0708, caller: .gateway,
            departure: .init(
                remainingMilliseconds: 5_000, sentAt: MonotonicTime(nanoseconds: 6),
                seen: Mark(age: 7, epoch: 8, head: 9)), route: "message.send",
            trace: "0123456789abcdef"), payload: [1, 2, 3])

    @Test func `a request comes back as it was`() throws {
        let decoded = try RequestEnvelope(request.bytes)
        #expect(decoded == request)
        #expect(RequestEnvelope.id(of: request.bytes) == request.head.id)
        var empty = request
        (empty.head.route, empty.head.trace, empty.payload) = ("", "", [])
        #expect(try RequestEnvelope(empty.bytes) == empty)
    }

    @Test func `a request has the bytes it always had`() {
        #expect(
            request.bytes.hex
                == "0301080706050403020101881300000600000000000000070000000000000008000000000000000900000000000000"
                + "0c0000006d6573736167652e73656e64100000003031323334353637383961626364656600"
                .dropLast(2) + "010203")
    }

    @Test func `replies and failures come back as they were`() throws {
        let success = try ReplyEnvelope(
            ReplyEnvelope.success(9, SocialAPI.Apply.Reply(request: FriendRequestID(5)))[...])
        #expect(success.id == 9)
        #expect(try SocialAPI.Apply.Reply(wireBytes: success.result.get()).request == FriendRequestID(5))

        for code in ServiceError.Code.allCases {
            let error = ServiceError(code, detail: "détail")
            let failure = try ReplyEnvelope(ReplyEnvelope.failure(9, error)[...])
            #expect(failure.id == 9)
            #expect(throws: error) { try failure.result.get() }
        }
    }

    @Test func `an unknown code is a defect`() throws {
        var bytes = ReplyEnvelope.failure(9, ServiceError(.unavailable, detail: ""))
        bytes[10] = 200
        let failure = try ReplyEnvelope(bytes[...])
        #expect(throws: ServiceError(.internal)) { try failure.result.get() }
    }

    @Test func `a truncated frame is refused at every length`() {
        let bytes = request.bytes
        let headLength = bytes.count - request.payload.count
        for length in 0..<headLength {
            #expect(throws: WireError.self) { try RequestEnvelope(bytes.prefix(length)) }
            #expect((RequestEnvelope.id(of: bytes.prefix(length)) != nil) == (length >= 10))
        }
        let failure = ReplyEnvelope.failure(9, ServiceError(.unavailable, detail: "x"))
        for length in 0..<failure.count {
            #expect(throws: WireError.self) { try ReplyEnvelope(failure.prefix(length)) }
        }
    }

    @Test func `the time left is written into a frame that is about to leave`() throws {
        var frame = Array(request.bytes)
        let departure = RequestHead.Departure(
            remainingMilliseconds: 0x0102_0304, sentAt: MonotonicTime(nanoseconds: 0x0506_0708_090A_0B0C),
            seen: Mark(age: -1, epoch: .max, head: 0x0D0E_0F10))
        RequestHead.set(departure, in: &frame)
        var expected = request
        expected.head.departure = departure
        #expect(try RequestEnvelope(frame[...]) == expected)
    }

    @Test func `frames that were on their way together come back one by one, in their order`() throws {
        let lengths = [10, 30, 5_000, Envelope.maxBatchBytes - 5_040, 10, 100_000, 17, 18]
        let frames = lengths.enumerated().map { number, length in [UInt8](repeating: UInt8(number), count: length) }
        var sent: [(bytes: [UInt8], items: Int)] = []
        Envelope.sendTogether(frames, \.self) { sent.append(($0, $1.count)) }
        // As much as there is room for, a long one alone, and the rest.
        #expect(sent.map(\.items) == [4, 1, 1, 2])
        #expect(try sent.flatMap { try Self.frames(in: $0.bytes) } == frames)
    }

    @Test func `a batch has the bytes it always had`() {
        let bytes = "030602000000" + "03000000010203" + "0100000004"
        var sent: [UInt8] = []
        Envelope.sendTogether([[1, 2, 3], [4]] as [[UInt8]], \.self) { frame, _ in sent = frame }
        #expect(sent.hex == bytes)
        #expect(Self.batch([[1, 2, 3], [4]]).hex == bytes)
    }

    @Test func `a batch with less in it than it says, or more than fits, is refused`() {
        let frame = [UInt8](repeating: 7, count: 10)
        let batch = Self.batch([frame, frame])
        for length in 3..<batch.count {
            #expect(throws: WireError.self) { try Self.frames(in: Array(batch.prefix(length))) }
        }
        #expect(throws: WireError.self) { try Self.frames(in: batch + [0]) }
        // A count that would take all memory to believe, and frames that nobody puts together.
        let head: [UInt8] = [Envelope.version, Envelope.Kind.batch.rawValue]
        #expect(throws: WireError.self) { try Self.frames(in: head + [0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0]) }
        let half = [UInt8](repeating: 7, count: Envelope.maxBatchBytes / 2)
        #expect(throws: WireError.self) { try Self.frames(in: Self.batch([half, half, frame])) }
        let empty = [[UInt8]](repeating: [], count: Envelope.maxBatchBytes / 10 + 1)
        #expect(throws: WireError.self) { try Self.frames(in: Self.batch(empty)) }
    }

    @Test func `a frame that is refused holds up none of those behind it`() {
        var seen: [UInt8] = []
        #expect(throws: WireError("the second")) {
            try Envelope.forEachFrame(in: Self.batch([[1], [2], [3]])) { frame throws(WireError) in
                seen += frame
                if frame == [2] { throw WireError("the second") }
                if frame == [3] { throw WireError("the third") }
            }
        }
        #expect(seen == [1, 2, 3])
    }

    /// Frames in one, however many and long.
    private static func batch(_ frames: [[UInt8]]) -> [UInt8] {
        var writer = WireWriter()
        writer.write(Envelope.version)
        writer.write(Envelope.Kind.batch.rawValue)
        frames.map(Blob.init).write(to: &writer)
        return writer.bytes
    }

    private static func frames(in frame: [UInt8]) throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        try Envelope.forEachFrame(in: frame) { frames.append(Array($0)) }
        return frames
    }

    @Test func `another version or kind is refused`() {
        for (position, value) in [(0, 0), (0, 1), (0, 255), (1, 0), (1, 2), (1, 3), (1, 6), (1, 255)] as [(Int, UInt8)]
        {
            var bytes = request.bytes
            bytes[position] = value
            #expect(throws: WireError.self) { try RequestEnvelope(bytes) }
            #expect(RequestEnvelope.id(of: bytes) == nil)
        }
        for (position, value) in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 4), (1, 255)] as [(Int, UInt8)] {
            var bytes = ReplyEnvelope.success(9, Done())
            bytes[position] = value
            #expect(throws: WireError.self) { try ReplyEnvelope(bytes[...]) }
        }
    }

    @Test func `a route or trace too long is refused, and so is an unknown caller`() throws {
        var long = request
        long.head.route = String(repeating: "r", count: Envelope.maxRouteBytes + 1)
        #expect(throws: WireError.self) { try RequestEnvelope(long.bytes) }
        long = request
        long.head.trace = String(repeating: "t", count: Envelope.maxTraceBytes + 1)
        #expect(throws: WireError.self) { try RequestEnvelope(long.bytes) }
        long.head.trace = String(repeating: "t", count: Envelope.maxTraceBytes)
        #expect(try RequestEnvelope(long.bytes) == long)
        var bytes = request.bytes
        bytes[10] = 77
        #expect(throws: WireError.self) { try RequestEnvelope(bytes) }
    }

    @Test(arguments: SeededGenerator.seeds(3))
    func `random bytes are refused, or are what they say`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var read = 0
        for _ in 0..<7_000 {
            var bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Half of them begin well, so that they get further.
            if bytes.count > 2, Bool.random(using: &random) {
                bytes[0..<2] = [Envelope.version, UInt8.random(in: 1...6, using: &random)]
            }
            read += expectRefusedOrRead(bytes[...])
        }
        #expect(read > 0)
    }

    @Test(arguments: SeededGenerator.seeds(3))
    func `flipped bytes are refused, or say something else`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let batch = Self.batch([Array(request.bytes), ReplyEnvelope.success(9, Done()), Array(request.bytes)])
        var read = 0
        for _ in 0..<7_000 {
            var bytes = batch
            for _ in 0...Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // A batch that lies about its frames is refused from there on.
            try? Envelope.forEachFrame(in: bytes) { read += expectRefusedOrRead($0) }
            var single = request.bytes
            for _ in 0...Int.random(in: 0...3, using: &random) {
                single[Int.random(in: 0..<single.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            read += expectRefusedOrRead(single)
        }
        #expect(read > 7_000)
    }

    /// Bytes that are read as a request are the bytes of that request.
    ///
    /// - Returns: 1 when they are read as anything, else 0.
    private func expectRefusedOrRead(_ bytes: ArraySlice<UInt8>) -> Int {
        // Whatever is refused here is refused by both.
        let asRequest = try? RequestEnvelope(bytes)
        let asReply = try? ReplyEnvelope(bytes)
        #expect(asRequest == nil || asReply == nil)
        if let asRequest {
            #expect(RequestEnvelope.id(of: bytes) == asRequest.head.id)
            #expect(asRequest.bytes.elementsEqual(bytes))
        }
        return asRequest != nil || asReply != nil ? 1 : 0
    }
}

extension RequestEnvelope {
    fileprivate var bytes: ArraySlice<UInt8> { head.frame { $0.write(raw: payload) }[...] }
}

extension Collection<UInt8> {
    /// Two digits for each byte.
    var hex: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
