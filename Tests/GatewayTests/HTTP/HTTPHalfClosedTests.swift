import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Gateway

/// Clients that have said all they had to say, and still listen.
@Suite struct HTTPHalfClosedTests {
    @Test func `a client that ends its side behind its request is answered`() async throws {
        let release = Signal<Void>()
        let application = TestApplication(respond: { request in
            if request.path == "/held" { await release.value }
            return TestApplication.echo(request)
        })

        try await withEdge(application) { port, server in
            for path in ["/quick", "/held"] {
                let client = HTTPClient(port: port)
                try await client.send(raw: "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")
                try await client.endSending()
                // An answer on another connection proves that the end was seen.
                #expect(try await HTTPClient(port: port).request("GET", "/").status == 200)
                release.set(())
                let response = try await client.response()
                #expect(try response.body.json["path"] == .string(path))
                #expect(try response.body.json["body"] == "ab")
                #expect(try await client.end(within: patience).isEmpty)
            }
            try await eventually("the connections end") { try await server.connectionCount() == 0 }
        }
    }

    @Test func `all its requests are answered, and then the connection ends`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: (0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            try await client.endSending()
            for number in 0..<20 { #expect(try await client.response().body.json["path"] == .string("/\(number)")) }
            #expect(try await client.end(within: patience).isEmpty)
        }
    }

    @Test func `a large answer reaches it whole`() async throws {
        let size = 20_000_000
        let application = TestApplication(respond: { _ in
            HTTPResponse(status: .ok, body: ByteBuffer(repeating: UInt8(ascii: "z"), count: size))
        })
        for headers in ["", "Connection: close\r\n"] {
            try await withEdge(application) { port, _ in
                let client = HTTPClient(port: port)
                try await client.send(raw: "GET / HTTP/1.1\r\nHost: a\r\n\(headers)\r\n")
                try await client.endSending()
                #expect(try await client.response(within: patience).body.count == size)
                #expect(try await client.end(within: patience).isEmpty)
            }
        }
    }

    @Test func `a request that is not whole by then is refused`() async throws {
        try await withEdge { port, _ in
            for text in ["GET /half HTTP/1.1\r\nHo", "POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"] {
                let client = HTTPClient(port: port)
                try await client.send(raw: text)
                try await client.endSending()
                let response = try await client.response()
                #expect(response.status == 400)
                #expect(try response.body.json["path"] == "/half")
                #expect(try await client.end(within: patience).isEmpty)
            }
        }
    }

    @Test func `a connection that ends without a word is ended too`() async throws {
        try await withEdge { port, server in
            let silent = HTTPClient(port: port)
            try await silent.open()
            try await silent.endSending()
            #expect(try await silent.end(within: patience).isEmpty)
            let idle = HTTPClient(port: port)
            #expect(try await idle.request("GET", "/").status == 200)
            try await idle.endSending()
            #expect(try await idle.end(within: patience).isEmpty)
            try await eventually("the connections end") { try await server.connectionCount() == 0 }
        }
    }
}
