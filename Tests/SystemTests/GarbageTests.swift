import Shared
import TestSupport
import Testing

extension SystemTests {
    /// Whatever a permitted peer sends is answered or dropped, and the service goes on.
    @Suite struct GarbageTests {
        @Test(arguments: StackProcess.services)
        func `damaged frames are answered where they can be, else dropped`(service: StackProcess) async throws {
            try await withStack { stack in
                let peer = try await RawBusPeer(to: "ipc://\(stack.runtimePath)/\(service).sock")
                defer { peer.stop() }
                let valid = RawRequest(0, "events.read", EventLogAPI.Read(after: 0, limit: 0).wireBytes)

                // Without version, kind and id there is nobody to answer.
                for frame in [
                    [], [3], [3, 1, 7], Array(repeating: 0xFF, count: 500), valid.with { $0.version = 2 }.bytes,
                    valid.with { $0.kind = 2 }.bytes, valid.with { $0.kind = 9 }.bytes,
                ] { try await peer.send(frame) }
                try await peer.send(valid.with { $0.id = 99 }.bytes, [1, 2, 3])

                var expected: [UInt64: RawBusPeer.Answer] = [:]
                func expect(_ answer: RawBusPeer.Answer, _ change: (inout RawRequest) -> Void) -> [UInt8] {
                    let id = UInt64(expected.count + 1)
                    expected[id] = answer
                    return valid.with {
                        $0.id = id
                        change(&$0)
                    }.bytes
                }
                let badRequest = RawBusPeer.Answer.failure(4)
                for frame in [
                    expect(badRequest) { $0.route = "no.such.route" },
                    expect(badRequest) { $0.route = String(repeating: "r", count: 65) },
                    expect(badRequest) { $0.trace = String(repeating: "t", count: 65) },
                    expect(badRequest) { $0.caller = 0 },
                    expect(badRequest) { $0.caller = 99 },
                    expect(badRequest) { $0.payload = [1, 2, 3] },
                    Array(expect(badRequest) { _ in }.prefix(10)),
                    Array(expect(badRequest) { _ in }.prefix(20)),
                    // It waited too long, so it is not begun.
                    expect(.failure(1)) { $0.remainingMilliseconds = 0 },
                    expect(.success) { _ in },
                ] { try await peer.send(frame) }
                try await eventually("all are answered") { peer.answers.count >= expected.count }
                #expect(peer.answers == expected)

                try await Self.expectService(stack)
            }
        }

        @Test func `a request in another process's name is refused`() async throws {
            try await withStack { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let peer = try await RawBusPeer(to: "ipc://\(stack.runtimePath)/message.sock")
                defer { peer.stop() }
                let send = MessageAPI.Send(
                    sender: AccountID(pair.one.id), to: .conversation(ConversationID(pair.conversation)),
                    text: "forged", replyTo: nil, clientID: nil)
                for caller in [ServiceName.auth, .social, .message] {
                    try await peer.send(
                        RawRequest(UInt64(caller.rawValue), MessageAPI.Send.route, send.wireBytes)
                            .with { $0.caller = caller.rawValue }.bytes)
                }
                try await eventually("all are answered") { peer.answers.count == 3 }

                #expect(peer.answers.values.allSatisfy { $0 == .failure(4) })
                #expect(try await pair.one.chain(of: pair.conversation).count == 1)
            }
        }

        @Test(arguments: SeededGenerator.seeds(1))
        func `floods of random bytes and frames too large do not reach the others`(seed: UInt64) async throws {
            try await withStack { stack in
                var random = SeededGenerator(seed: seed)
                let routes = [
                    "message.send", "message.attach", "auth.logIn", "social.apply", "effects.apply", "events.read",
                ]
                for service in StackProcess.services {
                    let path = "\(stack.runtimePath)/\(service).sock"
                    let peer = try await RawBusPeer(to: "ipc://\(path)")
                    defer { peer.stop() }
                    for number in 0..<1_000 {
                        let noise = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                            UInt8.random(in: .min ... .max, using: &random)
                        }
                        // Every second one is a request that is right up to its payload.
                        let route = routes[number / 2 % routes.count]
                        try await peer.send(number % 2 == 0 ? noise : RawRequest(1, route, noise).bytes)
                    }
                    try await peer.send(Array(repeating: 1, count: 10 << 20))
                    // Not even ZeroMQ's own protocol.
                    for socketPath in [path, "\(stack.runtimePath)/\(service)-events.sock"] {
                        let noise = (0..<100_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
                        let socket = try ClientSocket.connect(unixSocket: socketPath)
                        // It is welcome to hang up before it has heard everything.
                        try? socket.send(noise, within: .seconds(1))
                        socket.close()
                    }
                }
                try await Self.expectService(stack)
            }
        }

        /// All processes are those that were started, and people can meet and chat.
        private static func expectService(_ stack: Stack) async throws {
            let pair = try await Pair.make("After", port: stack.port())
            let pushes = try await pair.other.pushSocket()
            try await pair.one.say("well", to: pair.conversation)
            #expect(try await pushes.nextTexts(1) == ["well"])
            for process in stack.processes { #expect(try stack.member(process).child.end == nil) }
        }
    }
}
