import Foundation
import GRDB
import Shared
import TestSupport
import Testing

@testable import SharedStorage

/// What becomes of a database that is not the one that was there.
@Suite(.timeLimit(.minutes(5))) struct LostProgressTests {
    let folder = ScratchFolder()

    private var lockPath: String { folder.path + "/social-svc.lock" }

    /// The files of the database, as they lie there; a log with nothing in it is none.
    private func files() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for suffix in ["", "-wal"] {
            let path = folder.databasePath + suffix
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            if suffix.isEmpty || !content.isEmpty { files[path] = content }
        }
        return files
    }

    private func put(_ files: [String: Data]) throws {
        for suffix in ["", "-wal", "-shm"] {
            let path = folder.databasePath + suffix
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        }
        for (path, content) in files { try content.write(to: URL(fileURLWithPath: path)) }
    }

    private func write(_ texts: [String]) async throws {
        try await folder.withDatabase { database in
            for text in texts { try await database.write { try $0.note(text) } }
        }
    }

    /// Writes, and leaves the folder as a kill would: what was committed is in the log beside the file.
    private func writeAndDie(_ count: Int) async throws {
        let database = try folder.open()
        for index in 0..<count { try await database.write { try $0.note("note \(index)") } }
        let left = try files()
        database.close()
        try put(left)
    }

    /// Why the database is refused; empty when it is not.
    private func reason() throws -> String {
        do {
            try folder.open().close()
            return ""
        } catch let refusal as DataDirectory.Refusal {
            return refusal.description
        }
    }

    @Test func `every commit that changes something raises the mark, and no other does`() async throws {
        try await folder.withDatabase { database in
            let before = database.mark
            try await database.write { try $0.note("silent") }
            #expect(database.mark.head == before.head + 1)
            try await database.write { transaction in
                try transaction.note("loud")
                try transaction.publish(Noted(text: "loud"))
            }
            #expect(database.mark.head == before.head + 2)
            try await database.write { transaction in
                try transaction.db.execute(sql: "DELETE FROM note WHERE text = 'nobody'")
            }
            #expect(database.mark.head == before.head + 2)
            #expect(database.mark.includes(before))
        }
    }

    @Test func `an empty file is refused and the log beside it is kept`() async throws {
        try await writeAndDie(3)
        let right = try files()
        try put([
            folder.databasePath: Data(), folder.databasePath + "-wal": right[folder.databasePath + "-wal"] ?? Data(),
        ])
        let wrong = try files()

        #expect(try reason().hasPrefix("\(folder.databasePath) is empty, but there was one; put the right file back"))

        #expect(try files() == wrong, "what is refused stays as it is")
        try put(right)
        #expect(try await folder.withDatabase { try await $0.notes.count } == 3)
    }

    @Test func `a copy from before is refused, whatever was written since`() async throws {
        try await write(["old"])
        let old = try files()
        try await write(["new"])
        let right = try files()
        try put(old)

        #expect(try reason().contains("is older than it was: it ends with event 1, and 2 was there"))

        #expect(try files() == old)
        try put(right)
        #expect(try await folder.withDatabase { try await $0.notes } == ["old", "new"])
    }

    @Test func `a database without its log is refused`() async throws {
        try await writeAndDie(3)
        let right = try files()
        try put([folder.databasePath: right[folder.databasePath] ?? Data()])

        #expect(try reason() != "")

        try put(right)
        #expect(try await folder.withDatabase { try await $0.notes.count } == 3)
    }

    @Test func `a log with flipped bytes in its midst is refused`() async throws {
        try await writeAndDie(50)
        let right = try files()
        var wrong = right
        let log = folder.databasePath + "-wal"
        var content = try #require(right[log])
        for index in content.count / 2..<content.count / 2 + 64 { content[index] ^= 0xFF }
        wrong[log] = content
        try put(wrong)

        #expect(try reason().contains("is older than it was"))

        #expect(try files() == wrong)
        try put(right)
        #expect(try await folder.withDatabase { try await $0.notes.count } == 50)
    }

    @Test func `another database is refused, unless somebody has gone back on purpose`() async throws {
        try await write(["here"])
        let other = ScratchFolder()
        try await other.withDatabase { try await $0.write { try $0.note("there") } }
        try put([folder.databasePath: try Data(contentsOf: URL(fileURLWithPath: other.databasePath))])

        #expect(try reason().contains("is not the one that was here"))

        // This is what going back on purpose means.
        let queue = try DatabaseQueue(path: folder.databasePath)
        try await queue.write { try $0.execute(sql: "UPDATE log SET age = age + 1") }
        try queue.close()
        #expect(try await folder.withDatabase { try await $0.notes } == ["there"])
    }

    @Test func `a folder from before there were marks is taken as it is`() async throws {
        try await write(["old"])
        try Data("database created\n".utf8).write(to: URL(fileURLWithPath: lockPath))
        let queue = try DatabaseQueue(path: folder.databasePath)
        try await queue.write { db in
            try db.execute(sql: "ALTER TABLE log DROP COLUMN age")
            try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = 'shared-2'")
        }
        try queue.close()

        #expect(try await folder.withDatabase { try await $0.notes } == ["old"])
        try put([folder.databasePath: Data()])
        #expect(try reason().contains("is empty, but there was one"))
    }

    // MARK: - What others know

    private func withHost(
        on bus: TestBus, _ body: (ServiceHost, OnceBox<String>) async throws -> Void
    ) async throws {
        let end = OnceBox<String>()
        let note: @Sendable (String) -> Void = { end.set($0) }
        let host = try ServiceHost(
            .social, bus: bus.configuration, context: bus.context, logger: bus.logger, onOutdated: note
        ) { migrator in migrator.registerMigration("note-1", migrate: createNotes) }
        try await host.serve(BusRoutes())
        do {
            try await body(host, end)
        } catch {
            await host.stop()
            throw error
        }
        await host.stop()
    }

    private func client(on bus: TestBus, having seen: Mark) async throws -> (BusClient, BusReactor) {
        let reactor = BusReactor(context: bus.context, logger: bus.logger)
        let client = BusClient(
            to: .social, as: .gateway, reactor: reactor,
            marks: KnownMarks([MarksAPI.Known(service: .social, mark: seen)]), logger: bus.logger)
        try await client.connect(to: bus.configuration.addresses(of: .social).requests, security: BusSecurity())
        return (client, reactor)
    }

    @Test(arguments: ["further", "another", "restored"])
    func `a service that somebody has seen further does nothing more, and does not start again`(
        case name: String
    ) async throws {
        let bus = try TestBus()
        try await withHost(on: bus) { host, end in
            try await host.database.write { try $0.note("here") }
            var seen = host.database.mark
            switch name {
            case "further": seen.head += 1
            case "another": seen.epoch ^= 1
            default: seen.age += 1
            }
            let (client, reactor) = try await client(on: bus, having: seen)
            defer { reactor.stop() }

            let refused = await refusal { () async throws(ServiceError) in
                _ = try await client.call(EventLogAPI.Read(after: 0, limit: 0), .test())
            }

            #expect(refused?.code == .unavailable)
            let reason = try #require(refused?.outdatedReason)
            #expect(reason.contains("social-svc.db is "))
            #expect(reason.contains("as others have seen; put the right file back"))
            #expect(end.value == reason)
            #expect(client.objection == reason)
            // Not for those either who know nothing.
            let stranger = try await bus.client(of: .social)
            let other = await refusal { () async throws(ServiceError) in
                _ = try await stranger.call(EventLogAPI.Read(after: 0, limit: 0), .test())
            }
            #expect(other?.outdatedReason == reason)
        }
        let again = #expect(throws: DataDirectory.Refusal.self) {
            try ServiceDatabase(
                in: DataDirectory(path: bus.configuration.dataPath, service: .social), logger: .silent
            ) { migrator in migrator.registerMigration("note-1", migrate: createNotes) }
        }
        #expect(again?.description.contains("social-svc.db is ") == true)
    }

    @Test func `whoever has seen less, or exactly this, is answered`() async throws {
        let bus = try TestBus()
        try await withHost(on: bus) { host, end in
            try await host.database.write { try $0.note("here") }
            var seen = host.database.mark
            for _ in 1...2 {
                let (client, reactor) = try await client(on: bus, having: seen)
                _ = try await client.call(EventLogAPI.Read(after: 0, limit: 0), .test())
                reactor.stop()
                seen.head -= 1
            }
            #expect(end.value == nil)
        }
    }

    @Test func `what was told of others is known after a restart, and never gets less`() async throws {
        let bus = try TestBus()
        func exchange(_ mark: Mark) async throws -> Mark? {
            let client = try await bus.client(of: .social)
            let reply = try await client.call(
                MarksAPI.Exchange(known: [MarksAPI.Known(service: .auth, mark: mark)]), .test())
            return reply.known.first { $0.service == .auth }?.mark
        }
        let seen = Mark(age: 0, epoch: 5, head: 10)
        try await withHost(on: bus) { _, _ in
            let known = try await exchange(seen)
            #expect(known == seen)
        }

        // Memory endpoints cannot be found again by the same context.
        let later = try TestBus()
        let configuration = BusConfiguration(
            dataPath: bus.configuration.dataPath, runtimePath: bus.configuration.runtimePath,
            addresses: [.social: later.configuration.addresses(of: .social)])
        let host = try ServiceHost(
            .social, bus: configuration, context: later.context, logger: later.logger
        ) { migrator in migrator.registerMigration("note-1", migrate: createNotes) }
        try await host.serve(BusRoutes())
        let client = try await later.client(of: .social)
        for (told, known) in [
            (Mark(age: 0, epoch: 5, head: 9), seen), (Mark(age: 0, epoch: 6, head: 99), seen),
            (Mark(age: 0, epoch: 5, head: 11), Mark(age: 0, epoch: 5, head: 11)),
            (Mark(age: 1, epoch: 6, head: 3), Mark(age: 1, epoch: 6, head: 3)),
        ] {
            let reply = try await client.call(
                MarksAPI.Exchange(known: [MarksAPI.Known(service: .auth, mark: told)]), .test())
            #expect(reply.known.first { $0.service == .auth }?.mark == known)
        }
        await host.stop()
    }
}
