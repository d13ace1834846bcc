import Glibc
package import Shared
import Synchronization

/// The folder a service keeps its files in: private, and held by one process at a time.
package final class DataDirectory: Sendable {
    /// Why a folder cannot be used.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    package let path: String
    let service: ServiceName
    /// The open lock file.
    let lock: Int32
    /// What the lock file remembers of the service itself.
    let own = Mutex(Mark.unseen)

    /// Creates the folder (mode 0700) if need be and takes the service's lock in it, until the process ends.
    ///
    /// - Throws: ``Refusal`` when another process holds the lock, `SystemError` when the folder cannot be made.
    package init(path: String, service: ServiceName) throws {
        self.path = path
        self.service = service
        try Folder.create(path)
        lock = open("\(path)/\(service).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw SystemError("open \(path)/\(service).lock") }
        // From here on `deinit` closes the file, also when this throws.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw Refusal(description: "another \(service) is running on \(path)")
        }
        own.withLock { $0 = Self.mark(of: service, in: lock) ?? .unseen }
    }

    deinit { if lock >= 0 { close(lock) } }

    /// Lets another process have the folder, for one that lives on without it.
    func release() { flock(lock, LOCK_UN) }

    /// The service's database file.
    package var databasePath: String { "\(path)/\(service).db" }

    var lockPath: String { "\(path)/\(service).lock" }

    /// Whether the lock file remembers that a database was made.
    var hadDatabase: Bool {
        get throws {
            var status = stat()
            guard fstat(lock, &status) == 0 else { throw SystemError("stat \(lockPath)") }
            return status.st_size > 0
        }
    }

    /// Sees to it that a lost database is never replaced by an empty one.
    ///
    /// - Returns: whether there is one.
    func checkDatabaseIsNotLost() throws -> Bool {
        var status = stat()
        // An empty file would have SQLite throw away the log beside it.
        let isThere = stat(databasePath, &status) == 0 && status.st_size > 0
        if !isThere, try hadDatabase {
            let state = access(databasePath, F_OK) == 0 ? "empty" : "missing"
            throw Refusal(description: "\(databasePath) is \(state), but there was one; \(advice)")
        }
        return isThere
    }

    /// What to do about a database that is not the right one.
    var advice: String { "\(Self.cure), or remove \(lockPath) to go on with what is there" }

    /// What to do about it when others know better as well.
    static let cure = "put the right file back, with its -wal if it has one"

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
            throw SystemError("write \(lockPath)")
        }
    }
}
