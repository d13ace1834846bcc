package import Shared

extension BusClient {
    /// The events in the service's log that say something; those that only count a commit do not.
    package func announced() async throws(ServiceError) -> [NumberedEvent] {
        var events: [NumberedEvent] = []
        var last: Int64 = 0
        while true {
            let page = try await call(EventLogAPI.Read(after: last, limit: 1_000), .test()).batch.events
            guard let newest = page.last else { return events.filter { !$0.kind.isEmpty } }
            last = newest.number
            events += page
        }
    }
}
