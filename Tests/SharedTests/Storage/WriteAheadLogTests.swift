import Foundation
import GRDB
import Glibc
import Shared
import TestSupport
import Testing

@testable import SharedStorage

@Suite(.timeLimit(.minutes(5))) struct WriteAheadLogTests {
    /// Keeps one read after the other under way, each begun before the one before it has ended, until it is told to stop.
    private func overlapReads(of database: ServiceDatabase, until isOver: OnceBox<Bool>) async {
        await withTaskGroup(of: Void.self) { group in
            for offset in 0..<3 {
                group.addTask {
                    // The readers take turns.
                    try? await Task.sleep(for: .milliseconds(offset * 7))
                    while isOver.value == nil {
                        do throws(ServiceError) {
                            _ = try await database.read { db in
                                _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM note")
                                // A thread of its own, which may block: the read takes a while.
                                usleep(20_000)
                            }
                        } catch {
                            #expect(error.code == .unavailable, "a read was interrupted, or refused at the end")
                        }
                    }
                }
            }
        }
    }

    @Test func `readers that overlap do not make the log longer than its bound`() async throws {
        let folder = ScratchFolder()
        var limit = LogLimit()
        limit.copyingPages = 100
        limit.maxPages = 400
        let database = try folder.open(logLimit: limit)
        defer { database.close() }
        let isOver = OnceBox<Bool>()
        let text = String(repeating: "x", count: 3_000)
        async let reading: Void = overlapReads(of: database, until: isOver)
        var longest = 0
        for index in 0..<1_500 {
            try await database.write { try $0.note("\(index) \(text)") }
            guard index.isMultiple(of: 25) else { continue }
            let size = try FileManager.default.attributesOfItem(atPath: folder.databasePath + "-wal")[.size] as? Int
            longest = max(longest, size ?? 0)
        }
        isOver.set(true)
        await reading

        // Each write takes a few pages more than once, which would be more than 4,000 pages in all.
        let bound = (Int(limit.maxPages) + 40) * (4_096 + 24)
        #expect(longest < bound)
        #expect(try await database.notes.count == 1_500)
    }

    @Test func `a program that keeps looking at the file holds up nobody`() async throws {
        let folder = ScratchFolder()
        var limit = LogLimit()
        limit.copyingPages = 10
        limit.maxPages = 20
        let database = try folder.open(logLimit: limit)
        defer { database.close() }
        var configuration = GRDB.Configuration()
        configuration.allowsUnsafeTransactions = true
        let stranger = try DatabaseQueue(path: folder.databasePath, configuration: configuration)
        let clock = ContinuousClock()
        try stranger.inDatabase { db in try db.execute(sql: "BEGIN; SELECT count(*) FROM note") }
        let taken = try await clock.measure {
            for index in 0..<100 { try await database.write { try $0.note("note \(index)") } }
        }
        try stranger.inDatabase { db in try db.execute(sql: "ROLLBACK") }

        // Nearly every commit finds the log too long, and would wait five seconds.
        #expect(taken < .seconds(60), "it waited for somebody else's lock")
        for index in 100..<200 { try await database.write { try $0.note("note \(index)") } }
        #expect(try await database.notes.count == 200)
    }

    @Test func `a write whose caller has given up is not begun`() async throws {
        try await ScratchFolder().withDatabase { database in
            let release = await database.occupyWriter()
            let deadline = MonotonicTime.after(.milliseconds(30))
            let (answers, answer) = AsyncStream<Result<Void, ServiceError>>.makeStream()
            database.submit(until: deadline) {
                try $0.note("late")
            } completion: {
                answer.yield($0)
            }
            database.submit {
                try $0.note("patient")
            } completion: {
                answer.yield($0)
            }
            try await eventually("the deadline has passed") { deadline.hasPassed }
            release()

            var results = answers.makeAsyncIterator()
            #expect(await results.next()?.refusal == ServiceError(.unavailable, detail: "expired"))
            #expect(await results.next()?.refusal == nil)
            #expect(try await database.notes == ["patient"])
        }
    }
}
