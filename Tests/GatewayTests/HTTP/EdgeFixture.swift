import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TestSupport

@testable import Gateway

/// An application made of closures, for tests of the server alone. Refusals are told by their name and path.
struct TestApplication: HTTPApplication {
    var respond: @Sendable (HTTPRequest) async -> HTTPResponse = { TestApplication.echo($0) }
    var upgrade: @Sendable (HTTPRequest) async -> WebSocketUpgrade = { _ in .respond }
    var account: @Sendable (HTTPRequest) -> Int64? = { _ in nil }

    func respond(to request: HTTPRequest) async -> HTTPResponse { await respond(request) }

    func account(of request: HTTPRequest) -> Int64? { account(request) }

    func refuse(_ refusal: HTTPRefusal, path: String, requestID: String) -> HTTPResponse {
        var writer = JSONWriter()
        writer.object {
            $0.field("refusal", "\(refusal)")
            $0.field("path", path)
            $0.field("id", requestID)
        }
        return HTTPResponse(status: refusal.status, json: writer)
    }

    func upgrade(_ request: HTTPRequest) async -> WebSocketUpgrade { await upgrade(request) }

    /// Answers with what arrived.
    static func echo(_ request: HTTPRequest) -> HTTPResponse {
        var writer = JSONWriter()
        writer.object {
            $0.field("method", request.method.rawValue)
            $0.field("path", request.path)
            $0.array("query", request.query.pairs) { pair, writer in writer.value("\(pair.name)=\(pair.value)") }
            $0.field("bodyBytes", request.body.readableBytes)
            $0.field("body", String(buffer: request.body))
        }
        return HTTPResponse(status: .ok, json: writer)
    }
}

/// A timeout that only ends a broken test; nothing is ever made to happen by waiting for it.
let patience = Duration.seconds(20)

/// Runs `body` against a server on an event loop of its own, and stops the server afterwards.
func withEdge(
    _ application: TestApplication = TestApplication(),
    limits configuration: HTTPServerConfiguration = .limits { _ in },
    _ body: (_ port: Int, _ server: HTTPServer) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = HTTPServer(
        configuration: configuration, application: application, eventLoop: group.next(),
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let port = try await server.bind(host: "127.0.0.1", port: 0)
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(port, server))
    } catch {
        result = .failure(error)
    }
    await server.drain(within: .milliseconds(100))
    try await group.shutdownGracefully()
    return try result.get()
}

/// A value that one side sets once and the other awaits.
final class Signal<Value: Sendable>: Sendable {
    private enum State {
        case empty([CheckedContinuation<Value, Never>])
        case set(Value)
    }

    private let state = Mutex(State.empty([]))

    func set(_ value: Value) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, Never>] in
            guard case .empty(let waiting) = state else { return [] }
            state = .set(value)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let value = state.withLock { state -> Value? in
                    switch state {
                    case .set(let value): return value
                    case .empty(let waiting):
                        state = .empty(waiting + [continuation])
                        return nil
                    }
                }
                if let value { continuation.resume(returning: value) }
            }
        }
    }
}

extension [UInt8] {
    /// The bytes as a JSON object.
    var json: JSONObject {
        get throws { try JSONValue(parsing: ByteBuffer(bytes: self)).object ?? JSONObject() }
    }
}

enum CurrentThread {
    /// The thread that runs this.
    static func identifier() -> UInt { UInt(pthread_self()) }
}

extension UnixSocketFile {
    static func close(_ descriptor: CInt) {
        Glibc.close(descriptor)
    }

    /// The permissions of the file, or `nil` if there is none.
    static func mode(_ path: String) -> UInt32? {
        var information = stat()
        return lstat(path, &information) == 0 ? information.st_mode & 0o777 : nil
    }
}

extension HTTPServerConfiguration {
    /// The defaults with some changes, with deadlines looked at often, and with all places for this host.
    static func limits(_ change: (inout HTTPServerConfiguration) -> Void) -> HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.sweepInterval = .milliseconds(10)
        configuration.countsNetwork = { _ in false }
        change(&configuration)
        return configuration
    }
}

extension HTTPServer {
    /// Whether ``drain(within:)`` has begun.
    func isDraining() async -> Bool {
        (try? await eventLoop.submit { self.state.value.isDraining }.get()) ?? true
    }
}

extension HTTPClient {
    /// Sends a handshake on this connection and returns its answer.
    func requestUpgrade(_ path: String) async throws -> Response {
        try await send(
            raw: """
                GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                """)
        return try await response(includingInterim: true)
    }
}
