import Shared

/// How often addresses may register and log-ins may fail. Pure: time comes in, as milliseconds on any clock.
///
/// A failed log-in counts three times: for the account, for the network, and for the two together. When an account has
/// failed too often, from anywhere, only networks that have failed with it themselves are held off: guessing ends, and
/// nobody can lock the owner out. A botnet gains one try for each of its networks. User name, handle and phone number of
/// an account count as one; a name that is nobody's counts for itself.
struct RateLimits: Sendable {
    /// Keys that each counter remembers.
    static let maxKeys = 10_000
    private static let minute: Int64 = 60_000

    /// What somebody tries to log in to.
    enum Subject: Sendable, Hashable {
        case account(AccountID)
        case nobody(AuthAPI.LogInName, String)
    }

    /// One log-in, as it is counted.
    struct LogInAttempt: Sendable {
        /// `nil` for a name no account can have: there is nothing to protect and no need to remember it.
        let subject: Subject?
        let network: String

        /// - Parameter account: whose name it is; `nil` for nobody's.
        init(_ request: AuthAPI.LogIn, to account: AccountID?) {
            if let account {
                subject = .account(account)
            } else if AccountRules.isPossible(request.name, as: request.kind) {
                subject = .nobody(request.kind, request.name)
            } else {
                subject = nil
            }
            network = Network.name(of: request.address)
        }
    }

    private struct SubjectAndNetwork: Hashable {
        let subject: Subject
        let network: String
    }

    private var registrations = RateWindow<String>(limit: 20, window: 60 * minute, maxKeys: maxKeys)
    private var failuresBySubject = RateWindow<Subject>(limit: 10, window: 10 * minute, maxKeys: maxKeys)
    private var failuresByNetwork = RateWindow<String>(limit: 50, window: 10 * minute, maxKeys: maxKeys)
    private var failuresByBoth = RateWindow<SubjectAndNetwork>(limit: 1, window: 10 * minute, maxKeys: maxKeys)

    /// Counts a registration, or refuses it.
    mutating func admitRegistration(from address: String, now: Int64) throws(ServiceError) {
        let network = Network.name(of: address)
        if let seconds = registrations.secondsToWait(network, now: now) { throw Self.refusal(seconds) }
        registrations.begin(network, now: now)
        registrations.finish(network, counts: true, now: now)
    }

    /// Admits a log-in, or refuses it. Every admitted one is followed by one ``end(_:failed:now:)``.
    mutating func begin(_ attempt: LogInAttempt, now: Int64) throws(ServiceError) {
        if let seconds = failuresByNetwork.secondsToWait(attempt.network, now: now) { throw Self.refusal(seconds) }
        if let subject = attempt.subject {
            let both = SubjectAndNetwork(subject: subject, network: attempt.network)
            if let forSubject = failuresBySubject.secondsToWait(subject, now: now),
                let forBoth = failuresByBoth.secondsToWait(both, now: now)
            {
                throw Self.refusal(min(forSubject, forBoth))
            }
            failuresBySubject.begin(subject, now: now)
            failuresByBoth.begin(both, now: now)
        }
        failuresByNetwork.begin(attempt.network, now: now)
    }

    /// Settles an admitted log-in: only wrong credentials are a failure, not an overload or a second log-in.
    mutating func end(_ attempt: LogInAttempt, failed: Bool, now: Int64) {
        failuresByNetwork.finish(attempt.network, counts: failed, now: now)
        guard let subject = attempt.subject else { return }
        failuresBySubject.finish(subject, counts: failed, now: now)
        let both = SubjectAndNetwork(subject: subject, network: attempt.network)
        failuresByBoth.finish(both, counts: failed, now: now)
    }

    private static func refusal(_ seconds: Int64) -> ServiceError {
        ServiceError(.rateLimited, detail: "\(seconds)")
    }
}
