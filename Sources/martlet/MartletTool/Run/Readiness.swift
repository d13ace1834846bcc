import Glibc
import Shared

/// What a gateway says of itself at `/readyz`.
struct Readiness {
    /// How long an answer may take.
    private static let patience = timeval(tv_sec: 1, tv_usec: 0)
    /// Bytes of the longest answer.
    private static let maxBytes = 64 << 10

    let isReady: Bool
    let body: String

    /// Asks a gateway.
    ///
    /// - Parameter admin: where it answers its operator: `unix:<path>` or `<host>:<port>`.
    /// - Returns: `nil` when nobody answers there.
    static func ask(_ admin: String) -> Readiness? {
        guard let descriptor = admin.hasPrefix("unix:") ? connectUnix(String(admin.dropFirst(5))) : connectTCP(admin)
        else { return nil }
        defer { close(descriptor) }
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else {
            return nil
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while answer.count < maxBytes {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return count == 0 ? parse(String(decoding: answer, as: UTF8.self)) : nil }
            answer += buffer[..<count]
        }
        return nil
    }

    /// - Parameter answer: an HTTP response, whole.
    static func parse(_ answer: String) -> Readiness? {
        guard let end = answer.unicodeScalars.firstRange(of: "\r\n\r\n".unicodeScalars) else { return nil }
        let status = answer.split(separator: " ", maxSplits: 2).dropFirst().first
        return Readiness(isReady: status == "200", body: String(answer[end.upperBound...]))
    }

    private static func connectUnix(_ path: String) -> Int32? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(AF_UNIX, to: $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func connectTCP(_ address: String) -> Int32? {
        guard let colon = address.lastIndex(of: ":") else { return nil }
        let host = address[..<colon].filter { $0 != "[" && $0 != "]" }
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(address[address.index(after: colon)...]), &hints, &found) == 0, let found else {
            return nil
        }
        defer { freeaddrinfo(found) }
        return connect(found.pointee.ai_family, to: found.pointee.ai_addr, found.pointee.ai_addrlen)
    }

    private static func connect(
        _ family: Int32, to address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) -> Int32? {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var patience = patience
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        guard Glibc.connect(descriptor, address, length) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
