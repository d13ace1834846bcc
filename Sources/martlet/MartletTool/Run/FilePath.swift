import Glibc
import Shared

/// Paths of files.
enum FilePath {
    /// The absolute path of an existing file, without links.
    static func resolved(_ path: String) throws -> String {
        guard let pointer = realpath(path, nil) else { throw SystemError("realpath \(path)") }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// The folder a file lies in.
    static func folder(of file: String) -> String { String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) }
}
