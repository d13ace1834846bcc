import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Gateway

@Suite struct HTTPRefusalTests {
    private static let malformed: [(String, String)] = [
        (
            "two framings",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        (
            "two framings turned",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
        ),
        ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
        ("list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde"),
        ("signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde"),
        ("hex length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nabcde"),
        // Where such a body ends nobody knows (RFC 9112 section 6.3).
        ("chunked not last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        ("no length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabcde"),
        ("negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nabcde"),
        ("length with a gap", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nabcde"),
        ("chunks in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("bad chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        ("huge chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
        ("chunk without CR", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n"),
        ("bare LF", "GET / HTTP/1.1\nHost: a\n\n"), ("LF in head", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
        ("bare CR", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
        ("folding", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"),
        ("space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"), ("NUL", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
        ("no host", "GET / HTTP/1.1\r\n\r\n"), ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("bad version", "GET / HTTP/1.5\r\nHost: a\r\n\r\n"), ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("HTTP/0.9", "GET /\r\n\r\n"), ("NUL in path", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("no header name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
        ("space in header name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n"),
        ("tab", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        ("space in chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 1\r\nx\r\n"),
        ("signed chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n"),
        ("not UTF-8", "GET /?a=%ff HTTP/1.1\r\nHost: a\r\n\r\n"), ("raw UTF-8", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\r\n\r\n"), ("tunnel", "CONNECT host:443 HTTP/1.1\r\nHost: host\r\n\r\n"),
    ]

    @Test(arguments: malformed) func `a malformed request is refused in the application's words and closes`(
        name: String, text: String
    ) async throws {
        try await withEdge(TestApplication(respond: { _ in HTTPResponse(status: .imATeapot) })) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: text)
            let response = try await client.response()
            #expect(response.status == 400, "\(name)")
            #expect(try response.body.json["refusal"] == "malformedRequest")
            #expect(try response.body.json["id"].map { .string(response.headers["x-request-id"] ?? "") == $0 } == true)
            #expect(response.headers["connection"] == "close")
            #expect(try await client.end(within: patience).isEmpty)
        }
    }

    @Test(arguments: [
        "a b", "a b/@", "a/", "u@a", "a:b", "a:80:80", "[::1", "::1", "[g]", "a%", "a%2", "é", "a?b", "a#b", "a\\b",
        "<a>", "\"a\"",
    ]) func `a host that is none is refused`(host: String) async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try await client.response().status == 400)
        }
    }

    @Test(arguments: [
        "", "a", "a:", "a:80", "A.example.com", "127.0.0.1:8000", "[::1]", "[::1]:80", "[v1.x:y]", "a_b~-.!$&'()*+,;=",
        "a%C3%A9", " a ",
    ]) func `a host that may be one is taken`(host: String) async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }

    @Test(arguments: [
        "gzip, chunked", "gzip", "xchunked", "identity", ",chunked", "identity\r\nTransfer-Encoding: chunked",
    ]) func `a transfer coding other than chunked alone is not implemented`(coding: String) async throws {
        try await withEdge(TestApplication(respond: { _ in HTTPResponse(status: .imATeapot) })) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \(coding)\r\n\r\n1\r\nx\r\n0\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 501)
            #expect(try response.body.json["path"] == "/p")
            #expect(try await client.end(within: patience).isEmpty)
        }
    }

    @Test(arguments: ["Content-Length:  5  ", "Content-Length:\t5 ", "content-length:5", "Content-Length: 005"])
    func `blanks around a length are none of it`(header: String) async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "POST / HTTP/1.1\r\nHost: a\r\n\(header)\r\n\r\nabcde")
            #expect(try await client.response().body.json["body"] == "abcde")
            try await client.send(
                raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  Chunked \r\n\r\n1\r\nx\r\n0\r\n\r\n")
            #expect(try await client.response().body.json["body"] == "x")
        }
    }

    @Test func `a refusal knows the path, whatever is wrong and however it comes`() async throws {
        let limits = HTTPServerConfiguration.limits { $0.headTimeout = .milliseconds(50) }
        try await withEdge(limits: limits) { port, _ in
            let start = "POST /chat/x%20y?a=b HTTP/1.1\r\n"
            for (pieces, status) in [
                ([start + "Host: a\r\nContent-Length: +5\r\n\r\n"], 400),
                ([start + "Host : a\r\n\r\n"], 400), (["\r\n" + start + "Host: a\r\n b\r\n\r\n"], 400),
                ([start + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n", "zz\r\n"], 400),
                ([start, "Host: a\r\n", "Content-Length: x\r\n\r\n"], 400),
                (["POST /chat/", "x%20y?a=b HTTP/1.1\r\nHost", " : a\r\n\r\n"], 400),
                ([start + "X: \(String(repeating: "x", count: 20_000))\r\n\r\n"], 431),
                (["POST /chat/x%20y?\(String(repeating: "x", count: 20_000)) HTTP/1.1\r\n\r\n"], 431),
                ([start + "Host: a\r\n"], 408), (["POST /chat/x%20y HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"], 400),
                (["POST /chat/x%20y HTTP/2.0\r\nHost: a\r\n\r\n"], 400), (["GET /chat/x%20y\r\n\r\n"], 400),
                (["BREW /chat/x%20y HTTP/1.1\r\nHost: a\r\n\r\n"], 405),
                (["GET /chat/x%20y?%ff HTTP/1.1\r\nHost: a\r\n\r\n"], 400),
                (["GET http://u@a/chat/x%20y HTTP/1.1\r\nHost: a\r\n\r\n"], 400),
            ] as [([String], Int)] {
                let client = HTTPClient(port: port)
                for piece in pieces {
                    try await client.send(raw: piece)
                    // An answer on another connection proves that the piece was read by itself.
                    if pieces.count > 1 { #expect(try await HTTPClient(port: port).request("GET", "/").status == 200) }
                }
                let response = try await client.response()
                #expect(response.status == status, "\(pieces)")
                #expect(try response.body.json["path"] == "/chat/x y", "\(pieces)")
            }
        }
    }

    @Test func `a refusal behind other requests goes by the path of the one before it`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: "GET /chat/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /chat/2 HTTP/1.1\r\nHost : a\r\n\r\n")
            #expect(try await client.response().status == 200)
            let refused = try await client.response()
            #expect(refused.status == 400)
            #expect(try refused.body.json["path"] == "/chat/1")
        }
    }

    @Test func `what follows a malformed request is not a request`() async throws {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw:
                    "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\nGET /c HTTP/1.1\r\n\r\n"
            )
            #expect(try await client.response().body.json["path"] == "/a")
            #expect(try await client.response().status == 400)
            #expect(try await client.end(within: patience).isEmpty)
        }
    }

    @Test func `an unknown method is refused with what would be allowed, a known one reaches the application`()
        async throws
    {
        try await withEdge { port, _ in
            let client = HTTPClient(port: port)
            let response = try await client.request("BREW", "/pot?x=1")
            #expect(response.status == 405)
            #expect(response.headers["allow"]?.contains("GET") == true)
            #expect(try response.body.json["path"] == "/pot")
            #expect(try await client.request("TRACE", "/").body.json["method"] == "TRACE")
        }
    }

    @Test func `a head beyond the limit is refused with 431`() async throws {
        try await withEdge { port, _ in
            for head in [
                "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 17_000))\r\n\r\n",
                "GET /\(String(repeating: "x", count: 17_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "A: b\r\n", count: 5000))\r\n",
            ] {
                let client = HTTPClient(port: port)
                try await client.send(raw: head)
                #expect(try await client.response().status == 431)
                #expect(try await client.end(within: patience).isEmpty)
            }
        }
    }

    @Test func `a body beyond the limit is refused before it is read`() async throws {
        try await withEdge(limits: .limits { $0.maxBodyBytes = 1000 }) { port, _ in
            let announced = HTTPClient(port: port)
            // Not a byte of the body is sent, nor is the client told to go on.
            try await announced.send(
                raw: "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
            let response = try await announced.response(includingInterim: true)
            #expect(response.status == 413)
            #expect(try response.body.json["path"] == "/p")

            let chunked = HTTPClient(port: port)
            try await chunked.send(raw: "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "1f4\r\n\(String(repeating: "x", count: 500))\r\n"
            try await chunked.send(raw: chunk + chunk + chunk)
            #expect(try await chunked.response().status == 413)
            #expect(try await chunked.end(within: patience).isEmpty)

            let exact = HTTPClient(port: port)
            #expect(try await exact.request("POST", "/", body: [UInt8](repeating: 0x61, count: 1000)).status == 200)
        }
    }

    @Test func `an answer to a body still on its way is not lost`() async throws {
        try await withEdge(limits: .limits { $0.maxBodyBytes = 1000 }) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(
                raw: Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n".utf8)
                    + [UInt8](repeating: 0x61, count: 3_000_000))
            #expect(try await client.response().status == 413)
        }
    }

    @Test func `framing without content is refused`() async throws {
        try await withEdge(limits: .limits { $0.maxBodyBytes = 1000 }) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await client.send(
                raw: String(repeating: "1;\(String(repeating: "e", count: 1000))\r\nx\r\n", count: 200))
            #expect(try await client.response().status == 400)
        }
    }

    @Test func `a head that takes too long is refused with 408`() async throws {
        try await withEdge(limits: .limits { $0.headTimeout = .milliseconds(30) }) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET / HTTP/1.1\r\nHo")
            #expect(try await client.response().status == 408)
            #expect(try await client.end(within: patience).isEmpty)

            let later = HTTPClient(port: port)
            #expect(try await later.request("GET", "/").status == 200)
            try await later.send(raw: "GET /")
            #expect(try await later.response().status == 408)
        }
    }

    @Test func `a body that takes too long is refused with 408`() async throws {
        try await withEdge(limits: .limits { $0.bodyTimeout = .milliseconds(30) }) { port, _ in
            let client = HTTPClient(port: port)
            try await client.send(raw: "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            let response = try await client.response()
            #expect(response.status == 408)
            #expect(try response.body.json["path"] == "/slow")
        }
    }

    @Test func `silent and idle connections are closed without a word`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.headTimeout = .milliseconds(30)
            limits.idleTimeout = .milliseconds(30)
        }

        try await withEdge(limits: limits) { port, _ in
            let silent = HTTPClient(port: port)
            try await silent.open()
            #expect(try await silent.end(within: patience).isEmpty)

            let idle = HTTPClient(port: port)
            #expect(try await idle.request("GET", "/").status == 200)
            #expect(try await idle.end(within: patience).isEmpty)
        }
    }

    @Test func `a slow handler is not held against the client`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.headTimeout = .milliseconds(20)
            limits.bodyTimeout = .milliseconds(20)
            limits.idleTimeout = .milliseconds(20)
        }
        let application = TestApplication(respond: { _ in
            // The duration is what is tested: longer than every limit.
            try? await Task.sleep(for: .milliseconds(100))
            return HTTPResponse(status: .ok)
        })

        try await withEdge(application, limits: limits) { port, _ in
            let response = try await HTTPClient(port: port).request("GET", "/")
            #expect(response.status == 200)
        }
    }

    @Test func `a connection too many is told so and a free place is used again`() async throws {
        try await withEdge(limits: .limits { $0.maxConnections = 2 }) { port, server in
            let first = HTTPClient(port: port)
            let second = HTTPClient(port: port)
            #expect(try await first.request("GET", "/").status == 200)
            #expect(try await second.request("GET", "/").status == 200)
            let third = HTTPClient(port: port)
            let refused = try await third.request("GET", "/third")
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "1")
            #expect(try refused.body.json["refusal"] == "tooManyConnections")
            #expect(try refused.body.json["path"] == "/third")

            third.close()
            first.close()
            try await eventually("two are gone") { try await server.connectionCount() <= 1 }
            #expect(try await HTTPClient(port: port).request("GET", "/").status == 200)
        }
    }

    @Test func `beyond the room for refusals a connection waits for a place`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.maxConnections = 1
            limits.maxRefusedConnections = 0
        }

        try await withEdge(limits: limits) { port, _ in
            let first = HTTPClient(port: port)
            #expect(try await first.request("GET", "/").status == 200)
            let second = HTTPClient(port: port)
            try await second.open()
            #expect(try await first.request("GET", "/").status == 200)
            first.close()
            #expect(try await second.request("GET", "/").status == 200)
        }
    }

    @Test func `beyond the room for refusals connections of a network that has its share are cut`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.countsNetwork = { _ in true }
            limits.maxConnectionsPerNetwork = 1
            limits.maxRefusedConnections = 0
        }

        try await withEdge(limits: limits) { port, _ in
            let first = HTTPClient(port: port)
            #expect(try await first.request("GET", "/").status == 200)
            let second = HTTPClient(port: port)
            try await second.open()
            #expect(try await second.end(within: patience).isEmpty)
            #expect(try await first.request("GET", "/").status == 200)
        }
    }

    @Test func `who is one too many has little time to ask`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.maxConnections = 1
            limits.lingerTimeout = .milliseconds(30)
        }

        try await withEdge(limits: limits) { port, _ in
            let first = HTTPClient(port: port)
            #expect(try await first.request("GET", "/").status == 200)
            let silent = HTTPClient(port: port)
            try await silent.open()
            #expect(try await silent.end(within: patience).isEmpty)
        }
    }

    @Test func `random bytes never end the server`() async throws {
        try await withEdge { port, _ in
            let pieces = [
                "GET ", "POST ", "/", " HTTP/1.1", "\r\n", "\r\n\r\n", "Host: a\r\n", "Content-Length: 3\r\n", "abc",
                "Transfer-Encoding: chunked\r\n", "Upgrade: websocket\r\n", "Connection: upgrade\r\n", "0\r\n\r\n",
                "\0", "ÿ",
            ]
            for _ in 0..<200 {
                let client = HTTPClient(port: port)
                let text = (0..<Int.random(in: 1...12)).map { _ in pieces.randomElement() ?? "" }.joined()
                // The server may have answered and gone before all of it is sent.
                try? await client.send(raw: text)
                client.close()
            }
            let response = try await HTTPClient(port: port).request("GET", "/")
            #expect(response.status == 200)
        }
    }
}
