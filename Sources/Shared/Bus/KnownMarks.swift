import Synchronization

/// What a process knows of how far each service has come. It never forgets: what is older, or of another epoch without a
/// greater age, changes nothing.
package final class KnownMarks: Sendable {
    private struct Entry {
        var mark: Mark
        /// Whether another service remembers it, so that it does not rest on what the service says of itself.
        var isConfirmed = false
    }

    private let entries: Mutex<[ServiceName: Entry]>

    /// - Parameter remembered: what an earlier life of the process knew.
    package init(_ remembered: [MarksAPI.Known] = []) {
        entries = Mutex(
            Dictionary(remembered.map { ($0.service, Entry(mark: $0.mark)) }) { first, _ in first })
    }

    /// The latest mark of a service; ``Mark/unseen`` when there is none.
    package func mark(of service: ServiceName) -> Mark { entries.withLock { $0[service]?.mark ?? .unseen } }

    /// Everything that is known of others than one service, in a fixed order.
    package func known(besides excluded: ServiceName) -> [MarksAPI.Known] {
        entries.withLock { entries in
            ServiceName.allCases.compactMap { service in
                guard service != excluded, let entry = entries[service] else { return nil }
                return MarksAPI.Known(service: service, mark: entry.mark)
            }
        }
    }

    /// Takes note of a mark.
    ///
    /// - Returns: whether anything was new.
    @discardableResult
    package func note(_ mark: Mark, of service: ServiceName) -> Bool {
        entries.withLock { entries in
            let former = entries[service]?.mark ?? .unseen
            guard mark != former, mark.includes(former) else { return false }
            entries[service, default: Entry(mark: mark)].mark = mark
            return true
        }
    }

    /// Takes over what another service remembers: it counts more than what was heard from the service itself, which may
    /// be of another epoch by mistake.
    package func confirm(_ mark: Mark, of service: ServiceName) {
        entries.withLock { entries in
            let former = entries[service] ?? Entry(mark: .unseen)
            let isContradiction = !mark.includes(former.mark) && !former.mark.includes(mark)
            if mark.includes(former.mark) || isContradiction && !former.isConfirmed {
                entries[service] = Entry(mark: mark, isConfirmed: true)
            }
        }
    }
}
