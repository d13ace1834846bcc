import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// What is said to have become of an answer.
@Suite struct HTTPDeliveryTests {
    /// The outcomes that were reported, by path.
    private final class Outcomes: Sendable {
        private let outcomes = Mutex<[String: HTTPDelivery]>([:])

        func note(_ outcome: HTTPDelivery, of path: String) { outcomes.withLock { $0[path] = outcome } }

        func of(_ path: String) async throws -> HTTPDelivery {
            try await eventually("an outcome of \(path)") { outcomes.withLock { $0[path] != nil } }
            return try #require(outcomes.withLock { $0[path] })
        }

        var count: Int { outcomes.withLock { $0.count } }
    }

    private func withOutcomes(
        grace: TimeAmount = .hours(1), bytes: Int = 1_000,
        _ body: (_ outcomes: Outcomes, _ port: Int, _ server: HTTPServer) async throws -> Void
    ) async throws {
        let outcomes = Outcomes()
        let application = TestApplication(respond: { request in
            guard request.path != "/other" else { return HTTPResponse(status: .ok) }
            return HTTPResponse(
                status: .ok, body: ByteBuffer(repeating: 97, count: bytes),
                onDelivery: { outcomes.note($0, of: request.path) })
        })
        try await withEdge(application, limits: .limits { $0.deliveryGrace = grace }) { port, server in
            try await body(outcomes, port, server)
        }
    }

    private let gone = "\r\nHost: a\r\n\r\n"

    @Test func `an answer is taken when its client asks for something else`() async throws {
        try await withOutcomes { outcomes, port, _ in
            let client = HTTPClient(port: port)
            _ = try await client.request("GET", "/1")
            #expect(outcomes.count == 0)
            _ = try await client.request("GET", "/other")
            #expect(try await outcomes.of("/1") == .taken)
        }
    }

    @Test func `an answer is taken when its client ends its side behind it`() async throws {
        for headers in [[:], ["Connection": "close"]] {
            try await withOutcomes { outcomes, port, server in
                let client = HTTPClient(port: port)
                #expect(try await client.request("GET", "/1", headers: headers).status == 200)
                try await client.endSending()
                #expect(try await client.end(within: patience).isEmpty)
                #expect(try await outcomes.of("/1") == .taken)
                try await eventually("the connections end") { try await server.connectionCount() == 0 }
            }
        }
    }

    @Test func `an answer is taken when its connection has stood for a while`() async throws {
        for headers in ["", "Connection: close\r\n"] {
            try await withOutcomes(grace: .milliseconds(20)) { outcomes, port, _ in
                for endsFirst in [false, true] {
                    let client = HTTPClient(port: port)
                    let path = "/\(endsFirst)"
                    try await client.send(raw: "GET \(path) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n")
                    if endsFirst { try await client.endSending() }
                    #expect(try await client.response().status == 200)
                    #expect(try await outcomes.of(path) == .taken)
                    if endsFirst || !headers.isEmpty { #expect(try await client.end(within: patience).isEmpty) }
                }
            }
        }
    }

    @Test func `an answer that arrived and was broken off is in doubt`() async throws {
        try await withOutcomes { outcomes, port, _ in
            let client = HTTPClient(port: port)
            _ = try await client.request("GET", "/1")
            try await client.reset()
            #expect(try await outcomes.of("/1") == .doubtful)
        }
    }

    @Test func `an answer that nobody waited for is not taken`() async throws {
        try await withOutcomes { outcomes, port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET /1 HTTP/1.1" + gone)
            try await client.endSending()
            try await client.reset()
            #expect(try await outcomes.of("/1") != .taken)
        }
    }

    @Test func `an answer of which only the beginning was read is lost`() async throws {
        try await withOutcomes(grace: .zero, bytes: 20_000_000) { outcomes, port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET /1 HTTP/1.1" + gone)
            _ = try await client.take(600)
            #expect(outcomes.count == 0)
            try await client.reset()
            #expect(try await outcomes.of("/1") == .lost)
        }
    }

    @Test func `a large answer is taken once all of it was read`() async throws {
        try await withOutcomes(grace: .zero, bytes: 20_000_000) { outcomes, port, _ in
            let client = HTTPClient(port: port)
            let response = try await client.request("GET", "/1", within: patience)
            #expect(response.body.count == 20_000_000)
            #expect(try await outcomes.of("/1") == .taken)
        }
    }

    @Test func `answers asked for together are taken together`() async throws {
        try await withOutcomes(grace: .milliseconds(20)) { outcomes, port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: (1...20).map { "GET /\($0) HTTP/1.1" + gone }.joined())
            for _ in 1...20 { #expect(try await client.response().status == 200) }
            for number in 1...20 { #expect(try await outcomes.of("/\(number)") == .taken) }
        }
    }

    @Test func `the head alone hands nothing over`() async throws {
        try await withOutcomes { outcomes, port, _ in
            _ = try await HTTPClient(port: port).request("HEAD", "/1")
            #expect(try await outcomes.of("/1") == .lost)
        }
    }

    @Test func `a server that stops counts what has arrived`() async throws {
        try await withOutcomes { outcomes, port, server in
            let client = HTTPClient(port: port)
            _ = try await client.request("GET", "/1")
            // What another connection asks is answered behind the acknowledgement of the first.
            #expect(try await HTTPClient(port: port).request("GET", "/other").status == 200)
            await server.drain(within: patience)
            #expect(try await outcomes.of("/1") == .taken)
        }
    }
}
