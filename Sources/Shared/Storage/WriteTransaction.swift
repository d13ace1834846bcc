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

    /// The number of the event that is published next.
    package var nextEvent: Int64 { group.head + 1 }

    /// Owes another service a change; the relay delivers it once this transaction is on disk.
    ///
    /// - Returns: the number to wait for with ``OutboxRelay/waitForAcknowledgement(of:until:)``.
    package func owe<Effect: BusEffect>(_ effect: Effect, to receiver: ServiceName) throws -> Int64 {
        try db.cachedStatement(sql: "INSERT INTO outbox (receiver, kind, payload) VALUES (?, ?, ?)")
            .execute(arguments: [Int64(receiver.rawValue), Effect.kind, Blob(effect.wireBytes)])
        group.owesEffects = true
        return db.lastInsertedRowID
    }
}

/// The events of the transactions that share one commit.
final class CommitGroup {
    private(set) var events: [NumberedEvent] = []
    /// Whether one of them put something into the outbox.
    var owesEffects = false
    private(set) var head: Int64

    init(head: Int64) { self.head = head }

    func append<Event: BusEvent>(_ event: Event, stored: [UInt8], _ db: Database) throws {
        try append(kind: Event.kind, payload: event.wireBytes, stored: stored, db)
    }

    /// An event that only counts.
    func appendSilence(_ db: Database) throws { try append(kind: "", payload: [], stored: [], db) }

    private func append(kind: String, payload: [UInt8], stored: [UInt8], _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO event (number, kind, payload) VALUES (?, ?, ?)")
            .run(.integer(head + 1), .text(kind), .blob(stored))
        head += 1
        events.append(NumberedEvent(number: head, kind: kind, payload: Blob(payload)))
    }
}
