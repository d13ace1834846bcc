import Glibc

/// A place on the bus: `ipc://` on one host, `tcp://` with CURVE keys between hosts, `inproc://` in tests.
package struct BusEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// Why a text is no endpoint.
    package struct Invalid: Error, CustomStringConvertible {
        package let description: String
    }

    package let description: String
    private let scheme: Substring

    /// Bytes of a Unix socket's path (`sun_path` less its terminator).
    package static let maxPathBytes = 107

    package init(_ text: String) throws(Invalid) {
        guard let separator = text.firstRange(of: "://"), separator.upperBound < text.endIndex else {
            throw Invalid(description: "'\(text)' is no endpoint: ipc://PATH, tcp://HOST:PORT or inproc://NAME")
        }
        scheme = text[..<separator.lowerBound]
        guard ["ipc", "tcp", "inproc"].contains(scheme) else {
            throw Invalid(description: "'\(text)' is neither ipc, tcp nor inproc")
        }
        description = text
        if let path, path.utf8.count > Self.maxPathBytes {
            throw Invalid(description: "socket path longer than \(Self.maxPathBytes) bytes: \(path)")
        }
    }

    /// The file of an `ipc` endpoint.
    package var path: String? { scheme == "ipc" ? String(description.dropFirst("ipc://".count)) : nil }

    var needsCurve: Bool { scheme == "tcp" }

    /// Whether both ends are on one host, and so have one monotonic clock.
    var isOnThisHost: Bool { scheme != "tcp" }
}

/// How this process's sockets are opened, the same for every one of them.
package struct BusSecurity: Sendable {
    /// The key pair all processes of the deployment share; needed for `tcp` endpoints, unused elsewhere.
    package let curveKeys: CurveKeyPair?

    package init(curveKeys: CurveKeyPair? = nil) { self.curveKeys = curveKeys }

    func bind(_ socket: ZMQSocket, to endpoint: BusEndpoint) throws {
        if endpoint.needsCurve { try socket.serveCurve(try keys(for: endpoint)) }
        guard let path = endpoint.path else { return try socket.bind(endpoint.description) }
        // ZeroMQ cannot remove an older file there either, and then says that the address is in use.
        try Folder.insistOnWritable(Folder.of(path))
        // The socket file must never exist with wider permissions, not even for the moment before a chmod.
        let previous = umask(0o177)
        defer { umask(previous) }
        try socket.bind(endpoint.description)
    }

    func connect(_ socket: ZMQSocket, to endpoint: BusEndpoint) throws {
        if endpoint.needsCurve {
            let keys = try keys(for: endpoint)
            try socket.useCurve(keys, server: keys.publicKey)
        }
        try socket.connect(endpoint.description)
    }

    private func keys(for endpoint: BusEndpoint) throws(BusEndpoint.Invalid) -> CurveKeyPair {
        guard let curveKeys else {
            throw BusEndpoint.Invalid(description: "\(endpoint) needs CURVE keys (bus.curve-keys)")
        }
        return curveKeys
    }
}
