import Glibc

/// The clock that neither jumps nor stops, in nanoseconds.
enum Clock {
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The moment so many seconds from now.
    static func after(seconds: Double) -> Int64 { nanoseconds + Int64(seconds * 1e9) }
}
