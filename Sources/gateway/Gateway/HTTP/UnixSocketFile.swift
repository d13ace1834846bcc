import Glibc
import NIOCore

/// Binding of a Unix socket whose file never exists with a wider mode than 0600.
enum UnixSocketFile {
    /// - Returns: a bound stream socket, not yet listening.
    /// - Throws: `IOError`, also when the path is too long for a socket address, is taken by another kind of file, or
    ///   when somebody listens there: his place is not taken from him.
    static func bind(_ path: String) throws -> CInt {
        let address = try address(of: path)
        guard try !isListenedTo(address) else { throw IOError(errnoCode: EADDRINUSE, reason: "bind") }
        remove(path)
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(folder, W_OK | X_OK) == 0 else {
            throw IOError(errnoCode: errno, reason: "write in the folder \(folder)")
        }

        let descriptor = try socket()
        // On Linux the file gets the mode of the socket it is bound to, so there is no moment at which others could
        // connect.
        guard fchmod(descriptor, 0o600) == 0, with(address, { Glibc.bind(descriptor, $0, $1) }) == 0 else {
            let error = IOError(errnoCode: errno, reason: "bind")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A file without a listener is what a killed process leaves behind.
    private static func isListenedTo(_ address: sockaddr_un) throws -> Bool {
        let descriptor = try socket(SOCK_NONBLOCK)
        defer { close(descriptor) }
        // A listener whose queue is full is one as well.
        return with(address, { connect(descriptor, $0, $1) }) == 0 || errno == EAGAIN
    }

    private static func address(of path: String) throws -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // One byte is left for the terminating NUL.
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else {
            throw IOError(errnoCode: ENAMETOOLONG, reason: "socket path")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func socket(_ flags: __socket_type = __socket_type(0)) throws -> CInt {
        let descriptor = Glibc.socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | flags.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        return descriptor
    }

    private static func with(
        _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Whether there is no file at all.
    static func isGone(_ path: String) -> Bool { access(path, F_OK) != 0 && errno == ENOENT }

    /// Removes the file if it is a socket; anything else is not ours.
    static func remove(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFSOCK else { return }
        unlink(path)
    }
}
