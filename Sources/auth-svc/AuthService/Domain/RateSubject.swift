import Shared
import SharedCrypto

/// What registrations and failed log-ins are counted for.
///
/// | a failed log-in counts for | and is refused by |
/// |---|---|
/// | the network | its wait, which is told |
/// | the name, as it was given | its wait, which is told |
/// | the account, whichever of its names was given | its wait, which is *not* told: the right password counts as wrong |
///
/// What is told thus depends on what the caller has said alone, and never on whose name it is. Were the wait of an
/// account told, a number would be refused because a handle was tried before, and both be known to belong together.
///
/// Whoever comes with a session of the account is counted for that session and nothing else. Whoever comes from a network
/// that the account was logged in from is counted for name and account apart from strangers.
enum RateSubject: Sendable, Hashable {
    case registrations(network: String)
    case failures(network: String)
    case failuresInSession(SessionID)
    /// - Parameter network: a known one of the account; `nil` for all others together.
    case failuresOfName(AuthAPI.LogInName, String, network: String?)
    /// - Parameter network: a known one of the account; `nil` for all others together.
    case failuresOfAccount(AccountID, network: String?)

    private static let minute: Int64 = 60_000

    var rule: RateRule {
        switch self {
        case .registrations: RateRule(limit: 20, window: 60 * Self.minute, maxWindow: 60 * Self.minute)
        case .failures: RateRule(limit: 50, window: 10 * Self.minute, maxWindow: 60 * Self.minute)
        case .failuresInSession, .failuresOfName, .failuresOfAccount:
            RateRule(limit: 10, window: 10 * Self.minute, maxWindow: 60 * Self.minute)
        }
    }

    /// What the database knows it by: names may be passwords typed into the wrong field, and are not stored.
    var digest: Blob {
        let parts: [String] =
            switch self {
            case .registrations(let network): ["registrations", network]
            case .failures(let network): ["network", network]
            case .failuresInSession(let session): ["session", "\(session)"]
            case .failuresOfName(let kind, let name, let network): ["name", "\(kind.rawValue)", name, network ?? ""]
            case .failuresOfAccount(let account, let network): ["account", "\(account)", network ?? ""]
            }
        // No part has a NUL: names are possible ones.
        return Blob(SHA256.hash(parts.joined(separator: "\0").utf8))
    }
}

/// Where a log-in comes from, as far as it matters whose failures hold it off.
enum LogInOrigin: Sendable, Hashable {
    case anywhere
    /// A network from which the account was logged in not long ago.
    case knownNetwork
    /// A device with a session of the account, live or over not long ago.
    case session(SessionID)
}

/// One log-in, as it is counted.
struct LogInAttempt: Sendable, Hashable {
    /// The subjects whose wait is told.
    let told: [RateSubject]
    /// The one whose wait is not; `nil` for none.
    let silent: RateSubject?

    /// - Parameter account: whose name it is; `nil` for nobody's.
    init(_ request: AuthAPI.LogIn, to account: AccountID?, from origin: LogInOrigin) {
        if case .session(let session) = origin {
            (told, silent) = ([.failuresInSession(session)], nil)
            return
        }
        let network = Network.name(of: request.address)
        let place = origin == .knownNetwork ? network : nil
        // A name no account can have needs no protection, and no memory.
        let isPossible = account != nil || AccountRules.isPossible(request.name, as: request.kind)
        let name = isPossible ? [RateSubject.failuresOfName(request.kind, request.name, network: place)] : []
        told = [.failures(network: network)] + name
        silent = account.map { .failuresOfAccount($0, network: place) }
    }

    /// All for which it counts when it fails.
    var subjects: [RateSubject] { told + (silent.map { [$0] } ?? []) }
}
