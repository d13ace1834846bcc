import Logging
import Shared
import Synchronization

/// Keeps who is online, and tells friends of every change when it is due: one task, which sleeps until the next moment
/// something may become due and is woken by reports.
final class PresenceKeeper: Sendable {
    /// Changes announced in one transaction, so that a gateway full of people holds up nobody else's writes.
    private static let maxAnnounced = 64
    /// Pause before announcements that failed are repeated.
    private static let retryPause = Duration.seconds(1)

    private let presence: Mutex<Presence>
    private let store: SocialStore
    private let logger: Logger
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// What has changed since an earlier life announced something last is announced one lease from now.
    init(_ timing: PresenceTiming, store: SocialStore, logger: Logger) async throws(ServiceError) {
        let told = try await store.announcedOnline()
        presence = Mutex(Presence(timing, start: .now, told: told))
        self.store = store
        self.logger = logger
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Begins to announce.
    func start() {
        let announcing = Task { await run() }
        task.withLock { $0 = announcing }
        // Somebody may be gone, and nobody reports him.
        wakeUp.yield()
    }

    /// Stops announcing, and returns when nothing more is written. Idempotent.
    func stop() async {
        wakeUp.finish()
        let announcing = task.withLock { $0.take() }
        announcing?.cancel()
        await announcing?.value
    }

    /// Takes note of a gateway's report; what it changes is announced soon.
    ///
    /// - Returns: `false`, and nothing has changed, when changes come from a gateway that is not known.
    func take(_ report: SocialAPI.ReportPresence) throws(ServiceError) -> Bool {
        let isKnown = try presence.withLock { (presence) throws(ServiceError) in try presence.take(report, now: .now) }
        wakeUp.yield()
        return isKnown
    }

    /// Those of some accounts who have a push connection at this moment.
    func online(among accounts: [AccountID]) -> [AccountID] {
        presence.withLock { $0.online(among: accounts, now: .now) }
    }

    private func run() async {
        var alarm: Task<Void, Never>?
        for await _ in wakeUps {
            alarm?.cancel()
            alarm = await announceWhatIsDue().map(wake(at:))
        }
        alarm?.cancel()
    }

    private func wake(at moment: MonotonicTime) -> Task<Void, Never> {
        Task { [wakeUp] in
            do {
                try await Task.sleep(for: .milliseconds(Int64(moment.millisecondsFromNow)))
            } catch {
                // Cancelled: there is another moment to wait for.
                return
            }
            wakeUp.yield()
        }
    }

    /// Announces until nothing is due.
    ///
    /// - Returns: when to look again.
    private func announceWhatIsDue() async -> MonotonicTime? {
        while !Task.isCancelled {
            let (changes, next) = presence.withLock { presence in
                let changes = presence.due(atMost: Self.maxAnnounced, now: .now)
                return (changes, changes.isEmpty ? presence.nextMoment : nil)
            }
            guard !changes.isEmpty else { return next }
            do throws(ServiceError) {
                try await store.announce(changes) { [self] in online(among: $0) }
                presence.withLock { $0.noteTold(changes, now: .now) }
            } catch {
                logger.warning("a change of presence waits to be announced", metadata: ["reason": "\(error)"])
                return .after(Self.retryPause)
            }
        }
        return nil
    }
}
