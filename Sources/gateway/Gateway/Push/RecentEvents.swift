import NIOCore
import Shared

/// The last events of message-svc, so that a connection whose start took a moment misses none of them.
struct RecentEvents {
    /// Events kept.
    static let maxCount = 4_096
    /// Bytes of texts and lists kept, so that long events cannot fill the memory.
    static let maxTextBytes = 16 << 20

    private var events: CircularBuffer<(number: Int64, event: BackendEvent)> = []
    private var textBytes = 0
    /// The number of the last event seen.
    private(set) var position: Int64 = 0

    var count: Int { events.count }

    /// Adds the event that follows the last one, and forgets the oldest ones beyond the limits.
    mutating func append(_ event: BackendEvent, number: Int64) {
        events.append((number, event))
        textBytes += event.textBytes
        position = number
        while events.count > Self.maxCount || textBytes > Self.maxTextBytes, let oldest = events.popFirst() {
            textBytes -= oldest.event.textBytes
        }
    }

    /// Forgets everything: the log goes on after `position`.
    mutating func restart(at position: Int64) {
        events = []
        textBytes = 0
        self.position = position
    }

    /// The events after a number, in order; `nil` when some of them are not kept any more.
    func after(_ number: Int64) -> [(number: Int64, event: BackendEvent)]? {
        guard number < position else { return [] }
        let count = Int(position - number)
        return count <= events.count ? Array(events.suffix(count)) : nil
    }
}

extension BackendEvent {
    fileprivate var textBytes: Int {
        switch self {
        case .messageSent(let message): message.text.utf8.count
        case .conversationChanged(let change): change.wireBytes.count
        default: 0
        }
    }
}
