import Foundation

/// CPU time, user and system, in microseconds.
enum CPUTime {
    static var ofThisThread: Double { read(CLOCK_THREAD_CPUTIME_ID) }
    static var ofThisProcess: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Of another process with all its threads, as `/proc/<pid>/stat` has it, but to the nanosecond; `nil` when it is gone.
    static func of(process: Int32) -> Double? {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}

/// Runs a body several times and returns the smallest CPU time per operation in microseconds: the quiet machine's figure.
func smallestCost(operations: Int, rounds: Int = 7, _ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<rounds {
        let start = CPUTime.ofThisThread
        for _ in 0..<operations { try body() }
        best = min(best, (CPUTime.ofThisThread - start) / Double(operations))
    }
    return best
}

extension Double {
    /// Fixed places, for tables.
    func text(_ places: Int = 2) -> String { String(format: "%.\(places)f", self) }
}
