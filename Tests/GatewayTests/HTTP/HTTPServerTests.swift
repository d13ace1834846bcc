import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite struct HTTPServerTests {
    @Test func `requests on one connection are answered one after the other`() async throws {
        try await withEdge { port, server in
            let client = HTTPClient(port: port)

            for number in 1...3 {
                let response = try await client.request("POST", "/p\(number)/?a=\(number)", body: "body \(number)")
                #expect(response.status == 200)
                #expect(try response.body.json["path"] == .string("/p\(number)"))
                #expect(try response.body.json["query"] == [.string("a=\(number)")])
                #expect(try response.body.json["body"] == .string("body \(number)"))
                #expect(response.headers["connection"] == nil)
            }
            #expect(try await server.connectionCount() == 1)
        }
    }

    @Test func `pipelined requests are answered in order, one at a time`() async throws {
        let atWork = Mutex(0)
        let application = TestApplication(respond: { request in
            let count = atWork.withLock { count in
                count += 1
                return count
            }
            #expect(count == 1)
            for _ in 0..<Int.random(in: 0..<5) { await Task.yield() }
            atWork.withLock { $0 -= 1 }
            return TestApplication.echo(request)
        })

        try await withEdge(application) { port, _ in
            let client = HTTPClient(port: port)
            let text = (0..<50).map { "POST /\($0) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\(10 + $0)" }
                .joined()
            try await client.send(raw: text)
            for number in 0..<50 {
                let body = try await client.response().body.json
                #expect(body["path"] == .string("/\(number)"))
                #expect(body["body"] == .string("\(10 + number)"))
            }
        }
    }

    @Test func `handlers stay on the event loop across suspensions`() async throws {
        let application = TestApplication(respond: { request in
            let before = CurrentThread.identifier()
            await Task.yield()
            await withCheckedContinuation { continuation in
                Task.detached { continuation.resume() }
            }
            let after = CurrentThread.identifier()
            return HTTPResponse(status: before == after ? .ok : .internalServerError)
        })

        try await withEdge(application) { port, _ in
            let client = HTTPClient(port: port)
            for _ in 0..<10 {
                let response = try await client.request("GET", "/")
                #expect(response.status == 200)
            }
        }
    }

    @Test func `bodies are read on every method, whole or in chunks`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            for method in ["GET", "DELETE", "PATCH"] {
                #expect(try await client.request(method, "/", body: "{}").body.json["body"] == "{}")
            }
            try await client.send(
                raw:
                    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: t\r\n\r\n"
            )
            #expect(try await client.response().body.json["body"] == "abcde")
            let large = [UInt8](repeating: UInt8(ascii: "x"), count: 2 * 1024 * 1024)
            #expect(
                try await client.request("PUT", "/", body: large).body.json["bodyBytes"] == .integer(2 * 1024 * 1024))
        }
    }

    @Test func `HEAD is answered with the length and without the body`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            let head = try await client.request("HEAD", "/x")
            let length = head.headers["content-length"].flatMap { Int($0) } ?? 0

            #expect(head.status == 200 && length > 0 && head.body.isEmpty)
            // Had a body been sent, this answer could not be read.
            #expect(try await client.request("GET", "/x").body.json["path"] == "/x")
        }
    }

    @Test func `every answer carries the standing headers unless the handler set its own`() async throws {
        let application = TestApplication(respond: { request in
            var response = HTTPResponse(status: .ok, body: ByteBuffer(string: "x"))
            guard request.path == "/own" else { return response }
            response.headers = [
                "cache-control": "max-age=5", "x-content-type-options": "other", "Content-Length": "99",
                "Connection": "close", "Transfer-Encoding": "chunked", "X-Split": "a\r\nX-Evil: 1", "Bad Name": "x",
            ]
            return response
        })

        try await withEdge(application) { port, _ in
            let client = HTTPClient(port: port)
            let plain = try await client.request("GET", "/", headers: ["X-Request-Id": "my-id.1"])
            #expect(plain.headers["x-request-id"] == "my-id.1")
            #expect(plain.headers["cache-control"] == "no-store")
            #expect(plain.headers["x-content-type-options"] == "nosniff")
            #expect(plain.headers["date"]?.hasSuffix(" GMT") == true)

            let own = try await client.request("GET", "/own", headers: ["X-Request-Id": "not ok"])
            #expect(own.headers["x-request-id"]?.utf8.count == 16)
            #expect(own.headers["cache-control"] == "max-age=5")
            #expect(own.headers["x-content-type-options"] == "other")
            #expect(own.headers["content-length"] == "1")
            #expect(Set(own.headers.keys).isDisjoint(with: ["connection", "transfer-encoding", "x-split", "x-evil"]))
        }
    }

    @Test func `large answers arrive whole`() async throws {
        let size = 3_000_000
        let application = TestApplication(respond: { _ in
            HTTPResponse(status: .ok, body: ByteBuffer(repeating: UInt8(ascii: "z"), count: size))
        })

        try await withEdge(application) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 5))
            for _ in 0..<5 { #expect(try await client.response(within: patience).body.count == size) }
        }
    }

    @Test func `a large last answer may take longer than the client may linger`() async throws {
        let application = TestApplication(respond: { _ in
            HTTPResponse(status: .ok, body: ByteBuffer(repeating: UInt8(ascii: "z"), count: 20_000_000))
        })

        try await withEdge(application, limits: .limits { $0.lingerTimeout = .zero }) { port, _ in
            let client = HTTPClient(port: port)
            let response = try await client.request("GET", "/", headers: ["Connection": "close"], within: patience)
            #expect(response.body.count == 20_000_000)
        }
    }

    @Test func `HTTP 1,0 closes unless asked to stay`() async throws {
        try await withEdge { port, _ in
            let closing = HTTPClient(port: port)
            try await closing.send(raw: "GET / HTTP/1.0\r\n\r\n")
            #expect(try await closing.response().headers["connection"] == "close")
            #expect(try await closing.end(within: patience).isEmpty)

            let staying = HTTPClient(port: port)
            for _ in 0..<2 {
                try await staying.send(raw: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try await staying.response().headers["connection"] == "keep-alive")
            }
        }
    }

    @Test func `a client that asks to close is obeyed`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            let response = try await client.request("GET", "/", headers: ["Connection": "close"])
            #expect(response.headers["connection"] == "close")
            #expect(try await client.end(within: patience).isEmpty)
        }
    }

    @Test func `a client that waits for 100 is told to go on`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await client.response(includingInterim: true).status == 100)
            try await client.send(raw: "ab")
            #expect(try await client.response().body.json["body"] == "ab")
        }
    }

    @Test func `a request for another protocol is answered as if it had not asked`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            let response = try await client.request("GET", "/", headers: ["Upgrade": "h2c", "Connection": "Upgrade"])
            #expect(response.status == 200)
            #expect(response.headers["connection"] == "close")
        }
    }

    @Test func `a unix socket is served with mode 0600 and a left-over file replaced`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/edge.sock"
            try await withEdge { _, server in
                // What a killed process leaves behind.
                try UnixSocketFile.close(UnixSocketFile.bind(path))
                try await server.bind(unixSocket: path)
                #expect(UnixSocketFile.mode(path) == 0o600)
                #expect(try await HTTPClient(unixSocket: path).request("GET", "/u").body.json["path"] == "/u")
            }
            #expect(UnixSocketFile.mode(path) == nil)
        }
    }
}
