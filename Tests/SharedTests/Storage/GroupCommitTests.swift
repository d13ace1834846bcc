import GRDB
import Shared
import Synchronization
import TestSupport
import Testing

@testable import SharedStorage

@Suite(.timeLimit(.minutes(5))) struct GroupCommitTests {
    @Test func `steps that wait while another commits share one transaction and are answered in order`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        let steps = (0..<50).map { index -> WriteStep<ObjectIdentifier> in
            { transaction in
                try transaction.note("\(index)")
                return transaction.identity
            }
        }

        let (answers, order) = await database.writeGroup(steps)

        #expect(Set(try answers.map { try $0.get() }).count == 1)
        #expect(order == Array(0..<50))
        #expect(try await database.notes == (0..<50).map(String.init))
    }

    @Test func `a refused step leaves its neighbours committed in the same transaction`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        let steps: [WriteStep<ObjectIdentifier>] = [
            { transaction in
                try transaction.note("first")
                return transaction.identity
            },
            { _ in throw ServiceError(.alreadyFriends, detail: "x") },
            { transaction in
                try transaction.note("last")
                return transaction.identity
            },
        ]

        let (answers, order) = await database.writeGroup(steps)

        #expect(try answers[0].get() == answers[2].get())
        #expect(answers[1].refusal == ServiceError(.alreadyFriends, detail: "x"))
        #expect(order == [0, 1, 2])
        #expect(try await database.notes == ["first", "last"])
    }

    @Test func `a step that fails after a change is undone and its neighbours survive`() async throws {
        let rollbacks = Atomic(0)
        let folder = ScratchFolder()
        let database = try folder.open(onRollback: { rollbacks.add(1, ordering: .relaxed) })
        defer { database.close() }

        let steps: [WriteStep<Void>] = [
            { transaction in
                try transaction.note("first")
                try transaction.publish(Noted(text: "first"))
            },
            { transaction in
                try transaction.note("spoilt")
                try transaction.publish(Noted(text: "spoilt"))
                throw ServiceError(.limitReached)
            },
            { transaction in
                try transaction.note("last")
                try transaction.publish(Noted(text: "last"))
            },
        ]

        let (answers, order) = await database.writeGroup(steps)

        #expect(answers.map { $0.refusal == nil } == [true, false, true])
        #expect(order == [0, 1, 2])
        #expect(try await database.notes == ["first", "last"])
        #expect(
            try await database.events == [
                NumberedEvent(number: 1, kind: Noted.kind, payload: Blob(Noted(text: "first").wireBytes)),
                NumberedEvent(number: 2, kind: Noted.kind, payload: Blob(Noted(text: "last").wireBytes)),
            ])
        // Once for the group and once for the step on its own.
        #expect(rollbacks.load(ordering: .relaxed) == 2)
    }

    @Test func `a conflict found by the schema is an answer and not a defect of its neighbours`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        try await database.write { try $0.note("taken") }

        let (answers, _) = await database.writeGroup(
            ["one", "taken", "two"].map { text -> WriteStep<Void> in { try $0.note(text) } })

        #expect(answers.map { $0.refusal == nil } == [true, false, true])
        #expect(try await database.notes == ["taken", "one", "two"])
    }

    @Test func `a commit that fails fails all of its group and nothing of it stays`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        let steps: [WriteStep<Void>] = [
            { transaction in
                try transaction.note("innocent")
                try transaction.publish(Noted(text: "innocent"))
            },
            { transaction in try transaction.db.execute(sql: "INSERT INTO promise VALUES (99)") },
        ]

        let (answers, _) = await database.writeGroup(steps)

        #expect(answers.allSatisfy { $0.refusal != nil })
        #expect(try await database.notes.isEmpty)
        try await database.write { transaction in
            try transaction.note("next")
            try transaction.publish(Noted(text: "next"))
        }
        #expect(try await database.notes == ["next"])
        #expect(try await database.events.map(\.number) == [1])
    }

    @Test func `events are numbered without holes in commit order over groups and restarts`() async throws {
        let folder = ScratchFolder()
        for life in 0..<2 {
            try await folder.withDatabase { database in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<100 {
                        group.addTask {
                            try await database.write { transaction in
                                try transaction.note("\(life)-\(index)")
                                try transaction.publish(Noted(text: "\(life)-\(index)"))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        let (events, notes) = try await folder.withDatabase { (try await $0.events, try await $0.notes) }
        #expect(events.map(\.number) == Array(1...200))
        #expect(try notes == events.map { try Noted(wireBytes: $0.payload.bytes).text })
    }

    @Test func `a full queue refuses at once and takes writes again when it has room`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        let release = await database.occupyWriter()
        let answered = Atomic(0)
        let (ends, end) = AsyncStream<Void>.makeStream()
        for _ in 0..<GroupCommitWriter.maxQueued {
            database.submit { _ in
            } completion: { result in
                if result.refusal == nil, answered.add(1, ordering: .relaxed).newValue == GroupCommitWriter.maxQueued {
                    end.yield()
                }
            }
        }

        let refusal = await refusal { () async throws(ServiceError) in try await database.write { _ in } }

        #expect(refusal == ServiceError(.unavailable))
        #expect(answered.load(ordering: .relaxed) == 0)
        release()
        for await _ in ends { break }
        try await database.write { try $0.note("room again") }
    }

    @Test func `what was queued is committed by a close and later writes are refused`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        let release = await database.occupyWriter()
        let (answers, answer) = AsyncStream<Bool>.makeStream()
        for index in 0..<10 {
            database.submit {
                try $0.note("\(index)")
            } completion: {
                answer.yield($0.refusal == nil)
            }
        }

        release()
        database.close()
        database.close()

        answer.finish()
        #expect(await answers.reduce(into: []) { $0.append($1) } == Array(repeating: true, count: 10))
        let refusal = await refusal { () async throws(ServiceError) in try await database.write { _ in } }
        #expect(refusal == ServiceError(.unavailable))
        #expect(try await folder.withDatabase { try await $0.notes.count } == 10)
    }

    @Test func `a full disk refuses as unavailable, lets reads go on, and heals`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        try await database.write { try $0.note("before") }
        try await database.limitPages(to: nil)

        // The first of the three would fit: SQLite undoes it together with the one that does not.
        let texts = ["fits", String(repeating: "x", count: 1 << 20), "fits too"]
        let (answers, order) = await database.writeGroup(texts.map { text -> WriteStep<Void> in { try $0.note(text) } })

        #expect(order == [0, 1, 2])
        #expect(answers.map(\.refusal) == [nil, ServiceError(.unavailable), nil])
        #expect(try await database.notes == ["before", "fits", "fits too"])
        try await database.limitPages(to: 1 << 20)
        try await database.write { try $0.note("after") }
        #expect(try await database.notes.last == "after")
    }

    @Test func `a disk that is full when an event is written refuses as unavailable and heals`() async throws {
        let folder = ScratchFolder()
        let database = try folder.open()
        defer { database.close() }
        try await database.write { try $0.publish(Noted(text: "before")) }
        try await database.limitPages(to: nil)
        let texts = ["fits", String(repeating: "x", count: 1 << 20), "fits too"]
        let steps = texts.map { text -> WriteStep<Void> in { try $0.publish(Noted(text: text)) } }
        let (answers, _) = await database.writeGroup(steps)

        #expect(answers.map(\.refusal) == [nil, ServiceError(.unavailable), nil])
        try await database.limitPages(to: 1 << 20)
        try await database.write { try $0.publish(Noted(text: "after")) }
        #expect(try await database.events.map(\.number) == [1, 2, 3, 4])
    }
}

extension ServiceDatabase {
    /// Plays a disk that is full at so many pages, by default at the present ones.
    fileprivate func limitPages(to count: Int?) async throws {
        try await write { transaction in
            let present = try Int.fetchOne(transaction.db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(transaction.db, sql: "PRAGMA max_page_count = \(count ?? present)")
        }
    }
}
