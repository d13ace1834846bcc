import Shared
import TestSupport
import Testing

@testable import Gateway

/// What an operator asks the gateway.
@Suite struct AdminTests {
    private func metrics(_ site: Site) async throws -> [String: Double] {
        let response = try await site.admin("GET", "/metrics")
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
        let samples = lines.filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ") }
        return Dictionary(samples.map { (String($0[0]), Double($0[1]) ?? .nan) }) { first, _ in first }
    }

    @Test func `metrics count connections by dialect, accounts and what caches hold`() async throws {
        try await withGateway { site in
            let (alice, bob, _) = try await site.friends()
            let sockets = [try await alice.listen(), try await alice.listen(), try await bob.listen()]
            let metrics = try await metrics(site)
            #expect(metrics["martlet_push_connections{dialect=\"classic\"}"] == 3)
            #expect(metrics["martlet_connected_accounts"] == 2)
            #expect(try #require(metrics["martlet_connections"]) >= 3)
            #expect(try #require(metrics["process_resident_memory_bytes"]) > 1_048_576)
            #expect(try #require(metrics["process_cpu_seconds_total"]) > 0)
            for socket in sockets { socket.cut() }
            try await eventually("they are gone") {
                try await self.metrics(site)["martlet_connected_accounts"] == 0
            }
        }
    }

    @Test func `a gateway without room for connections is not ready, and counts whom it refused`() async throws {
        try await withGateway {
            $0.gateway.server.maxConnections = 1
        } _: { site in
            let client = HTTPClient(port: site.port)
            #expect(try await client.request("GET", "/user/nothing").status == 404)
            let readiness = try await site.admin("GET", "/readyz")
            #expect(readiness.status == 503)
            #expect(try JSONValue(String(decoding: readiness.body, as: UTF8.self))["connections"] == false)

            let refused = try await HTTPClient(port: site.port).request("GET", "/user/nothing")
            #expect(refused.status == 503)
            let metrics = try await metrics(site)
            #expect(metrics["martlet_refused_connections_total"] == 1)
            #expect(metrics["martlet_connection_limit"] == 1)
            #expect(try #require(metrics["process_max_fds"]) >= 256)

            client.close()
            try await eventually("there is room again") { try await site.admin("GET", "/readyz").status == 200 }
        }
    }

    @Test func `the listener answers for health and readiness, and for nothing else`() async throws {
        try await withGateway { site in
            #expect(try await site.admin("GET", "/healthz").status == 200)
            #expect(try await site.admin("GET", "/readyz").status == 200)
            #expect(try await site.admin("GET", "/user/login").status == 404)
            #expect(try await site.admin("POST", "/metrics").status == 405)
            await site.stop(.social)
            let response = try await site.admin("GET", "/readyz")
            #expect(response.status == 503)
            let state = try JSONValue(String(decoding: response.body, as: UTF8.self))
            #expect(state["social-svc"] == false && state["auth-svc"] == true)
        }
    }
}
