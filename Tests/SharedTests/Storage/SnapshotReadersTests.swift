import Dispatch
import GRDB
import Shared
import Synchronization
import TestSupport
import Testing

@testable import SharedStorage

@Suite(.timeLimit(.minutes(5))) struct SnapshotReadersTests {
    private func withDatabase(_ body: (ServiceDatabase) async throws -> Void) async throws {
        let folder = ScratchFolder()
        try await folder.withDatabase { try await body($0) }
    }

    @Test func `reads run beside the writer and each other, each from one snapshot`() async throws {
        try await withDatabase { database in
            try await database.write { try $0.note("first") }
            let gate = DispatchSemaphore(value: 0)
            let (looks, look) = AsyncStream<Int?>.makeStream()
            database.read(until: nil) { db in
                look.yield(try Int.fetchOne(db, sql: "SELECT count(*) FROM note"))
                gate.wait()
                look.yield(try Int.fetchOne(db, sql: "SELECT count(*) FROM note"))
            } completion: { _ in
                look.finish()
            }
            var seen = looks.makeAsyncIterator()
            #expect(await seen.next() == 1)

            try await database.write { try $0.note("second") }

            #expect(try await database.notes == ["first", "second"])
            gate.signal()
            #expect(await seen.next() == 1)
        }
    }

    @Test func `a full line refuses at once and has room again when a read has ended`() async throws {
        try await withDatabase { database in
            let release = await database.occupyReaders()
            let answered = Atomic(0)
            let (ends, end) = AsyncStream<Void>.makeStream()
            for _ in 0..<SnapshotReaders.maxQueued {
                database.read(until: nil) { _ in
                } completion: { result in
                    guard result.refusal == nil else { return }
                    if answered.add(1, ordering: .relaxed).newValue == SnapshotReaders.maxQueued { end.yield() }
                }
            }

            let refusal = await refusal { () async throws(ServiceError) in try await database.read { _ in } }

            #expect(refusal == ServiceError(.unavailable))
            #expect(answered.load(ordering: .relaxed) == 0)
            release()
            for await _ in ends { break }
            try await database.read { _ in }
        }
    }

    @Test func `reads that wait begin in the order they came`() async throws {
        try await withDatabase { database in
            // One thread is left, which takes them one after the other.
            let release = await database.occupyReaders(SnapshotReaders.threadCount - 1)
            let (begun, begin) = AsyncStream<Int>.makeStream()
            let gate = DispatchSemaphore(value: 0)
            database.read(until: nil) { _ in
                gate.wait()
            } completion: { _ in
            }
            for index in 0..<20 {
                database.read(until: nil) { _ in
                    begin.yield(index)
                } completion: { _ in
                }
            }

            gate.signal()

            var order: [Int] = []
            for await index in begun {
                order.append(index)
                if order.count == 20 { break }
            }
            #expect(order == Array(0..<20))
            release()
        }
    }

    @Test func `a read whose deadline has passed when its turn comes is refused and not begun`() async throws {
        try await withDatabase { database in
            let release = await database.occupyReaders()
            let begun = Atomic(0)
            let (answers, answer) = AsyncStream<ServiceError?>.makeStream()
            database.read(until: .now) { _ in
                begun.add(1, ordering: .relaxed)
            } completion: {
                answer.yield($0.refusal)
            }
            database.read(until: .after(.seconds(60))) { _ in
            } completion: {
                answer.yield($0.refusal)
            }
            release()

            var codes: Set<ServiceError.Code?> = []
            for await refusal in answers {
                codes.insert(refusal?.code)
                if codes.count == 2 { break }
            }
            #expect(codes == [.unavailable, nil])
            #expect(begun.load(ordering: .relaxed) == 0)
        }
    }

    @Test func `a close waits for what has begun, refuses what waits, and what comes later`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        let release = await database.occupyReaders()
        let (answers, answer) = AsyncStream<ServiceError.Code?>.makeStream()
        for _ in 0..<10 {
            database.read(until: nil) { _ in
            } completion: {
                answer.yield($0.refusal?.code)
            }
        }

        let closing = Task.detached { database.close() }
        var codes: [ServiceError.Code?] = []
        for await code in answers {
            codes.append(code)
            if codes.count == 10 { break }
        }
        #expect(codes == Array(repeating: .unavailable, count: 10))
        release()
        await closing.value
        database.close()

        let refusal = await refusal { () async throws(ServiceError) in try await database.read { _ in } }
        #expect(refusal == ServiceError(.unavailable))
        #expect(try await folder.withDatabase { try await $0.notes }.isEmpty, "the folder is free again")
    }

    @Test func `a close ends a read that would never end`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        let (starts, start) = AsyncStream<Void>.makeStream()
        let reading = Task {
            await refusal { () async throws(ServiceError) in
                try await database.read { db in
                    db.add(
                        function: DatabaseFunction("begun", argumentCount: 0) { _ in
                            start.yield()
                            return true
                        })
                    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
                    _ = try Int.fetchOne(db, sql: "\(endless) SELECT count(*) FROM n WHERE x > 1 OR begun()")
                }
            }
        }
        for await _ in starts { break }
        database.close()
        #expect(await reading.value == ServiceError(.unavailable))
    }

    @Test func `a read that fails or tries to write harms none that follow`() async throws {
        try await withDatabase { database in
            let failures: [(ServiceError.Code, @Sendable (Snapshot) throws -> Void)] = [
                (.notParticipant, { _ in throw ServiceError(.notParticipant) }),
                (.internal, { try $0.execute(sql: "no SQL") }),
                (.internal, { try $0.execute(sql: "INSERT INTO note (text) VALUES ('x')") }),
            ]
            // More often than there are connections.
            for (code, step) in Array(repeating: failures, count: SnapshotReaders.threadCount + 1).joined() {
                let refusal = await refusal { () async throws(ServiceError) in try await database.read(step) }
                #expect(refusal?.code == code)
            }

            try await database.write { try $0.note("kept") }
            #expect(try await database.notes == ["kept"])
        }
    }
}

extension ServiceDatabase {
    /// Keeps threads that read busy, all of them if no number is given; returns what lets them go on.
    fileprivate func occupyReaders(_ count: Int = SnapshotReaders.threadCount) async -> @Sendable () -> Void {
        let gate = DispatchSemaphore(value: 0)
        let (starts, start) = AsyncStream<Void>.makeStream()
        for _ in 0..<count {
            read(until: nil) { _ in
                start.yield()
                // These threads are the database's own, which may block.
                gate.wait()
            } completion: { _ in
            }
        }
        var started = 0
        for await _ in starts {
            started += 1
            if started == count { break }
        }
        return { for _ in 0..<count { gate.signal() } }
    }
}
