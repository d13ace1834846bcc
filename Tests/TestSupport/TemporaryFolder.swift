import Foundation
import Synchronization

/// A folder of one test's own, in the temporary directory: the only place where tests make files.
///
/// It is removed with its owner, and at the latest with the test process: a service that is still closing may write into
/// it once more. A process that crashes leaves it behind, with all that may tell why.
package final class TemporaryFolder: Sendable {
    /// Short enough for the paths of sockets in it.
    package let path: String
    private let isKept = Atomic(false)

    package init() { path = TemporaryFolders.shared.make() }

    deinit {
        // What is written into it at this moment is removed with the process.
        if !isKept.load(ordering: .relaxed) { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Leaves the folder behind, for whoever wants to know why a test has failed.
    package func keep() {
        isKept.store(true, ordering: .relaxed)
        TemporaryFolders.shared.keep(path)
    }
}

/// Runs the body with a folder that is removed afterwards, whatever happens.
package func withTemporaryFolder<Value>(_ body: (String) async throws -> Value) async rethrows -> Value {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    return try await body(folder.path)
}

/// The folders of this process, all in one that ends with it.
private final class TemporaryFolders: Sendable {
    static let shared = TemporaryFolders()

    private let root: String
    private let count = Atomic(0)
    private let kept = Mutex<[String]>([])

    private init() {
        var template = Array((FileManager.default.temporaryDirectory.path + "/martlet.XXXXXX").utf8CString)
        precondition(mkdtemp(&template) != nil, "no folder can be made in the temporary directory: \(errno)")
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        atexit { TemporaryFolders.shared.removeAll() }
    }

    func make() -> String {
        let path = "\(root)/\(count.add(1, ordering: .relaxed).newValue)"
        precondition(mkdir(path, 0o700) == 0, "\(path) cannot be made")
        return path
    }

    func keep(_ path: String) { kept.withLock { $0.append(path) } }

    /// Services that never ended may be writing: a few attempts, and then the run of the tests says what is left.
    private func removeAll() {
        let kept = kept.withLock { $0 }
        for _ in 1...3 {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] {
                let path = "\(root)/\(name)"
                if !kept.contains(path) { try? FileManager.default.removeItem(atPath: path) }
            }
            // Only when it is empty.
            if rmdir(root) == 0 { return }
        }
    }
}
