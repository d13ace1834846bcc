import Shared

/// Lets one hand-over of applications per account be under way at a time: the next one begins when the marks of the one
/// before it are made, so that no application is handed out twice.
///
/// A turn that is never ended (its client neither takes the answer nor goes away) gives way after ``maxTime``.
actor HandOverTurns {
    static let maxTime = Duration.seconds(10)
    /// Pulls of one account that may wait; one more is refused.
    static let maxWaiting = 32

    private struct Queue {
        var turn: Int
        var waiting: [CheckedContinuation<Int, Never>] = []
    }

    private var queues: [AccountID: Queue] = [:]
    private var lastTurn = 0

    /// Waits for those that came first. Every success is followed by one ``end(_:of:)``.
    func begin(_ account: AccountID) async throws(ClassicError) -> Int {
        guard let waiting = queues[account]?.waiting.count else {
            let turn = nextTurn(of: account)
            queues[account] = Queue(turn: turn)
            return turn
        }
        guard waiting < Self.maxWaiting else { throw .unavailable }
        return await withCheckedContinuation { queues[account]?.waiting.append($0) }
    }

    /// Idempotent: a turn that is over already is ignored.
    func end(_ turn: Int, of account: AccountID) {
        guard var queue = queues[account], queue.turn == turn else { return }
        guard !queue.waiting.isEmpty else {
            queues[account] = nil
            return
        }
        let next = queue.waiting.removeFirst()
        queue.turn = nextTurn(of: account)
        queues[account] = queue
        next.resume(returning: queue.turn)
    }

    /// ``end(_:of:)`` for those who cannot wait.
    nonisolated func endSoon(_ turn: Int, of account: AccountID) {
        Task { await end(turn, of: account) }
    }

    private func nextTurn(of account: AccountID) -> Int {
        lastTurn += 1
        let turn = lastTurn
        Task {
            // Nothing cancels this task.
            try? await Task.sleep(for: Self.maxTime)
            end(turn, of: account)
        }
        return turn
    }
}
