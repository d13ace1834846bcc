import Synchronization
import TestSupport
import Testing

extension SystemTests {
    /// A push may be missed, a message not.
    @Suite struct LostEventTests {
        @Test func `events that are dropped on the way are caught up`() async throws {
            try await Self.chat { index, frame in index % 3 == 2 ? [] : [frame] }
        }

        @Test func `events that come twice or damaged are delivered once`() async throws {
            try await Self.chat { index, frame in
                switch index % 4 {
                case 0: [frame, frame]
                case 1: [Array(frame.dropLast(3)), [], Array(repeating: 0xFF, count: 100)]
                default: [frame]
                }
            }
        }

        /// Sends, listens, and expects every message once and in order, whatever happens to the events.
        private static func chat(_ tamper: @escaping EventProxy.Tamper) async throws {
            try await withStack(.stopped) { stack in
                try await stack.start(.message)
                let proxy = try await EventProxy(
                    from: "ipc://\(stack.runtimePath)/message-events.sock",
                    to: "ipc://\(stack.runtimePath)/tampered.sock", tamper)
                defer { proxy.stop() }
                stack.set("MARTLET_BUS_MESSAGE_EVENTS", "ipc://\(stack.runtimePath)/tampered.sock", for: .gateway)
                for process in [StackProcess.auth, .social, .gateway] { try await stack.start(process) }
                try await stack.untilReady()
                let pair = try await Pair.make("Pair", port: stack.port())
                let before = proxy.count
                let texts = (1...90).map { "text \($0)" }

                try await withFollowers(of: [pair.one, pair.other]) { followers in
                    for text in texts { try await pair.one.say(text, to: pair.conversation) }
                    for follower in followers {
                        try await follower.untilReceived("text 90")
                        #expect(follower.messages.dropFirst().map(\.text) == texts)
                        #expect(follower.connections == 1, "a lost event is no reason to close a connection")
                    }
                }

                #expect(proxy.count - before >= 30, "hardly an event came by the proxy")
                #expect(try stack.member(.gateway).log.contains("catching up on events"))
            }
        }
    }
}
