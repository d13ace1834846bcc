import GRDB
package import Logging
package import Shared
import Synchronization

/// Delivers the outbox to its receivers: in order, at least once, until acknowledged; it survives any crash because it
/// lives in the database.
package final class OutboxRelay: Sendable {
    /// Effects of one delivery.
    static let maxBatch = 64
    /// Bytes of the effects of one delivery, so that it fits on the bus; a longer effect travels alone.
    static let maxBatchBytes = 1 << 20
    /// Pause before a failed delivery is repeated; doubles up to the limit.
    static let firstRetry = Duration.milliseconds(50)
    static let lastRetry = Duration.seconds(1)

    private struct State {
        var waiters: [Int64: [AcknowledgementWaiter]] = [:]
        var acknowledged: Int64 = 0
        var task: Task<Void, Never>?
    }

    private let database: ServiceDatabase
    private let sender: ServiceName
    private let receiver: BusClient
    private let logger: Logger
    private let state = Mutex(State())
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// A relay for the effects one service owes another.
    package init(database: ServiceDatabase, from sender: ServiceName, to receiver: BusClient, logger: Logger) {
        self.database = database
        self.sender = sender
        self.receiver = receiver
        self.logger = logger
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Begins to deliver, first of all what an earlier life of the process left behind.
    package func start() {
        database.wakeOnEffects { [wakeUp] in wakeUp.yield() }
        wakeUp.yield()
        let task = Task { await run() }
        state.withLock { $0.task = task }
    }

    /// Stops delivering; what is left stays in the database.
    package func stop() async {
        wakeUp.finish()
        let task = state.withLock { $0.task.take() }
        task?.cancel()
        await task?.value
    }

    /// Waits until all that is owed now is in force at its receiver.
    ///
    /// - Throws: ``ServiceError/Code/outcomeUnknown`` when the deadline comes first.
    package func waitForEverything(until deadline: MonotonicTime) async throws(ServiceError) {
        let receiverCode = Int64(receiver.service.rawValue)
        let last = try await database.read { db in
            try Int64.fetchOne(db, sql: "SELECT max(number) FROM outbox WHERE receiver = ?", arguments: [receiverCode])
        }
        if let last { try await waitForAcknowledgement(of: last, until: deadline) }
    }

    /// Waits until an effect that was just committed is in force at its receiver.
    ///
    /// - Throws: ``ServiceError/Code/outcomeUnknown`` when the deadline comes first; the effect still arrives later.
    package func waitForAcknowledgement(of number: Int64, until deadline: MonotonicTime) async throws(ServiceError) {
        let waiter = AcknowledgementWaiter()
        let isThere = state.withLock { state in
            if state.acknowledged < number { state.waiters[number, default: []].append(waiter) }
            return state.acknowledged >= number
        }
        if isThere { return }
        let timer = Task {
            // Cancelled as soon as the acknowledgement is there, and then too late to settle anything.
            try? await Task.sleep(for: .milliseconds(Int64(deadline.millisecondsFromNow)))
            waiter.settle(false)
        }
        defer { timer.cancel() }
        guard await waiter.isAcknowledged() else {
            forget(waiter, of: number)
            throw ServiceError(.outcomeUnknown)
        }
    }

    private func forget(_ waiter: AcknowledgementWaiter, of number: Int64) {
        state.withLock { state in
            state.waiters[number]?.removeAll { $0 === waiter }
            if state.waiters[number]?.isEmpty == true { state.waiters[number] = nil }
        }
    }

    private func run() async {
        var pause = Self.firstRetry
        for await _ in wakeUps {
            while !Task.isCancelled {
                do throws(ServiceError) {
                    guard try await deliverNext() else { break }
                    pause = Self.firstRetry
                } catch {
                    logger.warning(
                        "effects wait for their receiver",
                        metadata: ["to": "\(receiver.service)", "reason": "\(error)"])
                    // Cancelled only by the stop of the process.
                    try? await Task.sleep(for: pause)
                    pause = min(pause * 2, Self.lastRetry)
                }
            }
        }
    }

    /// Delivers the oldest effects; `false` when there are none.
    private func deliverNext() async throws(ServiceError) -> Bool {
        let receiverCode = Int64(receiver.service.rawValue)
        let effects = try await database.read { db in try Self.nextEffects(to: receiverCode, db) }
        guard !effects.isEmpty else { return false }
        let reply = try await receiver.call(
            EffectAPI.Apply(sender: sender, epoch: database.epoch, effects: effects),
            CallContext(trace: "outbox-\(effects[0].number)"))
        let applied = reply.applied
        try await database.write { transaction in
            try transaction.db.execute(
                sql: "DELETE FROM outbox WHERE receiver = ? AND number <= ?", arguments: [receiverCode, applied])
        }
        acknowledge(upTo: applied)
        return true
    }

    /// The oldest effects owed to a service, as many as go into one delivery; none only when none is owed.
    private static func nextEffects(to receiverCode: Int64, _ db: Database) throws -> [EffectAPI.Effect] {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT number, kind, payload FROM outbox WHERE receiver = ? ORDER BY number LIMIT ?",
            arguments: [receiverCode, maxBatch])
        var effects: [EffectAPI.Effect] = []
        var room = maxBatchBytes
        while let row = try rows.next() {
            let payload: Blob = row["payload"]
            room -= payload.bytes.count
            guard room >= 0 || effects.isEmpty else { break }
            effects.append(EffectAPI.Effect(number: row["number"], kind: row["kind"], payload: payload))
        }
        return effects
    }

    private func acknowledge(upTo number: Int64) {
        let waiters = state.withLock { state in
            state.acknowledged = max(state.acknowledged, number)
            let reached = state.waiters.keys.filter { $0 <= number }
            return reached.flatMap { state.waiters.removeValue(forKey: $0) ?? [] }
        }
        for waiter in waiters { waiter.settle(true) }
    }
}

/// A call that waits for an acknowledgement: settled once, by that or by its own deadline, even before it is awaited.
private final class AcknowledgementWaiter: Sendable {
    private enum State {
        case unsettled
        case awaited(CheckedContinuation<Bool, Never>)
        case settled(Bool)
    }

    private let state = Mutex(State.unsettled)

    /// The first call counts.
    func settle(_ isAcknowledged: Bool) {
        let continuation = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            switch state {
            case .settled: return nil
            case .unsettled:
                state = .settled(isAcknowledged)
                return nil
            case .awaited(let continuation):
                state = .settled(isAcknowledged)
                return continuation
            }
        }
        continuation?.resume(returning: isAcknowledged)
    }

    /// Awaited once: whether the acknowledgement came before the deadline.
    func isAcknowledged() async -> Bool {
        await withCheckedContinuation { continuation in
            let settled = state.withLock { state -> Bool? in
                if case .settled(let isAcknowledged) = state { return isAcknowledged }
                state = .awaited(continuation)
                return nil
            }
            if let settled { continuation.resume(returning: settled) }
        }
    }
}

/// Applies effects of other services exactly once: remembers, in the same transaction, how far each sender has come.
package struct EffectInbox: Sendable {
    package typealias Handler = @Sendable (WriteTransaction, Blob) throws -> Void

    /// Time kept back from a sender's deadline, so that an answer still reaches it.
    private static let answerMargin = Duration.milliseconds(200)

    private var handlers: [String: Handler] = [:]

    package init() {}

    /// What an effect does here. It must succeed for every payload of its type: a failure holds up its sender for good.
    package mutating func on<Effect: BusEffect>(
        _: Effect.Type, apply: @escaping @Sendable (WriteTransaction, Effect) throws -> Void
    ) {
        handlers[Effect.kind] = { transaction, payload in
            try apply(transaction, try Effect(wireBytes: payload.bytes))
        }
    }

    /// Registers the answer to deliveries.
    ///
    /// - Parameter relay: delivers what the effects make this service owe in turn; a delivery is acknowledged only when
    ///   that has arrived too, so that an effect is in force in every service when its first sender hears of it.
    package func addRoute(
        to routes: inout BusRoutes, from senders: Set<ServiceName>, database: ServiceDatabase,
        relay: OutboxRelay? = nil
    ) {
        let handlers = handlers
        routes.on(EffectAPI.Apply.self, from: senders) { request, call throws(ServiceError) in
            // The name in the payload counts only when it is the caller's own.
            guard request.sender == call.caller else { throw ServiceError(.badRequest, detail: "sender is not caller") }
            let reply = try await database.write { transaction in
                var applied =
                    try Int64.fetchOne(
                        transaction.db, sql: "SELECT number FROM inbox WHERE sender = ? AND epoch = ?",
                        arguments: [Int64(request.sender.rawValue), request.epoch]) ?? 0
                for effect in request.effects where effect.number > applied {
                    guard let handler = handlers[effect.kind] else {
                        throw ServiceError(.badRequest, detail: "unknown effect \(effect.kind)")
                    }
                    try handler(transaction, effect.payload)
                    applied = effect.number
                }
                try transaction.db.execute(
                    sql: "INSERT INTO inbox VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = excluded.number",
                    arguments: [Int64(request.sender.rawValue), request.epoch, applied])
                return EffectAPI.Apply.Reply(applied: applied)
            }
            try await relay?.waitForEverything(until: call.deadline + (.zero - Self.answerMargin))
            return reply
        }
    }
}
