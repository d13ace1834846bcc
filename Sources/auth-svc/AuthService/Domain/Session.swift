import Shared

/// How long the sessions of a dialect and their access tokens last.
struct SessionTerms: Sendable, Hashable {
    /// A session that is refreshed ends this many seconds after its log-in or after its last refresh, whichever is first.
    struct Refreshing: Sendable, Hashable {
        let lifetimeSeconds: Int64
        let idleSeconds: Int64
    }

    let tokenSeconds: Int64
    /// `nil` when a session ends with its only token.
    let refreshing: Refreshing?

    /// When a session ends, and when the token it gets now does: never later than its session.
    ///
    /// - Parameters: milliseconds since 1970.
    func ends(openedAt: Int64, now: Int64) -> SessionEnds {
        let tokenEnd = now / 1_000 + tokenSeconds
        let end =
            refreshing.map { min(openedAt / 1_000 + $0.lifetimeSeconds, now / 1_000 + $0.idleSeconds) } ?? tokenEnd
        return SessionEnds(session: end * 1_000, token: min(tokenEnd, end) * 1_000)
    }
}

/// When a session and one of its access tokens expire, in milliseconds since 1970: whole seconds, as tokens count.
struct SessionEnds: Sendable, Hashable {
    let session: Int64
    let token: Int64

    /// Seconds that the token lives.
    ///
    /// - Parameter now: milliseconds since 1970.
    func tokenSeconds(from now: Int64) -> Int64 { max(0, token / 1_000 - now / 1_000) }
}

/// A log-in about to become a session. Times are milliseconds since 1970.
struct SessionOpening: Sendable {
    /// Characters of a device label that are kept.
    static let maxDeviceCharacters = 255

    let account: AccountID
    let dialect: Dialect
    let device: String
    /// Where it comes from.
    let network: String
    let secondLogin: AuthAPI.SecondLogin
    /// Live sessions that the account may have in the dialect, this one included; at least 1.
    let maxSessions: Int
    let openedAt: Int64
    let ends: SessionEnds
    /// `nil` for sessions that are not refreshed.
    let refreshToken: RefreshToken?

    init(
        _ request: AuthAPI.LogIn, account: AccountID, terms: SessionTerms, maxSessions: Int,
        refreshToken: RefreshToken?, now: Int64
    ) {
        self.account = account
        dialect = request.dialect
        // Shown in lists, so it is made readable rather than refused.
        let label = request.device.unicodeScalars.lazy.filter(Alphabet.printable.contains)
        var device = String.UnicodeScalarView()
        device.append(contentsOf: label.prefix(Self.maxDeviceCharacters))
        self.device = String(device)
        network = Network.name(of: request.address)
        secondLogin = request.secondLogin
        self.maxSessions = maxSessions
        openedAt = now
        ends = terms.ends(openedAt: now, now: now)
        self.refreshToken = refreshToken
    }
}

/// How long sessions are remembered, and how they are forgotten.
enum SessionPruning {
    /// Milliseconds that a session is kept after its expiry: so long its device and its network are known ones.
    static let keptAfterExpiry: Int64 = 86_400_000
    /// Sessions and refresh tokens that one log-in or refresh forgets at most, and sessions that one log-in ends because
    /// there are too many: more than the one it adds, little enough not to be felt.
    static let maxAtOnce = 100
}
