/// The last events of message-svc, so that a connection whose start took a moment misses none of them.
struct RecentEvents {
    /// Events kept.
    static let capacity = 4_096

    private var events: [(number: Int64, event: BackendEvent)] = []
    private var first = 0
    /// The number of the last event seen.
    private(set) var position: Int64 = 0

    mutating func append(_ event: BackendEvent, number: Int64) {
        if events.count < Self.capacity {
            events.append((number, event))
        } else {
            events[first] = (number, event)
            first = (first + 1) % Self.capacity
        }
        position = number
    }

    /// Forgets everything: the log goes on after `position`.
    mutating func restart(at position: Int64) {
        events = []
        first = 0
        self.position = position
    }

    /// The events after a number, in order; `nil` when some of them are not kept any more.
    func after(_ number: Int64) -> [(number: Int64, event: BackendEvent)]? {
        guard number < position else { return [] }
        let count = Int(position - number)
        guard count <= events.count else { return nil }
        return (events.count - count..<events.count).map { events[(first + $0) % events.count] }
    }
}
