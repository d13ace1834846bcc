import GRDB
import Shared
import TestSupport
import Testing

@testable import SharedStorage

@Suite(.timeLimit(.minutes(5))) struct EventLogTests {
    /// Serves a database on a bus of its own and runs the body.
    private func withService(
        on bus: TestBus, expand: @escaping ServiceDatabase.Expansion = { _, _, payload in payload },
        _ body: (ServiceDatabase, BusClient) async throws -> Void
    ) async throws {
        let host = try ServiceHost(
            .social, bus: bus.configuration, context: bus.context, logger: bus.logger, expand: expand
        ) { migrator in migrator.registerMigration("note-1", migrate: createNotes) }
        do {
            try await host.serve(BusRoutes())
            try await body(host.database, try await bus.client(of: .social))
        } catch {
            await host.stop()
            throw error
        }
        await host.stop()
    }

    private func read(
        _ client: BusClient, after: Int64, limit: Int32 = 1_000
    ) async throws(ServiceError) -> EventLogAPI.Read.Reply {
        try await client.call(EventLogAPI.Read(after: after, limit: limit), .test())
    }

    @Test func `events are read after a number and up to a limit`() async throws {
        try await withService(on: TestBus()) { database, client in
            for index in 1...5 { try await database.write { try $0.publish(Noted(text: "\(index)")) } }

            let reply = try await read(client, after: 2, limit: 2)

            #expect(!reply.isTooOld)
            #expect(reply.batch.epoch == database.epoch)
            #expect(reply.batch.head == 5)
            #expect(reply.batch.events.map(\.number) == [3, 4])
            #expect(try reply.batch.events.map { try Noted(wireBytes: $0.payload.bytes).text } == ["3", "4"])
            #expect(try await read(client, after: 5).batch.events.isEmpty)
            for limit in [0, -1] as [Int32] {
                let head = try await read(client, after: 0, limit: limit)
                #expect(head.batch.events.isEmpty)
                #expect(head.batch.head == 5)
                #expect(!head.isTooOld)
            }
        }
    }

    @Test func `an empty log is complete from its beginning`() async throws {
        try await withService(on: TestBus()) { _, client in
            let reply = try await read(client, after: 0)

            #expect(!reply.isTooOld)
            #expect(reply.batch.head == 0)
            #expect(reply.batch.events.isEmpty)
        }
    }

    @Test(arguments: [6, Int64.max, -1]) func `a place the log never had is too old`(after: Int64) async throws {
        try await withService(on: TestBus()) { database, client in
            for index in 1...5 { try await database.write { try $0.publish(Noted(text: "\(index)")) } }

            let reply = try await read(client, after: after)

            #expect(reply.isTooOld)
            #expect(reply.batch.head == 5)
            #expect(reply.batch.events.isEmpty)
        }
    }

    @Test func `a long log forgets its beginning and says so`() async throws {
        let bus = try TestBus()
        let kept = GroupCommitWriter.keptEvents
        let stride = GroupCommitWriter.pruningStride
        let newest = kept + stride - 1
        try await withService(on: bus) { database, _ in
            try await database.write { transaction in
                try transaction.db.execute(
                    sql: """
                        WITH RECURSIVE counter (number) AS (
                            -- The first is the transaction's own, which says nothing.
                            SELECT 2 UNION ALL SELECT number + 1 FROM counter WHERE number < ?
                        ) INSERT INTO event SELECT number, 'test.old', x'' FROM counter
                        """, arguments: [newest])
            }
        }

        // Another life, which takes its numbers from the log.
        let later = try TestBus()
        let configuration = BusConfiguration(
            dataPath: bus.configuration.dataPath, runtimePath: bus.configuration.runtimePath,
            addresses: [.social: later.configuration.addresses(of: .social)])
        let host = try ServiceHost(
            .social, bus: configuration, context: later.context, logger: later.logger
        ) { migrator in migrator.registerMigration("note-1", migrate: createNotes) }
        try await host.serve(BusRoutes())
        let client = try await later.client(of: .social)
        #expect(try await read(client, after: 0, limit: 1).batch.events.map(\.number) == [1])

        try await host.database.write { try $0.publish(Noted(text: "one too many")) }

        #expect(try await read(client, after: stride - 1).isTooOld)
        let oldest = try await read(client, after: stride, limit: 1)
        #expect(!oldest.isTooOld)
        #expect(oldest.batch.events.map(\.number) == [stride + 1])
        #expect(oldest.batch.head == newest + 1)
        #expect(try await read(client, after: newest).batch.events.map(\.kind) == [Noted.kind])
        await host.stop()
    }

    @Test func `what was erased meanwhile is read as an event without content`() async throws {
        let expand: ServiceDatabase.Expansion = { db, _, payload in
            let id = payload.bytes.first.map { Int64($0) } ?? 0
            return try String.fetchOne(db, sql: "SELECT text FROM note WHERE id = ?", arguments: [id])
                .map { Blob(Noted(text: $0).wireBytes) }
        }
        let bus = try TestBus()
        try await withService(on: bus, expand: expand) { database, client in
            let live = try await bus.follow(.social)
            for text in ["kept", "erased"] {
                try await database.write { transaction in
                    try transaction.note(text)
                    try transaction.publish(
                        Noted(text: text), storing: [UInt8(truncatingIfNeeded: transaction.db.lastInsertedRowID)])
                }
            }
            try await database.write { try $0.db.execute(sql: "DELETE FROM note WHERE text = 'erased'") }

            let events = try await read(client, after: 0).batch.events

            // The third is the erasure's own, which says nothing.
            #expect(events.map(\.number) == [1, 2, 3])
            #expect(events.map(\.kind) == [Noted.kind, "", ""])
            #expect(try Noted(wireBytes: events[0].payload.bytes).text == "kept")
            #expect(events[1].payload == Blob([]))
            #expect(try await live.next(Noted.self).text == "kept")
            #expect(try await live.next(Noted.self).text == "erased", "it was true when it was published")
        }
    }

    @Test func `an event is heard by the time its write is answered`() async throws {
        let bus = try TestBus()
        try await withService(on: bus) { database, _ in
            let events = try await bus.follow(.social)

            for index in 1...20 {
                try await database.write { try $0.publish(Noted(text: "\(index)")) }
                #expect(try await events.next(Noted.self).text == "\(index)")
            }
        }
    }
}
