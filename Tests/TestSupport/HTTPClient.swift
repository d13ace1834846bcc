import Dispatch
import Synchronization

/// One keep-alive HTTP/1.1 connection for tests; it connects when first used, and again after the server closed.
///
/// Requests are sent one at a time, in the order of the calls. Nothing is retried, followed or repaired.
package final class HTTPClient: Sendable {
    package typealias Response = (status: Int, headers: [String: String], body: [UInt8])

    private let connect: @Sendable () throws -> ClientSocket
    private let queue = DispatchQueue(label: "test.http-client")
    private let connection = Mutex(Connection())

    private struct Connection {
        var socket: ClientSocket?
        /// Whether the server announced to close, so that the next request needs a new one.
        var isSpent = false
    }

    /// A client of a port of the loopback address.
    package init(port: Int) {
        connect = { try ClientSocket.connect(port: port) }
    }

    /// A client of a Unix socket.
    package init(unixSocket path: String) {
        connect = { try ClientSocket.connect(unixSocket: path) }
    }

    /// Sends a request and awaits its answer. `Host` and, with a body, `Content-Length` are added.
    ///
    /// - Returns: header names in lower case; values of repeated names joined by `", "`.
    package func request(
        _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8] = [],
        within limit: Duration = .seconds(10)
    ) async throws -> Response {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        let bytes = Array((head + "\r\n").utf8) + body
        return try await ClientSocket.run(on: queue) {
            try self.current(toSend: true).send(bytes)
            return try self.readResponse(to: method, until: .now + limit)
        }
    }

    /// Sends a request with a text as its body.
    package func request(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String
    ) async throws -> Response {
        try await request(method, path, headers: headers, body: Array(body.utf8))
    }

    /// Sends bytes as they are.
    package func send(raw bytes: [UInt8]) async throws {
        try await ClientSocket.run(on: queue) { try self.current(toSend: true).send(bytes) }
    }

    /// Sends a text as it is.
    package func send(raw text: String) async throws {
        try await send(raw: Array(text.utf8))
    }

    /// Awaits the next answer; `method` says whether it has a body. Interim answers are skipped unless asked for.
    package func response(
        to method: String = "GET", includingInterim: Bool = false, within limit: Duration = .seconds(10)
    ) async throws -> Response {
        try await ClientSocket.run(on: queue) {
            try self.readResponse(to: method, includingInterim: includingInterim, until: .now + limit)
        }
    }

    /// Awaits the end of the connection.
    ///
    /// - Returns: the bytes that came before it.
    @discardableResult
    package func end(within limit: Duration = .seconds(10)) async throws -> [UInt8] {
        try await ClientSocket.run(on: queue) {
            defer { self.connection.withLock { $0 = Connection() } }
            return try self.current().takeAll(until: .now + limit)
        }
    }

    /// Connects now, for tests that care about the connection itself.
    package func open() async throws {
        try await ClientSocket.run(on: queue) { _ = try self.current() }
    }

    /// Closes the connection.
    package func close() {
        connection.withLock { connection in
            connection.socket?.close()
            connection = Connection()
        }
    }

    /// Ends the sending side of the connection; answers can still be read.
    package func endSending() async throws {
        try await ClientSocket.run(on: queue) { try self.current().shutdownSending() }
    }

    /// Resets the connection, like a process that ends without having read everything.
    package func reset() async throws {
        try await ClientSocket.run(on: queue) {
            try self.current().reset()
            self.connection.withLock { $0 = Connection() }
        }
    }

    /// Reads so many bytes, and leaves the rest unread.
    package func take(_ count: Int, within limit: Duration = .seconds(10)) async throws -> [UInt8] {
        try await ClientSocket.run(on: queue) { try self.current().take(count, until: .now + limit) }
    }

    private func current(toSend: Bool = false) throws -> ClientSocket {
        try connection.withLock { connection in
            if let socket = connection.socket, !(toSend && connection.isSpent) { return socket }
            let socket = try connect()
            connection = Connection(socket: socket)
            return socket
        }
    }

    private func readResponse(
        to method: String, includingInterim: Bool = false, until deadline: ContinuousClock.Instant
    ) throws -> Response {
        let socket = try current()
        while true {
            let head = try ResponseHead(socket.take(through: Array("\r\n\r\n".utf8), until: deadline))
            if (100..<200).contains(head.status) {
                if includingInterim { return (head.status, head.headers, []) }
                continue
            }
            var body: [UInt8] = []
            if method != "HEAD", head.status != 204, head.status != 304 {
                guard let length = head.headers["content-length"].flatMap({ Int($0) }) else {
                    throw ClientError.malformed("no content length")
                }
                body = try socket.take(length, until: deadline)
            }
            if head.headers["connection"]?.lowercased() == "close" { connection.withLock { $0.isSpent = true } }
            return (head.status, head.headers, body)
        }
    }
}

/// Status line and headers of an answer.
struct ResponseHead {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]

    init(_ bytes: [UInt8]) throws {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        let statusLine = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard statusLine.count >= 2, statusLine[0] == "HTTP/1.1", let status = Int(statusLine[1]) else {
            throw ClientError.malformed("status line")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw ClientError.malformed("header") }
            let name = line[..<colon].lowercased()
            let value = String(line[line.index(after: colon)...].drop { $0 == " " })
            headers[name] = headers[name].map { "\($0), \(value)" } ?? value
        }
        self.status = status
        self.headers = headers
    }
}
