/// How far a service's database has come, as whoever has seen it remembers it.
package struct Mark: WireRecord, Hashable {
    /// How often somebody deliberately went back to an older copy; nothing else raises it.
    package var age: Int64
    /// Names one life of the database.
    package var epoch: Int64
    /// The number of its last event; every commit that changes something raises it.
    package var head: Int64

    package init(age: Int64, epoch: Int64, head: Int64) {
        self.age = age
        self.epoch = epoch
        self.head = head
    }
    package static let wireFormat = WireFormat(Self.init, \.age, \.epoch, \.head)

    /// The mark of a service of which nothing is known.
    package static let unseen = Mark(age: 0, epoch: 0, head: 0)

    /// Whether a database at this mark is what somebody who saw `seen` expects: it holds all that was there then, or was
    /// deliberately put in its place.
    package func includes(_ seen: Mark) -> Bool {
        seen.epoch == 0 || age > seen.age || age == seen.age && epoch == seen.epoch && head >= seen.head
    }
}

extension Mark: CustomStringConvertible {
    package var description: String { "\(age)/\(epoch)/\(head)" }
}

extension ServiceError {
    /// The refusal of a service that is older than its caller has seen it: nothing was done, and nothing will be before
    /// the right database is back.
    package static func outdated(_ reason: String) -> ServiceError {
        ServiceError(.unavailable, detail: outdatedPrefix + reason)
    }

    /// Why a service is older than it was; `nil` when it refused for something else.
    package var outdatedReason: String? {
        guard code == .unavailable, detail.hasPrefix(Self.outdatedPrefix) else { return nil }
        return String(detail.dropFirst(Self.outdatedPrefix.count))
    }

    private static let outdatedPrefix = "outdated: "
}

/// What every service answers about the marks it knows.
package enum MarksAPI {
    /// What is known of one service.
    package struct Known: WireRecord, Hashable {
        package var service: ServiceName
        package var mark: Mark

        package init(service: ServiceName, mark: Mark) {
            self.service = service
            self.mark = mark
        }
        package static let wireFormat = WireFormat(Self.init, \.service, \.mark)
    }

    /// Tells a service what the caller knows of the others, and asks what the service knows; it remembers what is new to
    /// it. Harmless, and may be repeated.
    package struct Exchange: BusRequest {
        package static let route = "marks.exchange"

        package struct Reply: WireRecord, Hashable {
            /// Of the others, the caller included, and of the service itself.
            package var known: [Known]
            package init(known: [Known]) { self.known = known }
            package static let wireFormat = WireFormat(Self.init, \.known)
        }

        package var known: [Known]
        package init(known: [Known]) { self.known = known }
        package static let wireFormat = WireFormat(Self.init, \.known)
    }
}
