/// The frame every call on the bus travels in; `docs/decisions/0001-bus-encoding.md` says why it looks like this.
enum Envelope {
    /// Grows when a peer of the previous version could misread a frame.
    static let version: UInt8 = 3
    static let maxRouteBytes = 64
    static let maxTraceBytes = 64

    enum Kind: UInt8 {
        case request = 1
        case reply = 2
        case failure = 3
        /// From a service that stops: send nothing more.
        case goodbye = 4
        /// From a caller that was told so: everything of mine was answered, and nothing is on its way.
        case farewell = 5
        /// Several requests, or several answers, that were on their way together.
        case batch = 6
    }

    /// The frames that are nothing but their kind.
    static let goodbye: [UInt8] = [version, Kind.goodbye.rawValue]
    static let farewell: [UInt8] = [version, Kind.farewell.rawValue]

    /// Bytes of frames that are put together into one; a longer one travels alone. ZeroMQ's price is by the frame.
    static let maxBatchBytes = 64 * 1024
    /// The least that a frame with an id has.
    private static let minFrameBytes = 10

    /// Sends frames in their order, as few as can be; `send` takes a frame and the items that are in it.
    static func sendTogether<Item>(
        _ items: [Item], _ frame: (Item) -> [UInt8], send: ([UInt8], ArraySlice<Item>) -> Void
    ) {
        var start = items.startIndex
        while start < items.endIndex {
            var room = maxBatchBytes - frame(items[start]).count
            var end = start + 1
            while end < items.endIndex, frame(items[end]).count <= room {
                room -= frame(items[end]).count
                end += 1
            }
            let group = items[start..<end]
            send(group.count == 1 ? frame(items[start]) : batch(group.map(frame)), group)
            start = end
        }
    }

    private static func batch(_ frames: [[UInt8]]) -> [UInt8] {
        var writer = WireWriter(reserving: frames.reduce(8) { $0 + $1.count + 4 })
        writer.write(version)
        writer.write(Kind.batch.rawValue)
        frames.map(Blob.init).write(to: &writer)
        return writer.bytes
    }

    /// Hands on the frames that travelled in one, in their order; one that is no batch is alone. None of them is looked into
    /// again as a batch.
    ///
    /// - Throws: when the batch is not what it says, or the first error of `body`, which gets all the frames whatever
    ///   becomes of one.
    static func forEachFrame(
        in frame: [UInt8], _ body: (ArraySlice<UInt8>) throws(WireError) -> Void
    ) throws(WireError) {
        guard frame.count > 2, frame[0] == version, frame[1] == Kind.batch.rawValue else { return try body(frame[...]) }
        var reader = WireReader(frame.dropFirst(2))
        let count = Int(try reader.read(UInt32.self))
        guard count <= maxBatchBytes / minFrameBytes, reader.remaining <= maxBatchBytes + 4 * count else {
            throw WireError("a batch too large")
        }
        var firstError: WireError?
        for _ in 0..<count {
            let frame = try reader.readRaw(count: Int(try reader.read(UInt32.self)))
            do throws(WireError) { try body(frame) } catch { firstError = firstError ?? error }
        }
        if let firstError { throw firstError }
        guard reader.remaining == 0 else { throw WireError("more than a batch") }
    }
}

/// What stands before the payload of a request: who asks, for what, and until when.
struct RequestHead: Hashable {
    /// Chosen by the caller, unique per connection; the reply carries it back.
    var id: UInt64
    var caller: ServiceName
    var departure = Departure()
    var route: String
    /// The request id that joins the log lines of all processes.
    var trace: String

    /// What is known no sooner than when the frame leaves: until when somebody waits, and what he has seen of whom he asks.
    struct Departure: Hashable {
        /// Time left when the frame left, so that no clock must agree with another.
        var remainingMilliseconds: UInt32 = 0
        /// When it left by the caller's monotonic clock, which is everybody's on one host. What waits in queues of a
        /// process that stands still gets older all the same.
        var sentAt = MonotonicTime(nanoseconds: 0)
        /// The latest mark of the service that the caller knows of.
        var seen = Mark.unseen

        /// Until when the caller waits.
        ///
        /// - Parameter sharesClock: whether the caller's monotonic clock is this process's.
        func deadline(now: MonotonicTime, sharesClock: Bool) -> MonotonicTime {
            (sharesClock ? min(sentAt, now) : now) + .milliseconds(Int64(remainingMilliseconds))
        }

        fileprivate func write(to writer: inout WireWriter) {
            writer.write(remainingMilliseconds)
            writer.write(sentAt.nanoseconds)
            seen.write(to: &writer)
        }
    }

    /// Writes into a frame that is about to leave what is known no sooner.
    static func set(_ departure: Departure, in frame: inout [UInt8]) {
        // Behind version, kind, id and caller.
        let position = 11
        frame.withUnsafeMutableBytes { frame in
            func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
                frame.storeBytes(of: value.littleEndian, toByteOffset: position + offset, as: Value.self)
            }
            store(departure.remainingMilliseconds, at: 0)
            store(departure.sentAt.nanoseconds, at: 4)
            store(departure.seen.age, at: 12)
            store(departure.seen.epoch, at: 20)
            store(departure.seen.head, at: 28)
        }
    }

    /// The frame of the request whose payload `write` appends.
    func frame(payload write: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter(reserving: 256)
        writer.write(Envelope.version)
        writer.write(Envelope.Kind.request.rawValue)
        writer.write(id)
        writer.write(caller.rawValue)
        departure.write(to: &writer)
        writer.write(route)
        writer.write(trace)
        write(&writer)
        return writer.bytes
    }
}

extension RequestHead.Departure {
    init(from reader: inout WireReader) throws(WireError) {
        remainingMilliseconds = try reader.read()
        sentAt = MonotonicTime(nanoseconds: try reader.read())
        seen = Mark(age: try reader.read(), epoch: try reader.read(), head: try reader.read())
    }
}

/// A request as it was received.
struct RequestEnvelope: Hashable {
    var head: RequestHead
    var payload: ArraySlice<UInt8>
}

extension RequestEnvelope {
    /// The id alone, so that even a frame that is otherwise damaged can be answered.
    static func id(of frame: ArraySlice<UInt8>) -> UInt64? {
        var reader = WireReader(frame)
        guard let version: UInt8 = try? reader.read(), version == Envelope.version,
            let kind: UInt8 = try? reader.read(), kind == Envelope.Kind.request.rawValue
        else { return nil }
        // A frame too short for an id cannot be answered at all; nil says so.
        return try? reader.read(UInt64.self)
    }

    init(_ frame: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(frame)
        guard try reader.read(UInt8.self) == Envelope.version else { throw WireError("unknown version") }
        guard try reader.read(UInt8.self) == Envelope.Kind.request.rawValue else { throw WireError("not a request") }
        head = RequestHead(
            id: try reader.read(), caller: try ServiceName(from: &reader), departure: try .init(from: &reader),
            route: try String(from: &reader), trace: try String(from: &reader))
        guard head.route.utf8.count <= Envelope.maxRouteBytes, head.trace.utf8.count <= Envelope.maxTraceBytes else {
            throw WireError("route or trace too long")
        }
        payload = reader.readRest()
    }
}

/// An answer as it travels: the reply's payload or the error.
struct ReplyEnvelope {
    var id: UInt64
    var result: Result<ArraySlice<UInt8>, ServiceError>

    static func success(_ id: UInt64, _ reply: some WireRecord) -> [UInt8] {
        var writer = WireWriter()
        writer.write(Envelope.version)
        writer.write(Envelope.Kind.reply.rawValue)
        writer.write(id)
        reply.write(to: &writer)
        return writer.bytes
    }

    static func failure(_ id: UInt64, _ error: ServiceError) -> [UInt8] {
        var writer = WireWriter()
        writer.write(Envelope.version)
        writer.write(Envelope.Kind.failure.rawValue)
        writer.write(id)
        error.write(to: &writer)
        return writer.bytes
    }
}

extension ReplyEnvelope {
    init(_ frame: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(frame)
        guard try reader.read(UInt8.self) == Envelope.version else { throw WireError("unknown version") }
        let kind = Envelope.Kind(rawValue: try reader.read())
        id = try reader.read()
        switch kind {
        case .reply: result = .success(reader.readRest())
        case .failure: result = .failure(try ServiceError(from: &reader))
        case .request, .goodbye, .farewell, .batch, nil: throw WireError("not a reply")
        }
    }
}
