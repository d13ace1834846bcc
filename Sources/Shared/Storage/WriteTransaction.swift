package import GRDB
package import Shared

/// What a write step may do: change rows, publish events, owe effects. All of it commits together or not at all.
package struct WriteTransaction {
    package let db: Database
    let group: CommitGroup

    /// Publishes an event once this transaction is on disk.
    package func publish<Event: BusEvent>(_ event: Event) throws {
        try group.append(event, stored: event.wireBytes, db)
    }

    /// Publishes an event whose row in the log holds only `stored`; the database's `Expansion` makes the event of it
    /// again, so that what was erased meanwhile stays erased.
    package func publish<Event: BusEvent>(_ event: Event, storing stored: [UInt8]) throws {
        try group.append(event, stored: stored, db)
    }

    /// Owes another service a change; the relay delivers it once this transaction is on disk.
    ///
    /// - Parameter event: published when the receiver has acknowledged, not before.
    /// - Returns: the number to wait for with ``OutboxRelay/waitForAcknowledgement(of:until:)``.
    package func owe<Effect: BusEffect, Event: BusEvent>(
        _ effect: Effect, to receiver: ServiceName, thenPublish event: Event
    ) throws -> Int64 {
        try owe(effect, to: receiver, eventKind: Event.kind, eventPayload: Blob(event.wireBytes))
    }

    /// Owes another service a change that nobody has to be told of.
    ///
    /// - Returns: the number to wait for with ``OutboxRelay/waitForAcknowledgement(of:until:)``.
    package func owe<Effect: BusEffect>(_ effect: Effect, to receiver: ServiceName) throws -> Int64 {
        try owe(effect, to: receiver, eventKind: nil, eventPayload: nil)
    }

    private func owe<Effect: BusEffect>(
        _ effect: Effect, to receiver: ServiceName, eventKind: String?, eventPayload: Blob?
    ) throws -> Int64 {
        try db.cachedStatement(
            sql: "INSERT INTO outbox (receiver, kind, payload, eventKind, eventPayload) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [
            Int64(receiver.rawValue), Effect.kind, Blob(effect.wireBytes), eventKind, eventPayload,
        ])
        group.owesEffects = true
        return db.lastInsertedRowID
    }
}

/// The events of the transactions that share one commit.
final class CommitGroup {
    private(set) var events: [NumberedEvent] = []
    /// Whether one of them put something into the outbox.
    var owesEffects = false
    private var head: Int64

    init(head: Int64) { self.head = head }

    func append<Event: BusEvent>(_ event: Event, stored: [UInt8], _ db: Database) throws {
        try append(kind: Event.kind, payload: event.wireBytes, stored: stored, db)
    }

    /// An event that only counts.
    func appendSilence(_ db: Database) throws { try append(kind: "", payload: [], stored: [], db) }

    func append(kind: String, payload: [UInt8], stored: [UInt8], _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO event (number, kind, payload) VALUES (?, ?, ?)")
            .run(.integer(head + 1), .text(kind), .blob(stored))
        head += 1
        events.append(NumberedEvent(number: head, kind: kind, payload: Blob(payload)))
    }
}
