import Foundation

/// Where the programs of a measurement lie.
enum Executables {
    /// This program.
    static var own: String { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "" }

    /// The folder of the four processes: `MARTLET_BIN_DIR`, or where this program was built with them.
    static var folder: String {
        ProcessInfo.processInfo.environment["MARTLET_BIN_DIR"]
            ?? URL(fileURLWithPath: own).deletingLastPathComponent().path
    }

    static var configuration: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }
}
