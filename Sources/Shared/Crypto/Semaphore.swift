import Glibc

/// A counting semaphore on which a thread of our own may wait. The cooperative pool must not.
///
/// `@unchecked Sendable` holds because the pointer is set once, is freed only when no reference is left, and `sem_post`
/// and `sem_wait` are made to be called from several threads on the same semaphore.
final class Semaphore: @unchecked Sendable {
    private let handle: UnsafeMutablePointer<sem_t>

    init() {
        handle = .allocate(capacity: 1)
        handle.initialize(to: sem_t())
        // It fails only for a start value out of range or between processes.
        let status = sem_init(handle, 0, 0)
        precondition(status == 0, "a semaphore of value 0 can always be made")
    }

    deinit {
        sem_destroy(handle)
        handle.deallocate()
    }

    func signal() {
        sem_post(handle)
    }

    func wait() {
        // The only failure of a valid semaphore is the interruption by a signal handler.
        while sem_wait(handle) != 0 {}
    }
}
