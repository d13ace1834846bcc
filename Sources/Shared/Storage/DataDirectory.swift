import Glibc
package import Shared

/// The folder a service keeps its files in: private, and held by one process at a time.
package final class DataDirectory: Sendable {
    /// Why a folder cannot be used.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    package let path: String
    private let service: ServiceName
    private let lock: Int32

    /// Creates the folder (mode 0700) if need be and takes the service's lock in it, until the process ends.
    ///
    /// - Throws: ``Refusal`` when another process holds the lock, `SystemError` when the folder cannot be made.
    package init(path: String, service: ServiceName) throws {
        self.path = path
        self.service = service
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemError("mkdir \(path)") }
        lock = open("\(path)/\(service).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw SystemError("open \(path)/\(service).lock") }
        // From here on `deinit` closes the file, also when this throws.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw Refusal(description: "another \(service) is running on \(path)")
        }
    }

    deinit { if lock >= 0 { close(lock) } }

    /// The service's database file.
    package var databasePath: String { "\(path)/\(service).db" }

    /// The lock file also remembers that a database was made, so that a lost one is never replaced by an empty one.
    func checkDatabaseIsNotLost() throws {
        var status = stat()
        guard fstat(lock, &status) == 0 else { throw SystemError("stat \(path)/\(service).lock") }
        if status.st_size > 0, access(databasePath, F_OK) != 0 {
            throw Refusal(
                description: "\(databasePath) is missing, but there was one; restore it, or remove "
                    + "\(path)/\(service).lock to begin anew")
        }
    }

    /// Makes the new database durable as a directory entry, which SQLite does not insist on, and remembers it.
    func rememberDatabase() throws {
        for file in [databasePath, path] {
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw SystemError("open \(file)") }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw SystemError("fsync \(file)") }
        }
        let mark = "database created\n"
        guard pwrite(lock, mark, mark.utf8.count, 0) == mark.utf8.count, fsync(lock) == 0 else {
            throw SystemError("write \(path)/\(service).lock")
        }
    }
}
