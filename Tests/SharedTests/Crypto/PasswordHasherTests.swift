import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import SharedCrypto

@Suite("Password hasher", .timeLimit(.minutes(5)))
struct PasswordHasherTests {
    @Test func `a hashed password is recognised, another one and an unknown account are not`() async throws {
        let hasher = try PasswordHasher(cost: lowCost())
        defer { hasher.shutdown() }

        let record = try await hasher.hash("secret")

        #expect(record.cost == hasher.cost)
        #expect(try await hasher.verify("secret", against: record))
        #expect(try await !hasher.verify("Secret", against: record))
        #expect(try await !hasher.verify("secret", against: nil))
        #expect(try await !hasher.verify("", against: nil))
    }

    @Test func `an unknown account costs one hash, as a wrong password does`() async throws {
        let gate = Gate(isOpen: true)
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 1, beforeEach: gate.pass)
        defer { hasher.shutdown() }

        _ = try await hasher.verify("secret", against: nil)

        #expect(gate.arrivals == 1)
        #expect(try PasswordRecord.decoy(cost: lowCost()).cost == hasher.cost)
    }

    @Test func `passwords beyond the limit are refused at once and the others are served`() async throws {
        let gate = Gate()
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 2, beforeEach: gate.pass)
        defer { hasher.shutdown() }
        let first = Task { try await hasher.hash("1") }
        try await eventually("it is being hashed") { gate.arrivals == 1 }
        let second = Task { try await hasher.hash("2") }
        let third = Task { try await hasher.verify("3", against: nil) }
        try await eventually("it waits") { hasher.queue.waitingCount == 2 }

        await #expect(throws: PasswordHasher.Refusal.overloaded) { try await hasher.hash("4") }
        await #expect(throws: PasswordHasher.Refusal.overloaded) { try await hasher.verify("5", against: nil) }

        gate.open()
        #expect(try await first.value.matches(password: "1"))
        #expect(try await second.value.matches(password: "2"))
        #expect(try await third.value == false)
        #expect(gate.arrivals == 3)
        #expect(try await hasher.hash("6").matches(password: "6"))
    }

    @Test func `a hasher without waiting places serves one caller after the other`() async throws {
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 0)
        defer { hasher.shutdown() }

        for number in 0..<20 {
            let record = try await hasher.hash("secret \(number)")
            #expect(try record.matches(password: "secret \(number)"))
        }
    }

    @Test func `a cancelled password leaves its place and is never hashed`() async throws {
        let gate = Gate()
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 1, beforeEach: gate.pass)
        defer { hasher.shutdown() }
        let first = Task { try await hasher.hash("1") }
        try await eventually("it is being hashed") { gate.arrivals == 1 }
        let second = Task { try await hasher.hash("2") }
        try await eventually("it waits") { hasher.queue.waitingCount == 1 }

        second.cancel()

        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(hasher.queue.waitingCount == 0)
        let third = Task { try await hasher.hash("3") }
        try await eventually("it waits") { hasher.queue.waitingCount == 1 }
        gate.open()
        _ = try await first.value
        _ = try await third.value
        #expect(gate.arrivals == 2)
    }

    @Test func `a task that is cancelled already is not hashed`() async throws {
        let gate = Gate(isOpen: true)
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 1, beforeEach: gate.pass)
        defer { hasher.shutdown() }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await hasher.hash("1")
        }

        task.cancel()

        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(gate.arrivals == 0)
    }

    @Test func `a cancellation after the hash has begun does not take the result away`() async throws {
        let gate = Gate()
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 1, beforeEach: gate.pass)
        defer { hasher.shutdown() }
        let task = Task { try await hasher.hash("1") }
        try await eventually("it is being hashed") { gate.arrivals == 1 }

        task.cancel()
        gate.open()

        #expect(try await task.value.matches(password: "1"))
    }

    @Test func `a shutdown finishes the running hash and fails the waiting and the later ones`() async throws {
        let gate = Gate()
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 2, beforeEach: gate.pass)
        let running = Task { try await hasher.hash("1") }
        try await eventually("it is being hashed") { gate.arrivals == 1 }
        let waiting = Task { try await hasher.hash("2") }
        try await eventually("it waits") { hasher.queue.waitingCount == 1 }

        // The first half of a shutdown; the second half would wait here for the gate.
        hasher.queue.stop()

        await #expect(throws: PasswordHasher.Refusal.shutDown) { try await waiting.value }
        await #expect(throws: PasswordHasher.Refusal.shutDown) { try await hasher.hash("3") }
        gate.open()
        hasher.shutdown()
        hasher.shutdown()
        #expect(try await running.value.matches(password: "1"))
        #expect(gate.arrivals == 1)
        await #expect(throws: PasswordHasher.Refusal.shutDown) { try await hasher.verify("4", against: nil) }
    }

    @Test func `many callers, some of whom give up, all get an answer`() async throws {
        let hasher = try PasswordHasher(cost: lowCost(), maxWaiting: 8)
        defer { hasher.shutdown() }

        let answers = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let task = Task { try await hasher.verify("secret", against: nil) }
                    if index % 3 == 0 { task.cancel() }
                    switch await task.result {
                    case .success(let isMatch): return !isMatch
                    case .failure(let error): return error is CancellationError || error is PasswordHasher.Refusal
                    }
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }

        #expect(answers.count == 200)
        #expect(!answers.contains(false))
        #expect(hasher.queue.waitingCount == 0)
    }
}

private func lowCost() throws -> ScryptCost {
    try ScryptCost(n: 1024, r: 8, p: 1)
}

/// Holds the hashing thread before each password until it is opened.
private final class Gate: Sendable {
    private let state: Mutex<(isOpen: Bool, arrivals: Int)>
    private let opened = DispatchSemaphore(value: 0)

    init(isOpen: Bool = false) {
        state = Mutex((isOpen, 0))
    }

    var arrivals: Int { state.withLock { $0.arrivals } }

    @Sendable func pass() {
        let isOpen = state.withLock { state in
            state.arrivals += 1
            return state.isOpen
        }
        // Only one thread passes and only one opening is signalled, so one count is enough.
        if !isOpen { opened.wait() }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        opened.signal()
    }
}
