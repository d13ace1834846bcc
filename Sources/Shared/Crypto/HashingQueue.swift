import Dispatch
import Synchronization

/// The bounded line in front of the hashing thread. Each call decides under the lock and acts after it.
final class HashingQueue: Sendable {
    private struct State {
        var waiting: [Job] = []
        var isWorking = false
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wakeUps = DispatchSemaphore(value: 0)
    private let maxWaiting: Int
    private let beforeEach: @Sendable () -> Void

    init(maxWaiting: Int, beforeEach: @escaping @Sendable () -> Void) {
        self.maxWaiting = maxWaiting
        self.beforeEach = beforeEach
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Returns what `work` returns on the thread that calls ``serve()``.
    func submit<Output: Sendable>(_ work: @escaping @Sendable () throws -> Output) async throws -> Output {
        let ticket = Ticket()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Output, any Error>) in
                enqueue(
                    Job(
                        ticket: ticket,
                        perform: {
                            let result = Result { try work() }
                            return { continuation.resume(with: result) }
                        },
                        fail: { continuation.resume(throwing: $0) }))
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    /// Works until ``stop()``. Only one thread may call it.
    func serve() {
        while true {
            wakeUps.wait()
            let (job, isStopped) = state.withLock { state in
                // Empty after a cancellation: the wake-up of the job that left is still counted.
                let job = state.waiting.isEmpty ? nil : state.waiting.removeFirst()
                state.isWorking = job != nil
                return (job, state.isStopped)
            }
            if let job {
                beforeEach()
                let deliver = job.perform()
                // First the place, then the answer: a caller that goes on with the next password finds it free.
                state.withLock { $0.isWorking = false }
                deliver()
            } else if isStopped {
                return
            }
        }
    }

    /// Fails what waits and what comes; the job that has begun goes on.
    func stop() {
        let abandoned = state.withLock { state in
            defer { state.waiting = [] }
            state.isStopped = true
            return state.waiting
        }
        for job in abandoned { job.fail(PasswordHasher.Refusal.shutDown) }
        wakeUps.signal()
    }

    private func enqueue(_ job: Job) {
        let refusal: (any Error)? = state.withLock { state in
            if state.isStopped { return PasswordHasher.Refusal.shutDown }
            // The handler may have run before the job was in the line, where it would have looked for it.
            if job.ticket.isCancelled { return CancellationError() }
            // A job that the thread is about to take counts as taken, so that the limit does not depend on its speed.
            let present = state.waiting.count + (state.isWorking ? 1 : 0)
            guard present <= maxWaiting else { return PasswordHasher.Refusal.overloaded }
            state.waiting.append(job)
            return nil
        }
        if let refusal {
            job.fail(refusal)
        } else {
            wakeUps.signal()
        }
    }

    private func cancel(_ ticket: Ticket) {
        // Marked before the lock is taken: a job that enters the line later sees the mark, an earlier one is found.
        ticket.cancel()
        let job = state.withLock { state -> Job? in
            guard let index = state.waiting.firstIndex(where: { $0.ticket === ticket }) else { return nil }
            return state.waiting.remove(at: index)
        }
        job?.fail(CancellationError())
    }
}

/// One piece of work; exactly one of the two closures is called, once.
private struct Job: Sendable {
    let ticket: Ticket
    /// Does the work and returns the closure that hands the result to the caller.
    let perform: @Sendable () -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
}

/// Identifies a call of `submit` to its cancellation handler.
private final class Ticket: Sendable {
    private let cancelled = Atomic(false)

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func cancel() {
        cancelled.store(true, ordering: .releasing)
    }
}
