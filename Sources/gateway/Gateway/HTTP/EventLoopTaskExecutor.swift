import NIOCore

/// Runs tasks on one event loop: `Task(executorPreference: EventLoopTaskExecutor(loop)) { … }`.
///
/// Code of such a task, and of every nonisolated asynchronous function it calls, stays on the loop's thread, so it may
/// touch what is bound to the loop without hopping. Work resumed from elsewhere is queued on the loop.
final class EventLoopTaskExecutor: TaskExecutor {
    let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
