import Shared

/// How often addresses may register and log-ins may fail. Pure: time comes in, as milliseconds on any clock.
///
/// A failed log-in counts three times: for the account's name, for the network, and for the two together. When a name
/// has failed too often, from anywhere, only networks that have failed with it themselves are held off: guessing ends,
/// and nobody can lock the owner out of his account. A botnet gains one try for each of its networks.
struct RateLimits: Sendable {
    /// Keys that each counter remembers.
    static let maxKeys = 10_000
    private static let minute: Int64 = 60_000

    /// One log-in, as it is counted.
    struct LogInAttempt: Sendable {
        /// `nil` for a name no account can have: there is nothing to protect and no need to remember it.
        let userName: String?
        let network: String

        init(_ request: AuthAPI.LogIn) {
            userName = AccountRules.isPossible(userName: request.userName) ? request.userName : nil
            network = Network.name(of: request.address)
        }
    }

    private struct NameAndNetwork: Hashable {
        let userName: String
        let network: String
    }

    private var registrations = RateWindow<String>(limit: 20, window: 60 * minute, maxKeys: maxKeys)
    private var failuresByName = RateWindow<String>(limit: 10, window: 10 * minute, maxKeys: maxKeys)
    private var failuresByNetwork = RateWindow<String>(limit: 50, window: 10 * minute, maxKeys: maxKeys)
    private var failuresByBoth = RateWindow<NameAndNetwork>(limit: 1, window: 10 * minute, maxKeys: maxKeys)

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
        if let userName = attempt.userName {
            let both = NameAndNetwork(userName: userName, network: attempt.network)
            if let forName = failuresByName.secondsToWait(userName, now: now),
                let forBoth = failuresByBoth.secondsToWait(both, now: now)
            {
                throw Self.refusal(min(forName, forBoth))
            }
            failuresByName.begin(userName, now: now)
            failuresByBoth.begin(both, now: now)
        }
        failuresByNetwork.begin(attempt.network, now: now)
    }

    /// Settles an admitted log-in: only wrong credentials are a failure, not an overload or a second log-in.
    mutating func end(_ attempt: LogInAttempt, failed: Bool, now: Int64) {
        failuresByNetwork.finish(attempt.network, counts: failed, now: now)
        guard let userName = attempt.userName else { return }
        failuresByName.finish(userName, counts: failed, now: now)
        let both = NameAndNetwork(userName: userName, network: attempt.network)
        failuresByBoth.finish(both, counts: failed, now: now)
    }

    private static func refusal(_ seconds: Int64) -> ServiceError {
        ServiceError(.rateLimited, detail: "\(seconds)")
    }
}
