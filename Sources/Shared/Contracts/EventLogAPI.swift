/// A published event with its place in its publisher's log.
package struct NumberedEvent: WireRecord, Hashable {
    /// Contiguous from 1 within an epoch.
    package var number: Int64
    /// The ``BusEvent/kind`` of the payload; empty for a commit that nobody has to be told of, and for an event whose
    /// subject is gone.
    package var kind: String
    package var payload: Blob

    package init(number: Int64, kind: String, payload: Blob) {
        self.number = number
        self.kind = kind
        self.payload = payload
    }
    package static let wireFormat = WireFormat(Self.init, \.number, \.kind, \.payload)
}

/// Events as they are published: a run of consecutive numbers, or none for a beat.
package struct EventBatch: WireRecord, Hashable {
    /// See ``Mark/age``.
    package var age: Int64
    /// Names one life of the publisher's log; another epoch means that numbers have started anew.
    package var epoch: Int64
    /// The greatest number committed when this was sent.
    package var head: Int64
    package var events: [NumberedEvent]

    package init(age: Int64 = 0, epoch: Int64, head: Int64, events: [NumberedEvent]) {
        self.age = age
        self.epoch = epoch
        self.head = head
        self.events = events
    }
    package static let wireFormat = WireFormat(Self.init, \.age, \.epoch, \.head, \.events)

    package init(_ mark: Mark, events: [NumberedEvent]) {
        self.init(age: mark.age, epoch: mark.epoch, head: mark.head, events: events)
    }

    /// How far the publisher had come.
    package var mark: Mark { Mark(age: age, epoch: epoch, head: head) }
}

/// What every publisher answers about its own log.
package enum EventLogAPI {
    /// Events after a number, oldest first, at most `limit`. Reading is harmless and may be repeated.
    package struct Read: BusRequest {
        package static let route = "events.read"

        package struct Reply: WireRecord, Hashable {
            package var batch: EventBatch
            /// The number asked for has left the log: the subscriber must start afresh at `batch.head`.
            package var isTooOld: Bool

            package init(batch: EventBatch, isTooOld: Bool) {
                self.batch = batch
                self.isTooOld = isTooOld
            }
            package static let wireFormat = WireFormat(Self.init, \.batch, \.isTooOld)
        }

        package var after: Int64
        /// At most 1,000; 0 asks for epoch and head alone.
        package var limit: Int32

        package init(after: Int64, limit: Int32) {
            self.after = after
            self.limit = limit
        }
        package static let wireFormat = WireFormat(Self.init, \.after, \.limit)
    }
}

/// What every receiver of effects answers.
package enum EffectAPI {
    /// One row of a sender's outbox.
    package struct Effect: WireRecord, Hashable {
        /// Ascending per sender.
        package var number: Int64
        /// The ``BusEffect/kind`` of the payload.
        package var kind: String
        package var payload: Blob

        package init(number: Int64, kind: String, payload: Blob) {
            self.number = number
            self.kind = kind
            self.payload = payload
        }
        package static let wireFormat = WireFormat(Self.init, \.number, \.kind, \.payload)
    }

    /// Applies effects in order; those applied before are skipped, so repeating is harmless.
    package struct Apply: BusRequest {
        package static let route = "effects.apply"

        package struct Reply: WireRecord, Hashable {
            /// The greatest number of this sender whose effect is committed here.
            package var applied: Int64
            package init(applied: Int64) { self.applied = applied }
            package static let wireFormat = WireFormat(Self.init, \.applied)
        }

        package var sender: ServiceName
        /// The epoch of the sender's database: numbers count anew in another one.
        package var epoch: Int64
        package var effects: [Effect]

        package init(sender: ServiceName, epoch: Int64, effects: [Effect]) {
            self.sender = sender
            self.epoch = epoch
            self.effects = effects
        }
        package static let wireFormat = WireFormat(Self.init, \.sender, \.epoch, \.effects)
    }
}
