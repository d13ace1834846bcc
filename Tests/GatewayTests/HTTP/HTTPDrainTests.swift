import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Gateway

@Suite struct HTTPDrainTests {
    @Test func `a request under way is answered, idle connections end, new ones are not taken`() async throws {
        let started = Signal<Void>()
        let release = Signal<Void>()
        let application = TestApplication(respond: { request in
            guard request.path == "/slow" else { return TestApplication.echo(request) }
            started.set(())
            await release.value
            return TestApplication.echo(request)
        })

        try await withEdge(application) { port, server in
            let idle = HTTPClient(port: port)
            #expect(try await idle.request("GET", "/").status == 200)
            let busy = HTTPClient(port: port)
            try await busy.send(raw: "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.value

            async let drained: Void = server.drain(within: patience)
            #expect(try await idle.end(within: patience).isEmpty)
            await #expect(throws: ClientError.self) { try await HTTPClient(port: port).open() }
            release.set(())
            let response = try await busy.response()
            #expect(try response.body.json["path"] == "/slow")
            #expect(response.headers["connection"] == "close")
            #expect(try await busy.end(within: patience).isEmpty)
            await drained
        }
    }

    @Test func `a request that begins while draining is refused`() async throws {
        try await withEdge { port, server in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET /half HTTP/1.1\r\n")
            try await eventually("it is connected") { try await server.connectionCount() > 0 }
            // A connection that has begun a head is not idle. Its bytes are in once a later connection is served.
            #expect(
                try await HTTPClient(port: port).request("GET", "/", headers: ["Connection": "close"]).status == 200)
            async let drained: Void = server.drain(within: patience)
            try await eventually("it drains") { await server.isDraining() }
            try await client.send(raw: "Host: a\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 503)
            #expect(try response.body.json["refusal"] == "draining")
            client.close()
            await drained
        }
    }

    @Test func `what does not end in time is cut`() async throws {
        let started = Signal<Void>()
        let release = Signal<Void>()
        let outcome = Signal<HTTPDelivery>()
        let application = TestApplication(respond: { _ in
            started.set(())
            await release.value
            return HTTPResponse(status: .ok, onDelivery: { outcome.set($0) })
        })

        try await withEdge(application) { port, server in
            let client = HTTPClient(port: port)
            try await client.send(raw: "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.value
            await server.drain(within: .milliseconds(10))
            #expect(try await client.end(within: patience).isEmpty)
            release.set(())
            #expect(await outcome.value == .lost)
        }
    }

    @Test func `a server without connections is drained at once, and twice, and takes none any more`() async throws {
        try await withEdge { port, server in
            // Longer than the suite may take: a drain that waited would be noticed.
            await server.drain(within: .seconds(3_600))
            await server.drain(within: .seconds(3_600))

            #expect(await server.isDraining())
            await #expect(throws: (any Error).self) { try await HTTPClient(port: port).request("GET", "/") }
        }
    }
}
