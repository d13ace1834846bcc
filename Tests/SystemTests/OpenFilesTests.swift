import Glibc
import Shared
import TestSupport
import Testing

extension SystemTests {
    /// A system that lets the gateway open few files.
    @Suite struct OpenFilesTests {
        private func figure(_ name: String, _ admin: HTTPClient) async throws -> Double? {
            let text = String(decoding: try await admin.request("GET", "/metrics").body, as: UTF8.self)
            return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
                .flatMap { Double($0.dropFirst(name.count + 1)) }
        }

        @Test func `with few files the gateway serves as many as it can, says so, and heals`() async throws {
            try await withStack(.prepared([.gateway], by: "ulimit -n 100")) { stack in
                let log = try stack.member(.gateway).log
                #expect(log.contains("fewer connections are served than configured"))
                #expect(log.contains("raise the limit of open files (ulimit -n, LimitNOFILE=), now 100"))
                let admin = HTTPClient(unixSocket: stack.adminPath(of: .gateway))
                let limit = try #require(try await figure("martlet_connection_limit", admin))
                #expect(limit >= 20)

                let clients = (1...150).map { _ in HTTPClient(port: stack.port()) }
                for client in clients { try await client.open() }
                for client in clients[..<Int(limit)] {
                    #expect(try await client.request("GET", "/user/nothing").status == 404)
                }
                #expect(try await stack.readiness().conditions["connections"] == false)
                #expect(try await clients[Int(limit)].request("GET", "/user/nothing").status == 503)
                #expect(try await figure("martlet_accept_failures_total", admin) == 0)
                #expect(try stack.member(.gateway).log.matches(of: /connection limit reached/).count == 1)

                for client in clients { client.close() }
                try await stack.untilReady()
                let pair = try await Pair.make("Files", port: stack.port())
                try await pair.one.say("well", to: pair.conversation)
            }
        }

        @Test func `where there is no file for a connection the gateway does not start`() async throws {
            try await withStack(.prepared([.gateway], by: "ulimit -n 50").stopped) { stack in
                let gateway = try stack.launch(.gateway)
                #expect(await gateway.child.end(within: .seconds(10)) == .exited(75))
                #expect(gateway.log.contains("raise the limit (ulimit -n, LimitNOFILE=)"))
            }
        }

        @Test func `every process raises its limit as far as it may`() async throws {
            var hardLimit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &hardLimit)
            try await withStack(.prepared(StackProcess.services + [.gateway], by: "ulimit -S -n 64")) { stack in
                for process in stack.processes {
                    let files = try #require(try stack.member(process).log.firstMatch(of: /started files=([0-9]+)/))
                    #expect(Int(files.output.1) == Int(min(hardLimit.rlim_max, 1 << 20)))
                }
            }
        }
    }
}
