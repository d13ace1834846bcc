import Shared
import Synchronization

/// Judges how often addresses may register and log-ins may fail: by what the database remembers, so that a restart
/// forgives nothing and all gateways count together, and by what is under way here.
final class AttemptLimits: Sendable {
    private let store: AuthStore
    private let underWay = Mutex<[RateSubject: Int]>([:])

    init(store: AuthStore) { self.store = store }

    /// Admits work that may come to count. Every admitted one is followed by one ``end(_:)``.
    ///
    /// - Throws: ``ServiceError/Code/rateLimited`` with the seconds to wait.
    func begin(_ subjects: [RateSubject]) async throws(ServiceError) {
        // Reserved before anything is read: whoever is settled meanwhile counts twice rather than not at all.
        let others = underWay.withLock { underWay in
            subjects.map { subject in
                defer { underWay[subject, default: 0] += 1 }
                return underWay[subject, default: 0]
            }
        }
        do throws(ServiceError) {
            let records = try await store.rateRecords(of: subjects)
            let now = store.clock.milliseconds
            let waits = zip(subjects, others).compactMap { subject, others in
                records[subject]?.secondsToWait(pending: others, at: now, subject.rule)
            }
            if let seconds = waits.max() { throw ServiceError(.rateLimited, detail: "\(seconds)") }
        } catch {
            end(subjects)
            throw error
        }
    }

    /// Whether a subject has no room for one more, of which its caller must not be told.
    func isFull(_ subject: RateSubject) async throws(ServiceError) -> Bool {
        let record = try await store.rateRecords(of: [subject])[subject]
        return record?.secondsToWait(pending: 0, at: store.clock.milliseconds, subject.rule) != nil
    }

    /// Counts for some subjects; when it returns, that is on disk.
    func count(_ subjects: [RateSubject]) async throws(ServiceError) {
        try await store.count(subjects, at: store.clock.milliseconds)
    }

    /// Ends admitted work, after it was counted if it counts.
    func end(_ subjects: [RateSubject]) {
        underWay.withLock { underWay in
            for subject in subjects {
                let rest = underWay[subject, default: 1] - 1
                underWay[subject] = rest > 0 ? rest : nil
            }
        }
    }
}
