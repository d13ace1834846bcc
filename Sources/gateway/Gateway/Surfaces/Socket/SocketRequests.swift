import Logging
import NIOCore
import Shared

/// One request connection: every text frame is a request, worked on at once and answered in its turn.
///
/// Lives on the connection's event loop, as long as the connection does.
actor SocketRequests {
    /// Works on a request; `respond` must be called once, on the connection's event loop.
    typealias Work = @Sendable (ByteBuffer, _ respond: @escaping Respond) -> Void
    typealias Respond = @Sendable (WebSocketFrameBytes) -> Void

    /// Requests without an answer; then the connection is not read until one has it.
    static let maxUnanswered = 32
    /// Bytes of one request: the longest message fits with every character of it escaped.
    static let maxRequestBytes = 256 * 1024

    private let socket: WebSocketConnection
    private let isAllowed: @Sendable () -> Bool
    private let work: Work
    /// Answers in the order of their requests; `nil` for those that are not there yet.
    private var answers: CircularBuffer<WebSocketFrameBytes?> = []
    /// The number of the request whose answer is next.
    private var first = 0
    /// How the connection ends once every request that was taken is answered; no more are.
    private var end: WebSocketEnd?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        socket.eventLoop.executor.asUnownedSerialExecutor()
    }

    private init(_ socket: WebSocketConnection, isAllowed: @escaping @Sendable () -> Bool, work: @escaping Work) {
        self.socket = socket
        self.isAllowed = isAllowed
        self.work = work
    }

    /// Makes a connection take requests; whyever it ends, those that were taken are answered before it closes.
    /// Must be called on its event loop.
    ///
    /// - Parameters:
    ///   - isAllowed: asked before each request; `false` closes the connection.
    ///   - work: makes the answer of a request.
    static func begin(
        on socket: WebSocketConnection, isAllowed: @escaping @Sendable () -> Bool, work: @escaping Work
    ) {
        let requests = SocketRequests(socket, isAllowed: isAllowed, work: work)
        socket.maxMessageBytes = maxRequestBytes
        socket.onText = { text in requests.assumeIsolated { $0.take(text) } }
        socket.onEnding = { end in requests.assumeIsolated { $0.finish(end) } }
    }

    private func take(_ request: ByteBuffer) {
        guard isAllowed() else { return socket.close(SocketSurface.unauthorized) }
        let number = first + answers.count
        answers.append(nil)
        if isFull { socket.pauseReading() }
        socket.beginRequest()
        work(request) { [self] answer in assumeIsolated { $0.settle(number, answer) } }
    }

    private func settle(_ number: Int, _ answer: WebSocketFrameBytes) {
        socket.endRequest()
        answers[offset: number - first] = answer
        while case let ready?? = answers.first {
            socket.send(ready)
            answers.removeFirst()
            first += 1
        }
        goOn()
    }

    private func finish(_ end: WebSocketEnd) {
        self.end = end
        socket.pauseReading()
        goOn()
    }

    /// Takes more requests, if there is room; in the end closes behind the last answer.
    private func goOn() {
        if let end {
            if answers.isEmpty { socket.close(end) }
        } else if !isFull {
            socket.resumeReading()
        }
    }

    private var isFull: Bool { answers.count >= Self.maxUnanswered }
}

/// How a request connection works on a request.
enum SocketOperation {
    typealias Respond = @Sendable (Result<SocketAnswer, SocketRefusal>) -> Void

    /// In a task of its own.
    case task(@Sendable (SocketCall) async throws(SocketRefusal) -> SocketAnswer)
    /// On the event loop, where it answers too. For messages, of which there are more than of all the rest together: a
    /// task and its continuations would cost as much as all that is done for them here.
    case direct(@Sendable (SocketCall, @escaping Respond) -> Void)
}

/// A request with its fields read as the contract says: text is text, an id is an integer or a decimal string.
struct SocketCall: Sendable {
    let session: Session
    let context: CallContext
    private let body: JSONObject

    /// - Throws: ``SocketRefusal/badParameters`` for what is no JSON object.
    init(_ frame: ByteBuffer, _ session: Session, _ context: CallContext) throws(SocketRefusal) {
        guard let body = JSONObject(parsing: frame) else { throw .badParameters }
        self.body = body
        self.session = session
        self.context = context
    }

    /// A text that must not be empty.
    func nonEmptyText(_ name: String) throws(SocketRefusal) -> String {
        guard let text = body[name]?.string, !text.isEmpty else { throw .badParameters }
        return text
    }

    /// A text that may be missing or null.
    func optionalText(_ name: String) throws(SocketRefusal) -> String? {
        switch body[name] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw .badParameters
        }
    }

    func id(_ name: String) throws(SocketRefusal) -> Int64 {
        guard let id = try optionalID(name) else { throw .badParameters }
        return id
    }

    /// An id that may be missing, null or empty.
    func optionalID(_ name: String) throws(SocketRefusal) -> Int64? {
        switch body[name] {
        case nil, .null, "": return nil
        case let value?:
            guard let id = SurfaceCall<SocketHTTPError>.id(value) else { throw .badParameters }
            return id
        }
    }

    /// A JSON boolean, or its name as a text.
    func agreement() throws(SocketRefusal) -> Bool {
        switch body["agree"] {
        case .bool(let agrees): return agrees
        case "true": return true
        case "false": return false
        default: throw .badParameters
        }
    }

    /// The client's own id of a message; `nil` for none.
    func clientMessageID() throws(SocketRefusal) -> String? {
        guard let id = try optionalText("clientMessageId") else { return nil }
        guard ClientMessageID.isPossible(id) else { throw .badParameters }
        return id
    }
}
