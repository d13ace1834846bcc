import Glibc

/// Folders that a process keeps its files in.
package enum Folder {
    /// Creates a folder with mode 0700, if it is not there.
    package static func create(_ path: String) throws(SystemError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemError("mkdir \(path)") }
    }

    /// The folder that a file is in.
    package static func of(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Sees to it that files can be made in a folder, so that the reason why not is told and not what follows from it.
    package static func insistOnWritable(_ path: String) throws(SystemError) {
        guard access(path + "/.", W_OK | X_OK) == 0 else { throw SystemError("cannot write in the folder \(path)") }
    }
}
