import NIOCore

/// Gathers the connections that were written to and flushes each once, at the end of the event loop's tick.
///
/// Several frames for one connection then cost one system call instead of one each. Confined to the event loop.
final class WebSocketFlusher {
    private let eventLoop: any EventLoop
    private var dirty: [WebSocketHandler] = []
    /// Where frames are put together; its memory is used again and again, unless a channel keeps what it was given.
    private var scratch = ByteBuffer()

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Has `flush()` of the handler called once this tick is over. A handler adds itself once per flush.
    func add(_ handler: WebSocketHandler) {
        dirty.append(handler)
        guard dirty.count == 1 else { return }
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { this.value.flush() }
    }

    /// Frames as one piece, so that they cost one write.
    func gather(_ frames: [ByteBuffer], _ count: Int) -> ByteBuffer {
        scratch.clear(minimumCapacity: count)
        for frame in frames { scratch.writeImmutableBuffer(frame) }
        return scratch
    }

    private func flush() {
        let handlers = dirty
        dirty.removeAll(keepingCapacity: handlers.count <= 1024)
        for handler in handlers { handler.flush() }
    }
}
