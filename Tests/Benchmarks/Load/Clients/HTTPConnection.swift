/// An answer, as long as its handler runs.
struct HTTPAnswer {
    let status: Int
    let body: UnsafeRawBufferPointer
}

/// A keep-alive connection with one request at a time.
final class HTTPConnection: LoopSocket {
    /// Gets every answer.
    var onAnswer: (HTTPAnswer) throws -> Void = { _ in }
    private(set) var isWaiting = false
    private let port: Int
    private var isOpen = true

    init(_ loop: SocketLoop, port: Int) throws {
        self.port = port
        try super.init(try Loopback.connect(port: port), in: loop)
    }

    /// The bytes of a request with a JSON body.
    static func request(_ method: String, _ path: String, token: String? = nil, json: String = "") -> [UInt8] {
        let authorization = token.map { "Authorization: \($0)\r\n" } ?? ""
        return Array(
            """
            \(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
            Content-Length: \(json.utf8.count)\r\n\(authorization)\r\n\(json)
            """.utf8)
    }

    func send(_ request: [UInt8]) throws {
        precondition(!isWaiting, "one request at a time")
        if !isOpen { try reopen(try Loopback.connect(port: port)) }
        isOpen = true
        isWaiting = true
        write(request)
    }

    override func received(_ bytes: UnsafeMutableRawBufferPointer) throws -> Int {
        let bytes = UnsafeRawBufferPointer(bytes)
        guard let end = bytes.first("\r\n\r\n") else { return 0 }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        guard let status = head.number(at: 9), let length = head.number(after: "Content-Length: ") else {
            throw BenchmarkFailure("not an HTTP answer: \(head.asText)")
        }
        let total = end + 4 + length
        guard bytes.count >= total else { return 0 }
        isWaiting = false
        try onAnswer(
            HTTPAnswer(status: status, body: UnsafeRawBufferPointer(rebasing: bytes[(end + 4)..<total])))
        return total
    }

    /// A server closes what has been idle for long; the next request opens another one.
    override func ended() throws {
        guard !isWaiting else { throw BenchmarkFailure("the gateway closed an HTTP connection") }
        isOpen = false
        try loop.close(self)
    }
}
