import Glibc

/// Why a measurement does not count.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// A system call failed.
    static func system(_ call: String) -> BenchmarkFailure {
        BenchmarkFailure("\(call): \(String(cString: strerror(errno)))")
    }
}
