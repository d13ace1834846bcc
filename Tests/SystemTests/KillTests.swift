import Glibc
import TestSupport
import Testing

extension SystemTests {
    /// SIGKILL, while eight people in four conversations send without a pause.
    @Suite struct KillTests {
        /// The order in which processes are killed; all of them at once is the last.
        private static let victims: [[StackProcess]] = [
            [.message], [.gateway], [.message], [.auth], [.message], [.social], [.message], [.gateway], [.message],
            [.message], [.auth, .social, .message, .gateway],
        ]

        @Test(.timeLimit(.minutes(2)))
        func `killing any process during a stream of sends loses and doubles nothing`() async throws {
            try await withStack(.requestTimeout(milliseconds: 500)) { stack in
                let pairs = try await Self.makePairs(4, stack)
                let readers = pairs.flatMap { pair in [pair.one, pair.other].map { ($0, pair) } }
                let journal = SendJournal()
                let checker = Checker(journal: journal)

                try await withFollowers(of: readers.map(\.0)) { followers in
                    try await withThrowingTaskGroup(of: Void.self) { senders in
                        // On connections of their own: the checker's calls must not queue behind a send.
                        for (sender, pair) in readers {
                            senders.addTask {
                                await journal.keepSending(
                                    sender.reconnected(), to: pair.conversation, as: sender.userName)
                            }
                        }
                        defer { journal.close() }
                        for victims in Self.victims {
                            try await Self.killAndRestart(victims, stack, journal)
                        }
                        try await journal.untilStored(100)
                    }
                    try await checker.check(pairs)
                    for (follower, (reader, pair)) in zip(followers, readers) {
                        try await checker.check(follower, of: reader, in: pair)
                    }
                }
                for process in stack.processes.reversed() {
                    #expect(try await stack.terminate(process) == .exited(0))
                }
                try DatabaseFile.checkAll(stack)
            }
        }

        private static func makePairs(_ count: Int, _ stack: Stack) async throws -> [Pair] {
            var pairs: [Pair] = []
            for number in 1...count { pairs.append(try await Pair.make("Pair\(number)", port: stack.port())) }
            return pairs
        }

        /// Kills while sends are under way, sees to it that this is felt exactly where it should, and heals.
        private static func killAndRestart(
            _ victims: [StackProcess], _ stack: Stack, _ journal: SendJournal
        ) async throws {
            try await journal.untilStored(60)
            let children = try victims.map { try stack.member($0).child }
            journal.onNextStored { for child in children { child.signal(SIGKILL) } }
            try await journal.untilStored(1)
            for victim in victims { try await stack.kill(victim) }
            if victims.contains(.message) || victims.contains(.gateway) {
                try await journal.untilOneFails()
            } else {
                // Nobody needs this process to send.
                try await journal.untilStored(30)
            }
            let clock = ContinuousClock()
            let recovery = try await clock.measure {
                for victim in victims { try await stack.start(victim) }
                try await stack.untilReady()
            }
            #expect(recovery < .seconds(5), "\(victims) took \(recovery) to come back")
        }
    }
}
