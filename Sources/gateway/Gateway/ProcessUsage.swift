import Glibc
import Shared

/// What this process has used so far, from `/proc/self` (proc(5)).
enum ProcessUsage {
    static var metrics: [Metric] {
        var metrics: [Metric] = []
        if let bytes = residentBytes {
            metrics.append(Metric("process_resident_memory_bytes", "Memory in use.", bytes))
        }
        metrics.append(
            Metric("process_cpu_seconds_total", "User and system time.", cpuSeconds, kind: .counter))
        metrics.append(Metric("process_max_fds", "Limit of open files.", Double(OpenFiles.limit)))
        return metrics
    }

    private static var residentBytes: Double? {
        guard let text = try? TextFile.read("/proc/self/statm") else { return nil }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return pages.map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
    }

    private static var cpuSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
