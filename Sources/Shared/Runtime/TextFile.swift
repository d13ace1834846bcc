import Glibc

/// Small text files, read whole.
package enum TextFile {
    /// Bytes of the largest file that is read.
    package static let maxBytes = 1 << 20

    /// - Throws: ``SystemError`` when the file cannot be read, ``Configuration/Invalid`` when it is too long.
    package static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read \(path)") }
            if count == 0 { return String(decoding: content, as: UTF8.self) }
            content += buffer[..<count]
            guard content.count <= maxBytes else {
                throw Configuration.Invalid("\(path) is longer than \(maxBytes) bytes")
            }
        }
    }
}

/// A failed system call: what was attempted and why it failed.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    package let description: String
    package let code: Int32

    /// Takes `errno`; make it right after the call.
    package init(_ operation: String) {
        code = errno
        description = "\(operation): \(String(cString: strerror(code)))"
    }
}
