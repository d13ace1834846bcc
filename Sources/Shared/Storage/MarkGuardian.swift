import Logging
import Shared
import Synchronization

/// Sees to it that a service never answers from a database that is older than anybody has seen it.
///
/// Every request says how far its sender has seen the service, and the service judges by that: its own mark is never behind
/// what it has published or answered. Once it knows better it does nothing any more, remembers what it has heard for its
/// next start, and gives up.
final class MarkGuardian: Sendable {
    /// What is known of the other services.
    let marks: KnownMarks
    private let directory: DataDirectory
    private let database: ServiceDatabase
    private let logger: Logger
    private let onOutdated: @Sendable (String) -> Void
    private let reason = Mutex<String?>(nil)
    private let isOutdated = Atomic(false)

    init(
        directory: DataDirectory, database: ServiceDatabase, logger: Logger,
        onOutdated: @escaping @Sendable (String) -> Void
    ) {
        self.directory = directory
        self.database = database
        self.logger = logger
        self.onOutdated = onOutdated
        marks = KnownMarks(directory.remembered)
    }

    /// The service's own mark, as it tells it to others.
    var own: MarksAPI.Known { MarksAPI.Known(service: directory.service, mark: database.mark) }

    /// Why a request is refused whose sender has seen the service at a mark; `nil` when it is taken.
    func objection(to seen: Mark) -> ServiceError? {
        if !isOutdated.load(ordering: .relaxed), database.mark.includes(seen) { return nil }
        return .outdated(giveUp(because: seen))
    }

    /// Takes note of what others know, of this service too.
    ///
    /// - Returns: `false` when that ends the service.
    func hear(_ known: [MarksAPI.Known]) -> Bool {
        for known in known {
            if known.service == directory.service {
                _ = objection(to: known.mark)
            } else if marks.note(known.mark, of: known.service) {
                note { () throws(SystemError) in try directory.remember(known.mark, of: known.service) }
            }
        }
        return !isOutdated.load(ordering: .relaxed)
    }

    /// Registers the answer to those who exchange marks.
    func addRoute(to routes: inout BusRoutes) {
        routes.onBusThread(MarksAPI.Exchange.self, from: Set(ServiceName.allCases)) { [self] request, _, respond in
            _ = hear(request.known)
            respond(.success(MarksAPI.Exchange.Reply(known: marks.known(besides: directory.service) + [own])))
        }
    }

    private func giveUp(because seen: Mark) -> String {
        let (reason, isNews) = reason.withLock { reason in
            if let reason { return (reason, false) }
            let comparison = DataDirectory.comparison(database.mark, with: seen)
            let text = "\(directory.databasePath) is \(comparison), as others have seen; \(DataDirectory.cure)"
            reason = text
            return (text, true)
        }
        guard isNews else { return reason }
        isOutdated.store(true, ordering: .relaxed)
        note { () throws(SystemError) in try directory.insist(on: seen) }
        logger.critical("cannot go on: another process has seen a later database", metadata: ["reason": "\(reason)"])
        onOutdated(reason)
        return reason
    }

    private func note(_ step: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try step()
        } catch {
            // It is heard again.
            logger.warning("what others know could not be noted", metadata: ["error": "\(error)"])
        }
    }
}
