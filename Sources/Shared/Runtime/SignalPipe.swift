import Glibc
import Synchronization

/// Signals as bytes to read, from the moment this is made. There is one per process.
///
/// They are caught and passed through a pipe. To block them and call `sigwait` is not enough: libdispatch parks the main
/// thread in `sigsuspend` with an empty mask, and a process dies of a signal that one of its threads does not block.
package struct SignalPipe: Sendable {
    /// Where the handler writes; a handler can reach nothing but what is global.
    private static let handlerEnd = Atomic<Int32>(-1)

    /// Readable while signals wait.
    package let readEnd: Int32

    /// Catches these signals from now on.
    package init(catching signals: [Int32]) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw SystemError("fcntl") }
        // A full pipe holds thousands of signals already; a handler must not wait.
        guard fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
        readEnd = ends[0]
        Self.handlerEnd.store(ends[1], ordering: .sequentiallyConsistent)
        for number in signals {
            signal(number) { number in
                let interrupted = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(SignalPipe.handlerEnd.load(ordering: .sequentiallyConsistent), &byte, 1)
                errno = interrupted
            }
        }
    }

    /// Waits for a signal, and leaves it to ``next()``.
    package func isPending(within limit: Duration) -> Bool {
        var entry = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        let (seconds, attoseconds) = limit.components
        return poll(&entry, 1, Int32(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)) > 0
    }

    /// The number of the next signal; waits for one.
    package func next() -> Int32 {
        var byte: UInt8 = 0
        while read(readEnd, &byte, 1) != 1 {}
        return Int32(byte)
    }
}
