import TestSupport
import Testing

extension SystemTests {
    /// Starting: in any order, twice, and where something is in the way.
    @Suite struct StartTests {
        @Test(arguments: [
            [StackProcess.gateway, .message, .social, .auth],
            [.auth, .social, .message, .gateway],
            [.social, .gateway, .auth, .message],
            [.message, .auth, .gateway, .social],
        ])
        func `every order of starts leads to readiness`(order: [StackProcess]) async throws {
            try await withStack(.stopped) { stack in
                for (index, process) in order.enumerated() {
                    try await stack.start(process)
                    let running = Set(order[...index])
                    guard running.contains(.gateway) else { continue }
                    let expected: JSON = [
                        "connections": true, "tokens": .bool(running.contains(.auth)),
                        "auth-svc": .bool(running.contains(.auth)),
                        "social-svc": .bool(running.contains(.social)),
                        "message-svc": .bool(running.contains(.message)),
                    ]
                    try await eventually("the gateway knows who is there") {
                        let readiness = try await stack.readiness()
                        #expect(!readiness.isReady || running.count == order.count)
                        return readiness.conditions == expected
                    }
                    let admin = HTTPClient(unixSocket: stack.adminPath(of: .gateway))
                    #expect(try await admin.request("GET", "/healthz").status == 200)
                }
                #expect(try await stack.readiness().isReady)
                let pair = try await Pair.make("Pair", port: stack.port())
                try await pair.one.say("well", to: pair.conversation)
            }
        }

        @Test(arguments: StackProcess.services)
        func `a second instance on one folder gives up and the first goes on`(service: StackProcess) async throws {
            try await withStack { stack in
                let second = try stack.launch(service)

                #expect(await second.child.end(within: .seconds(10)) == .exited(75))
                #expect(second.log.contains("another \(service.executable) is running on \(stack.dataPath)"))
                try await Self.expectService(stack)
            }
        }

        @Test func `a gateway whose port or admin socket is taken gives up and the first goes on`() async throws {
            try await withStack { stack in
                let samePort = try stack.launch(.gateway)
                #expect(await samePort.child.end(within: .seconds(10)) == .exited(75))
                #expect(samePort.log.contains("cannot listen on 127.0.0.1:\(stack.port()): "))
                #expect(samePort.log.contains("Address already in use"))

                let sameSocket = try stack.launch(.gateway, environment: ["MARTLET_GATEWAY_LISTEN": "127.0.0.1:0"])
                #expect(await sameSocket.child.end(within: .seconds(10)) == .exited(75))
                #expect(sameSocket.log.contains("cannot listen on unix:\(stack.adminPath(of: .gateway)): "))
                try await Self.expectService(stack)
            }
        }

        @Test(arguments: [
            (StackProcess.message, "MARTLET_LOG_LEVEL", "loud"),
            (.auth, "MARTLET_AUTH_SCRYPT_N", "1000"),
            (.social, "MARTLET_BUS_MESSAGE", "pigeon://roof"),
            (.gateway, "MARTLET_RATE_LIMITS", "perhaps"),
            (.gateway, "MARTLET_GATEWAY_LISTEN", "nowhere"),
            (.gateway, "MARTLET_GATEWAY_REQUEST_TIMEOUT_MS", "soon"),
        ])
        func `a setting that cannot be used is named`(
            process: StackProcess, variable: String, value: String
        ) async throws {
            try await withStack(.stopped) { stack in
                let member = try stack.launch(process, environment: [variable: value])

                #expect(await member.child.end(within: .seconds(10)) == .exited(78))
                #expect(member.log.contains(variable))
                #expect(member.log.contains(value))
            }
        }

        @Test func `tcp is never opened without keys`() async throws {
            try await withStack(.stopped) { stack in
                let member = try stack.launch(.message, environment: ["MARTLET_BUS_MESSAGE": "tcp://127.0.0.1:0"])

                #expect(await member.child.end(within: .seconds(10)) == .exited(78))
                #expect(member.log.contains("MARTLET_BUS_CURVE_KEYS"))
            }
        }

        @Test(arguments: StackProcess.services)
        func `a data file from a newer version is refused`(service: StackProcess) async throws {
            try await withStack(.stopped) { stack in
                try await stack.start(service)
                #expect(try await stack.terminate(service) == .exited(0))
                let file = try DatabaseFile(of: service, stack)
                try file.execute("INSERT INTO grdb_migrations VALUES ('from the future')")

                let member = try stack.launch(service)

                #expect(await member.child.end(within: .seconds(10)) == .exited(75))
                #expect(member.log.contains("\(service.executable).db was written by a newer version"))
                #expect(try file.integrity() == "ok")
                try file.execute("DELETE FROM grdb_migrations WHERE identifier = 'from the future'")
                try await stack.start(service)
            }
        }

        /// The processes that were there first are there, and reachable where they were.
        private static func expectService(_ stack: Stack) async throws {
            for process in stack.processes { #expect(try stack.member(process).child.end == nil) }
            let pair = try await Pair.make("After", port: stack.port())
            try await pair.one.say("well", to: pair.conversation)
            #expect(try await stack.readiness().isReady)
        }
    }
}
