import Foundation

/// A process whose costs are measured.
struct ServerProcess {
    let name: String
    let pid: Int32

    /// CPU time so far, user and system, in microseconds.
    func cpu() throws -> Double {
        guard let time = CPUTime.of(process: pid) else { throw BenchmarkFailure("\(name) is gone") }
        return time
    }

    /// Resident memory in KiB.
    func residentKiB() throws -> Double {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let value = Double(line.filter(\.isNumber))
        else { throw BenchmarkFailure("\(name) is gone") }
        return value
    }
}
