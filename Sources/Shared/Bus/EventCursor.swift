/// A subscriber's place in a publisher's log: what to do with each frame and each answer. No I/O.
///
/// ```
/// state        frame                                answer of a read
/// starting     –                                    → live at its head, start afresh
/// live         next in line: deliver                –
///              a hole: read after position          –
///              another epoch: read the head         –
/// catchingUp   only remember how far it went        deliver; complete → live, else read on
/// ```
struct EventCursor: Hashable {
    enum Action: Hashable {
        /// Nothing to do.
        case wait
        /// Hand these on; they follow what was handed on before without a hole.
        case deliver([NumberedEvent])
        /// Ask the owner for events after this number; 0 events (a limit of 0) when only the head is wanted.
        case read(after: Int64, headOnly: Bool)
        /// Everything known from events is void: start afresh from the owner's present state at this number.
        case startAfresh(position: Int64)
    }

    private enum Phase: Hashable {
        case starting
        case live
        case catchingUp
    }

    private var phase = Phase.starting
    private var epoch: Int64 = 0
    /// The number of the last event handed on.
    private(set) var position: Int64 = 0
    /// The greatest number heard of.
    private var head: Int64 = 0

    /// Whether everything heard of has been handed on.
    var isLive: Bool { phase == .live }

    /// The read to begin with.
    func start() -> Action { .read(after: 0, headOnly: true) }

    /// Takes a published frame.
    mutating func receive(_ batch: EventBatch) -> Action {
        switch phase {
        case .starting:
            return .wait
        case .catchingUp:
            if batch.epoch == epoch { head = max(head, batch.head) }
            return .wait
        case .live:
            guard batch.epoch == epoch else {
                phase = .starting
                return start()
            }
            let fresh = batch.events.drop { $0.number <= position }
            head = max(head, batch.head)
            if let first = fresh.first, first.number == position + 1, Self.isContiguous(fresh),
                position + Int64(fresh.count) == head
            {
                position = head
                return .deliver(Array(fresh))
            }
            return head > position ? catchUp() : .wait
        }
    }

    /// Takes the answer of a read that an earlier action asked for; more may have to be done after it.
    mutating func receive(_ reply: EventLogAPI.Read.Reply) -> [Action] {
        let batch = reply.batch
        guard phase == .catchingUp, batch.epoch == epoch, !reply.isTooOld, batch.head >= position else {
            epoch = batch.epoch
            position = batch.head
            head = batch.head
            phase = .live
            return [.startAfresh(position: position)]
        }
        let fresh = batch.events.drop { $0.number <= position }
        guard fresh.isEmpty || (fresh.first?.number == position + 1 && Self.isContiguous(fresh)) else {
            // The owner's log itself has a hole: nothing built on it can be trusted.
            position = batch.head
            phase = .live
            return [.startAfresh(position: position)]
        }
        position += Int64(fresh.count)
        head = max(head, batch.head)
        var actions: [Action] = fresh.isEmpty ? [] : [.deliver(Array(fresh))]
        if position < head {
            actions.append(.read(after: position, headOnly: false))
        } else {
            phase = .live
        }
        return actions
    }

    private mutating func catchUp() -> Action {
        phase = .catchingUp
        return .read(after: position, headOnly: false)
    }

    private static func isContiguous(_ events: ArraySlice<NumberedEvent>) -> Bool {
        zip(events, events.dropFirst()).allSatisfy { $0.number + 1 == $1.number }
    }
}
