import Glibc

/// TCP sockets of this host's loopback interface.
enum Loopback {
    /// A connection to a port, established and non-blocking.
    static func connect(port: Int) throws -> Int32 {
        let descriptor = try open()
        var address = address(port: port)
        let result = withSocketAddress(&address) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else {
            let failure = BenchmarkFailure.system("connect")
            close(descriptor)
            throw failure
        }
        try prepare(descriptor)
        return descriptor
    }

    /// A listening socket on a port that was free.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = try open()
        var address = address(port: 0)
        guard withSocketAddress(&address, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 4_096) == 0
        else { throw BenchmarkFailure.system("listen") }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { throw BenchmarkFailure.system("getsockname") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// The next connection of a listening socket; `nil` when there is none.
    static func accept(_ listener: Int32) throws -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else {
            if errno == EAGAIN || errno == EINTR || errno == ECONNABORTED { return nil }
            throw BenchmarkFailure.system("accept")
        }
        try prepare(descriptor)
        return descriptor
    }

    /// Makes a descriptor non-blocking, and sends small segments at once.
    static func prepare(_ descriptor: Int32) throws {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { throw BenchmarkFailure.system("fcntl") }
    }

    private static func open() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchmarkFailure.system("socket") }
        return descriptor
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    private static func withSocketAddress(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
