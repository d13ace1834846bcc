/// Lets one piece of work per key be under way at a time; those that come meanwhile wait for their turn, in order.
///
/// A turn that is never ended (whoever had it died) gives way after ``maxTime``.
package actor Turns<Key: Hashable & Sendable> {
    /// How long a turn lasts at most.
    package static var maxTime: Duration { .seconds(10) }
    /// Who may wait for one key; one more is refused.
    package static var maxWaiting: Int { 32 }

    private struct Waiter {
        let ticket: Int64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct Queue {
        var current: Int64
        var waiting: [Waiter] = []
    }

    private var queues: [Key: Queue] = [:]
    private var lastTicket: Int64 = 0

    package init() {}

    /// Waits for those that came first. Every success is followed by one ``end(_:of:)`` with the ticket it returns.
    ///
    /// - Throws: ``ServiceError/Code/unavailable`` when too many wait, or when the deadline comes before the turn.
    package func begin(_ key: Key, until deadline: MonotonicTime) async throws(ServiceError) -> Int64 {
        lastTicket += 1
        let ticket = lastTicket
        guard let waiting = queues[key]?.waiting.count else {
            queues[key] = Queue(current: ticket)
            expire(ticket, of: key)
            return ticket
        }
        guard waiting < Self.maxWaiting else { throw ServiceError(.unavailable) }
        let timer = Task {
            // Cancelled when the turn has come, and then there is nobody to send away.
            try? await Task.sleep(for: .milliseconds(Int64(deadline.millisecondsFromNow)))
            sendAway(ticket, of: key)
        }
        defer { timer.cancel() }
        let hasTurn = await withCheckedContinuation { continuation in
            queues[key]?.waiting.append(Waiter(ticket: ticket, continuation: continuation))
        }
        guard hasTurn else { throw ServiceError(.unavailable) }
        return ticket
    }

    /// Ends a turn and lets the next one begin. Idempotent: a turn that is over already is ignored.
    package func end(_ ticket: Int64, of key: Key) {
        guard var queue = queues[key], queue.current == ticket else { return }
        guard !queue.waiting.isEmpty else {
            queues[key] = nil
            return
        }
        let next = queue.waiting.removeFirst()
        queue.current = next.ticket
        queues[key] = queue
        expire(next.ticket, of: key)
        next.continuation.resume(returning: true)
    }

    /// ``end(_:of:)`` for those who cannot wait.
    package nonisolated func endSoon(_ ticket: Int64, of key: Key) {
        Task { await end(ticket, of: key) }
    }

    private func sendAway(_ ticket: Int64, of key: Key) {
        guard let index = queues[key]?.waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        queues[key]?.waiting.remove(at: index).continuation.resume(returning: false)
    }

    private func expire(_ ticket: Int64, of key: Key) {
        Task {
            // Nothing cancels this task; a turn that ended in time is ignored.
            try? await Task.sleep(for: Self.maxTime)
            end(ticket, of: key)
        }
    }
}
