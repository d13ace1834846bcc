import Shared

/// How often addresses may register and log-ins may fail. Pure: time comes in, as milliseconds on any clock.
///
/// A failed log-in counts three times: for the account, for the network, and for the network with the name as it was
/// given. When an account has failed too often, from anywhere, only networks that have failed with this very name are
/// held off: guessing ends, and nobody can lock the owner out. A name that is nobody's counts for itself.
///
/// User name, handle and phone number of an account count as one for the account, so that trying all three gives hardly
/// more guesses; but the first try of a name from a network is admitted whatever failed before under another, so that
/// no refusal of it tells whose other name it is. A network thus has ten failures with an account and one more for each
/// name it had not tried by then: at most twelve. A botnet gains one try for each of its networks and each of the
/// names.
///
/// What is left of the leak: a name's *second* try is refused when its account is over the limit by another name. To
/// see that costs two failures for each name, and a network has fifty.
struct RateLimits: Sendable {
    /// Keys that each counter remembers.
    static let maxKeys = 10_000
    private static let minute: Int64 = 60_000

    /// A name as it is given at a log-in.
    struct Name: Sendable, Hashable {
        let kind: AuthAPI.LogInName
        let text: String
    }

    /// What somebody tries to log in to.
    enum Subject: Sendable, Hashable {
        case account(AccountID)
        case nobody(Name)
    }

    /// One log-in, as it is counted.
    struct LogInAttempt: Sendable {
        /// `nil` for a name no account can have: there is nothing to protect and no need to remember it.
        let target: (subject: Subject, name: NameAndNetwork)?
        let network: String

        /// - Parameter account: whose name it is; `nil` for nobody's.
        init(_ request: AuthAPI.LogIn, to account: AccountID?) {
            let name = Name(kind: request.kind, text: request.name)
            network = Network.name(of: request.address)
            if account != nil || AccountRules.isPossible(request.name, as: request.kind) {
                let subject = account.map(Subject.account) ?? .nobody(name)
                target = (subject, NameAndNetwork(name: name, network: network))
            } else {
                target = nil
            }
        }
    }

    /// Somebody who tries a name.
    struct NameAndNetwork: Sendable, Hashable {
        let name: Name
        let network: String
    }

    private var registrations = RateWindow<String>(limit: 20, window: 60 * minute, maxKeys: maxKeys)
    private var failuresBySubject = RateWindow<Subject>(limit: 10, window: 10 * minute, maxKeys: maxKeys)
    private var failuresByNetwork = RateWindow<String>(limit: 50, window: 10 * minute, maxKeys: maxKeys)
    private var failuresByName = RateWindow<NameAndNetwork>(limit: 1, window: 10 * minute, maxKeys: maxKeys)

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
        if let (subject, name) = attempt.target {
            if let forSubject = failuresBySubject.secondsToWait(subject, now: now),
                let forName = failuresByName.secondsToWait(name, now: now)
            {
                throw Self.refusal(min(forSubject, forName))
            }
            failuresBySubject.begin(subject, now: now)
            failuresByName.begin(name, now: now)
        }
        failuresByNetwork.begin(attempt.network, now: now)
    }

    /// Settles an admitted log-in: only wrong credentials are a failure, not an overload or a second log-in.
    mutating func end(_ attempt: LogInAttempt, failed: Bool, now: Int64) {
        failuresByNetwork.finish(attempt.network, counts: failed, now: now)
        guard let (subject, name) = attempt.target else { return }
        failuresBySubject.finish(subject, counts: failed, now: now)
        failuresByName.finish(name, counts: failed, now: now)
    }

    private static func refusal(_ seconds: Int64) -> ServiceError {
        ServiceError(.rateLimited, detail: "\(seconds)")
    }
}
