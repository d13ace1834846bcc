import TestSupport
import Testing

extension SystemTests {
    /// A process that stands still for a while and then goes on as if nothing had been.
    @Suite struct PauseTests {
        @Test func `sends to a paused message-svc are unknown, and stored once or not at all`() async throws {
            try await withStack(.requestTimeout(milliseconds: 400)) { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let readers = [pair.one, pair.other]
                let texts = (1...6).map { "paused \($0)" }
                try await withFollowers(of: readers) { followers in
                    try await pair.one.say("before", to: pair.conversation)
                    try stack.pause(.message)
                    let resumed = Task {
                        // The pause is what this test is about.
                        try await Task.sleep(for: .seconds(2))
                        try stack.resume(.message)
                    }
                    for text in texts.prefix(3) {
                        let clock = ContinuousClock()
                        let begun = clock.now
                        let outcome = await pair.one.send(text, to: pair.conversation, clientID: text)
                        #expect(outcome == .unknown("504"))
                        #expect(clock.now - begun < .milliseconds(900), "the deadline was not kept")
                    }
                    try await resumed.value
                    try await stack.untilReady()

                    // They were carried out or not; asked again by their ids, each is there once, with that id.
                    for text in texts {
                        let id = try #require(await pair.one.storedID(of: text, in: pair))
                        let found = try await pair.one.chain(of: pair.conversation).filter { $0.text == text }
                        #expect(found.map(\.id) == [id])
                    }
                    #expect(try await pair.one.chain(of: pair.conversation).count == 2 + texts.count)
                    for (follower, reader) in zip(followers, readers) {
                        try await Checker(journal: SendJournal()).check(follower, of: reader, in: pair)
                    }
                }
            }
        }

        @Test func `sends whose time ran out while message-svc was paused are not carried out`() async throws {
            try await withStack(.requestTimeout(milliseconds: 400)) { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                try stack.pause(.message)
                for number in 1...5 {
                    // Without a client id nothing else would keep it from being there twice.
                    #expect(await pair.one.send("late \(number)", to: pair.conversation) == .unknown("504"))
                }
                try stack.resume(.message)
                try await stack.untilReady()

                try await pair.one.say("in time", to: pair.conversation)
                #expect(try await pair.one.chain(of: pair.conversation).dropFirst().map(\.text) == ["in time"])
            }
        }

        @Test(arguments: [1, 4])
        func `a gateway that was paused brings its sockets everything`(seconds: Int) async throws {
            try await withStack(.twoGateways) { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let atSecond = pair.one.reconnected(to: stack.port(of: .secondGateway))
                let pushes = try await pair.other.pushSocket()
                try await atSecond.say("before", to: pair.conversation)
                #expect(try await pushes.nextTexts(1) == ["before"])

                try stack.pause(.gateway)
                let deadline = ContinuousClock.now + .seconds(seconds)
                var texts: [String] = []
                while ContinuousClock.now < deadline || texts.count < 100 {
                    texts.append("paused \(texts.count + 1)")
                    let outcome = await atSecond.send(texts[texts.count - 1], to: pair.conversation)
                    try #require(outcome.isOK, "the pause of one gateway is felt at another")
                }
                try stack.resume(.gateway)
                try await atSecond.say("after", to: pair.conversation)

                #expect(try await pushes.nextTexts(texts.count + 1) == texts + ["after"])
            }
        }
    }
}

extension ChatClient {
    /// Sends a text with itself as client id until it is stored.
    fileprivate func storedID(of text: String, in pair: Pair) async throws -> Int64? {
        for _ in 1...10 {
            if case .ok(let id) = await send(text, to: pair.conversation, clientID: text) { return id }
        }
        return nil
    }
}
