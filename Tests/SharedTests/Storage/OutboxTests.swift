import GRDB
import Shared
import Synchronization
import TestSupport
import Testing

@testable import SharedStorage

/// A sender with an outbox and a receiver with an inbox, over a real bus.
@Suite(.timeLimit(.minutes(5))) struct OutboxTests {
    private struct Refusing: Sendable {
        private let texts = OnceBox<Set<String>>()
        func refuse(_ texts: Set<String>) { self.texts.set(texts) }
        func check(_ text: String) throws {
            if texts.value?.contains(text) == true { throw ServiceError(.unavailable) }
        }
    }

    private func makeHost(_ name: ServiceName, on bus: TestBus) throws -> ServiceHost {
        try ServiceHost(name, bus: bus.configuration, context: bus.context, logger: bus.logger) { migrator in
            migrator.registerMigration("note-1", migrate: createNotes)
        }
    }

    /// Starts a sender, social-svc by name, and runs the body with its database and relay.
    private func withSender(
        on bus: TestBus, _ body: (ServiceDatabase, OutboxRelay) async throws -> Void
    ) async throws {
        let host = try makeHost(.social, on: bus)
        let client = try await host.client(of: .message)
        let relay = OutboxRelay(database: host.database, from: .social, to: client, logger: bus.logger)
        relay.start()
        try await host.serve(BusRoutes())
        func stop() async {
            await host.stop(afterDrain: {
                client.close()
                await relay.stop()
            })
        }
        do {
            try await body(host.database, relay)
        } catch {
            await stop()
            throw error
        }
        await stop()
    }

    /// Starts a receiver, message-svc by name, and runs the body with its database.
    private func withReceiver(
        on bus: TestBus, _ body: (ServiceDatabase, Refusing) async throws -> Void
    ) async throws {
        let host = try makeHost(.message, on: bus)
        let refusing = Refusing()
        var inbox = EffectInbox()
        inbox.on(TakeNote.self) { transaction, effect in
            try refusing.check(effect.text)
            try transaction.note(effect.text)
        }
        var routes = BusRoutes()
        inbox.addRoute(to: &routes, from: [.social], database: host.database)
        try await host.serve(routes)
        do {
            try await body(host.database, refusing)
        } catch {
            await host.stop()
            throw error
        }
        await host.stop()
    }

    private func owe(_ text: String, _ database: ServiceDatabase) async throws(ServiceError) -> Int64 {
        try await database.write { transaction in
            try transaction.owe(TakeNote(text: text), to: .message)
        }
    }

    private func owed(_ database: ServiceDatabase) async throws(ServiceError) -> Int? {
        try await database.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox") }
    }

    private func apply(
        _ effects: [(number: Int64, text: String)], epoch: Int64 = 1, as caller: ServiceName = .social, on bus: TestBus
    ) async throws -> Result<Int64, ServiceError> {
        let client = try await bus.client(of: .message, as: caller)
        let request = EffectAPI.Apply(
            sender: .social, epoch: epoch,
            effects: effects.map { effect in
                EffectAPI.Effect(
                    number: effect.number, kind: TakeNote.kind, payload: Blob(TakeNote(text: effect.text).wireBytes))
            })
        do throws(ServiceError) {
            return .success(try await client.call(request, .test()).applied)
        } catch {
            return .failure(error)
        }
    }

    // MARK: - Relay

    @Test func `an effect is in force when its acknowledgement was waited for`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, _ in
            try await withSender(on: bus) { sender, relay in
                for text in ["first", "second", "third"] {
                    let number = try await owe(text, sender)
                    try await relay.waitForAcknowledgement(of: number, until: .after(.seconds(20)))
                    #expect(try await received.notes.last == text)
                }
                #expect(try await owed(sender) == 0)
            }
        }
    }

    @Test func `effects of many batches arrive in order`() async throws {
        let bus = try TestBus()
        let texts = (0..<3 * OutboxRelay.maxBatch).map { "effect \($0)" }
        try await withSender(on: bus) { sender, relay in
            let last = try await sender.write { transaction in
                try texts.map { text in
                    try transaction.owe(TakeNote(text: text), to: .message)
                }.last ?? 0
            }
            try await withReceiver(on: bus) { received, _ in
                try await relay.waitForAcknowledgement(of: last, until: .after(.seconds(20)))

                #expect(try await received.notes == texts)
            }
        }
    }

    @Test func `effects that together are longer than a frame travel in several, and one that is long travels alone`()
        async throws
    {
        let bus = try TestBus()
        // More than 9 MiB, which is all that fits on the bus.
        let lengths = [4 << 20, 10, 3 << 20, 3 << 20, 10, 10]
        let texts = lengths.enumerated().map { String(repeating: "\($0.offset)", count: $0.element) }
        try await withSender(on: bus) { sender, relay in
            let last = try await sender.write { transaction in
                try texts.map { try transaction.owe(TakeNote(text: $0), to: .message) }.last ?? 0
            }
            try await withReceiver(on: bus) { received, _ in
                try await relay.waitForAcknowledgement(of: last, until: .after(.seconds(20)))

                #expect(try await received.notes == texts)
            }
        }
    }

    @Test func `a refused delivery is repeated whole until it passes`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, refusing in
            try await withSender(on: bus) { sender, relay in
                refusing.refuse(["second"])
                let last = try await sender.write { transaction in
                    try ["first", "second", "third"].map { text in
                        try transaction.owe(TakeNote(text: text), to: .message)
                    }.last ?? 0
                }
                let refusal = await refusal { () async throws(ServiceError) in
                    try await relay.waitForAcknowledgement(of: last, until: .after(.milliseconds(200)))
                }
                #expect(refusal == ServiceError(.outcomeUnknown))
                #expect(try await received.notes.isEmpty)

                refusing.refuse([])

                try await relay.waitForAcknowledgement(of: last, until: .after(.seconds(20)))
                #expect(try await received.notes == ["first", "second", "third"])
            }
        }
    }

    @Test func `each waiter keeps its own deadline, even one that has passed`() async throws {
        let bus = try TestBus()
        try await withSender(on: bus) { sender, relay in
            let number = try await owe("note", sender)
            let patient = Task { try await relay.waitForAcknowledgement(of: number, until: .after(.seconds(20))) }
            for _ in 1...50 {
                let hurried = await refusal { () async throws(ServiceError) in
                    try await relay.waitForAcknowledgement(of: number, until: .now)
                }
                #expect(hurried == ServiceError(.outcomeUnknown))
            }

            try await withReceiver(on: bus) { received, _ in
                try await patient.value
                #expect(try await received.notes == ["note"])
            }
            // What is acknowledged needs no waiting.
            try await relay.waitForAcknowledgement(of: number, until: .now)
        }
    }

    @Test func `effects an earlier life owed are delivered by the next`() async throws {
        let bus = try TestBus()
        let number = try await oweWithoutRelay("left behind", on: bus)

        try await withReceiver(on: bus) { received, _ in
            try await withSender(on: bus) { _, relay in
                try await relay.waitForAcknowledgement(of: number, until: .after(.seconds(20)))
                #expect(try await received.notes == ["left behind"])
            }
        }
    }

    /// A life of the sender that ends before it delivers.
    private func oweWithoutRelay(_ text: String, on bus: TestBus) async throws -> Int64 {
        let host = try makeHost(.social, on: bus)
        let number = try await owe(text, host.database)
        await host.stop()
        return number
    }

    // MARK: - Inbox

    @Test func `a delivery that comes twice is applied once`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, _ in
            let effects: [(number: Int64, text: String)] = [(3, "three"), (7, "seven")]

            let first = try await apply(effects, on: bus)
            let second = try await apply(effects, on: bus)
            let third = try await apply(effects + [(8, "eight")], on: bus)

            #expect([first, second, third] == [.success(7), .success(7), .success(8)])
            #expect(try await received.notes == ["three", "seven", "eight"])
        }
    }

    @Test func `the same numbers from another life of the sender are other effects`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, _ in
            let old = try await apply([(1, "old")], epoch: 1, on: bus)
            let new = try await apply([(1, "new")], epoch: 2, on: bus)

            #expect([old, new] == [.success(1), .success(1)])
            #expect(try await received.notes == ["old", "new"])
        }
    }

    @Test func `a delivery that fails in its midst leaves nothing`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, refusing in
            refusing.refuse(["bad"])

            let refused = try await apply([(1, "good"), (2, "bad")], on: bus)

            #expect(refused == .failure(ServiceError(.unavailable)))
            #expect(try await received.notes.isEmpty)
            refusing.refuse([])
            #expect(try await apply([(1, "good"), (2, "bad")], on: bus) == .success(2))
        }
    }

    @Test func `an effect nobody knows is refused and nothing before it is applied`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, _ in
            let client = try await bus.client(of: .message, as: .social)
            let known = EffectAPI.Effect(
                number: 1, kind: TakeNote.kind, payload: Blob(TakeNote(text: "known").wireBytes))
            let unknown = EffectAPI.Effect(number: 2, kind: "test.unheardOf", payload: Blob([]))

            let refusal = await refusal { () async throws(ServiceError) in
                _ = try await client.call(
                    EffectAPI.Apply(sender: .social, epoch: 1, effects: [known, unknown]), .test())
            }

            #expect(refusal?.code == .badRequest)
            #expect(try await received.notes.isEmpty)
        }
    }

    @Test func `effects count only from the process they name`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, _ in
            let outcome = try await apply([(1, "forged")], as: .gateway, on: bus)

            #expect(outcome.refusal?.code == .badRequest)
            #expect(try await received.notes.isEmpty)
        }
    }

    @Test func `effects that arrive together from two deliveries are applied once each`() async throws {
        let bus = try TestBus()
        try await withReceiver(on: bus) { received, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...8 {
                    group.addTask {
                        let outcome = try await apply([(1, "one"), (2, "two")], on: bus)
                        #expect(outcome == .success(2))
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await received.notes == ["one", "two"])
        }
    }
}
