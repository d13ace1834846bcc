import Foundation

/// CPU time, user and system, in microseconds.
enum CPUTime {
    static var ofThisThread: Double { read(CLOCK_THREAD_CPUTIME_ID) }
    static var ofThisProcess: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Of another process, from `/proc/<pid>/stat`; `nil` when it is gone.
    static func of(process: Int32) -> Double? {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            // The name in parentheses may hold blanks.
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) * 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The running processes with a name, oldest first.
    static func processes(named name: String) -> [Int32] {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return folders.compactMap(Int32.init).sorted().filter { process in
            let command = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
            return command?.trimmingCharacters(in: .newlines) == name
        }
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
