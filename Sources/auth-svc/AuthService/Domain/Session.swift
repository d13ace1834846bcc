import Shared

/// A log-in about to become a session. Times are milliseconds since 1970.
struct SessionOpening: Sendable {
    /// Characters of a device label that are kept.
    static let maxDeviceCharacters = 255

    let account: AccountID
    let dialect: Dialect
    let device: String
    let secondLogin: AuthAPI.SecondLogin
    let openedAt: Int64
    /// A whole second, so that session and token end together.
    let expiresAt: Int64

    init(_ request: AuthAPI.LogIn, account: AccountID, lifetimeSeconds: Int64, now: Int64) {
        self.account = account
        dialect = request.dialect
        device = String(request.device.unicodeScalars.prefix(Self.maxDeviceCharacters))
        secondLogin = request.secondLogin
        openedAt = now
        expiresAt = (now / 1_000 + lifetimeSeconds) * 1_000
    }
}

/// How long sessions are remembered, and how they are forgotten.
enum SessionPruning {
    /// Milliseconds that a session is kept after its expiry, so that a clock set back does not forget a revocation.
    static let keptAfterExpiry: Int64 = 86_400_000
    /// Sessions that one log-in forgets at most: more than the one it adds, little enough not to be felt.
    static let maxPerLogIn = 100
}
