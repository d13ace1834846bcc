import Foundation

/// What it was measured on.
struct Machine: Encodable {
    let processor: String
    let cores: Int
    let kernel: String

    static func current() -> Machine {
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = information.split(separator: "\n").first { $0.hasPrefix("model name") }
        let kernel = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "unknown"
        return Machine(
            processor: line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown",
            cores: ProcessInfo.processInfo.activeProcessorCount,
            kernel: kernel.trimmingCharacters(in: .newlines))
    }
}

/// The time of all cores so far, and how much of it the host gave to others.
struct HostTime {
    private let total: Double
    private let stolen: Double

    /// From `/proc/stat`.
    static func now() throws -> HostTime {
        let text = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard fields.count == 8 else { throw BenchmarkFailure("/proc/stat has no steal time") }
        return HostTime(total: fields.reduce(0, +), stolen: fields[7])
    }

    /// The share of the time since then that was stolen, in percent.
    func stolenPercent(since earlier: HostTime) -> Double {
        total > earlier.total ? 100 * (stolen - earlier.stolen) / (total - earlier.total) : 0
    }
}
