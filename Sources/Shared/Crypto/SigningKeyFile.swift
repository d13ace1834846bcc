import Glibc

/// The file in which a service keeps its signing key: PKCS#8 in PEM, mode 0600.
package struct SigningKeyFile {
    /// A signing key file that cannot be used. The text names the file and says what to do, and shows nothing of the
    /// key.
    package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong with the file.
        package enum Reason: Sendable, Hashable {
            /// The group or others have some right on the file; the value is its mode.
            case permissions(UInt32)
            /// The file belongs to this user, who is neither the user of the process nor root.
            case owner(UInt32)
            /// The path leads to a folder, a device, a pipe or a socket.
            case notAFile
            /// The content is not an Ed25519 private key in PEM.
            case damaged
            /// The named system call failed with this errno.
            case system(String, Int32)
        }

        /// The path as it was given.
        package let path: String
        /// What is wrong.
        package let reason: Reason

        package var description: String {
            let explanation =
                switch reason {
                case .permissions(let mode):
                    "its mode is 0\(String(mode, radix: 8)), so others may have read it; "
                        + "remove it to get a new key, or set mode 0600 if nobody has"
                case .owner(let user): "it belongs to user \(user)"
                case .notAFile: "it is not a regular file"
                case .damaged:
                    "it is not an unencrypted Ed25519 private key in PEM; restore it, or remove it to get a new key"
                case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
                }
            return "signing key file \(path): \(explanation)"
        }
    }

    /// Returns the key in the file at `path`, or makes one and stores it there if there is no file.
    ///
    /// A new key is on the disk (file and folder synchronised) before it is returned, and appears under its name whole
    /// or not at all. Two processes that start at once get the same key. An existing file is never changed.
    ///
    /// - Throws: ``Failure`` if the file is accessible to the group or to others, belongs to another user, is damaged,
    ///   or cannot be read or written; ``CryptoError`` if no key can be made.
    package static func loadOrCreate(at path: String) throws -> Ed25519PrivateKey {
        if let key = try load(path) { return key }
        let key = try Ed25519PrivateKey.generate()
        if try create(path, holding: key) { return key }
        // Another process was faster; its key is the one on the disk.
        guard let winner = try load(path) else { throw Failure(path: path, reason: .system("open", ENOENT)) }
        return winner
    }

    private static let mode: mode_t = 0o600
    /// Our file has 119 bytes; more than this is something else and not worth reading.
    private static let byteLimit = 4096

    /// Returns nil if there is no file.
    private static func load(_ path: String) throws -> Ed25519PrivateKey? {
        // Without O_NONBLOCK a pipe under this name would stop the start for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            guard code == ENOENT else { throw Failure(path: path, reason: .system("open", code)) }
            return nil
        }
        defer { close(descriptor) }

        // The open file is examined, not the name, which could lead elsewhere by now.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(path: path, reason: .system("fstat", errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(path: path, reason: .notAFile) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw Failure(path: path, reason: .owner(status.st_uid))
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Failure(path: path, reason: .permissions(status.st_mode & 0o7777))
        }

        var bytes = try readAll(descriptor, path)
        defer { bytes.wipe() }
        guard bytes.count <= byteLimit, let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(path: path, reason: .damaged)
        }
        do {
            return try Ed25519PrivateKey(pem: text)
        } catch CryptoError.invalidKey {
            throw Failure(path: path, reason: .damaged)
        }
    }

    private static func readAll(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteLimit + 1)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(path: path, reason: .system("read", errno))
            }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes.prefix(filled))
    }

    /// Returns false, leaving everything as it was, if a file of that name exists by now.
    private static func create(_ path: String, holding key: Ed25519PrivateKey) throws -> Bool {
        // The random part keeps two processes, and the remains of a crash, from meeting in one file.
        let temporary = path + ".new-" + Base64URL.encode(try secureRandomBytes(9))
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw Failure(path: path, reason: .system("open \(temporary)", errno)) }
        defer { unlink(temporary) }
        do {
            defer { close(descriptor) }
            var bytes = Array(try key.pem.utf8)
            defer { bytes.wipe() }
            try writeAll(bytes, to: descriptor, path)
            guard fsync(descriptor) == 0 else { throw Failure(path: path, reason: .system("fsync", errno)) }
        }
        // link, not rename: rename would replace the key that another process made and already uses.
        if link(temporary, path) != 0 {
            let code = errno
            guard code == EEXIST else { throw Failure(path: path, reason: .system("link", code)) }
            return false
        }
        try synchroniseFolder(of: path)
        return true
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(path: path, reason: .system("write", errno))
            }
            written += count
        }
    }

    private static func synchroniseFolder(of path: String) throws {
        let folder =
            switch path.lastIndex(of: "/") {
            case nil: "."
            case path.startIndex?: "/"
            case let slash?: String(path[..<slash])
            }
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, reason: .system("open \(folder)", errno)) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure(path: path, reason: .system("fsync \(folder)", errno)) }
    }
}
