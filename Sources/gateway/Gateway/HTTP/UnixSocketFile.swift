import Glibc
import NIOCore

/// Binding of a Unix socket whose file never exists with a wider mode than 0600.
enum UnixSocketFile {
    /// - Returns: a bound stream socket, not yet listening.
    /// - Throws: `IOError`, also when the path is too long for a socket address or is taken by another kind of file.
    static func bind(_ path: String) throws -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // One byte is left for the terminating NUL.
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else {
            throw IOError(errnoCode: ENAMETOOLONG, reason: "socket path")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        remove(path)

        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        // On Linux the file gets the mode of the socket it is bound to, so there is no moment at which others could
        // connect.
        let bound =
            fchmod(descriptor, 0o600) == 0
            && withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            }
        guard bound else {
            let error = IOError(errnoCode: errno, reason: "bind")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Removes the file if it is a socket; anything else is not ours.
    static func remove(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFSOCK else { return }
        unlink(path)
    }
}
