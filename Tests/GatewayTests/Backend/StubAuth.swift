import Shared
import SharedCrypto
import Synchronization
import TestSupport

/// auth-svc as far as the gateway needs it to judge tokens; what else it answers is the test's.
final class StubAuth: Sendable {
    typealias Revocation = AuthAPI.RevokedSessions.Revocation

    let key: Ed25519PrivateKey
    private let revocations = Mutex<[Revocation]>([])

    init() throws { key = try Ed25519PrivateKey.generate() }

    /// A token that is good for a while, or has been.
    func token(
        account: Int64 = 1, session: Int64 = 1, dialect: Dialect = .classic, lifetime: Int64 = 1_000
    ) throws -> String {
        let now = WallClock.seconds
        return try TokenSigner(key: key).sign(
            AccessClaims(
                account: account, session: session, dialect: dialect.description,
                issuedAt: min(now, now + lifetime) - 1, expiresAt: now + lifetime))
    }

    /// Adds to the list of revoked sessions, without an event.
    func revoke(_ session: Int64) {
        revocations.withLock {
            $0.append(Revocation(session: SessionID(session), expiresAt: WallClock.seconds + 1_000))
        }
    }

    /// Keys and revocations, and what `add` adds.
    func routes(_ add: (inout BusRoutes) -> Void = { _ in }) -> BusRoutes {
        var routes = BusRoutes()
        routes.on(AuthAPI.SigningKeys.self, from: [.gateway]) { [key] _, _ throws(ServiceError) in
            AuthAPI.SigningKeys.Reply(
                keys: [.init(id: key.publicKey.keyID, publicKey: Blob(key.publicKey.rawBytes))])
        }
        routes.on(AuthAPI.RevokedSessions.self, from: [.gateway]) { [self] _, _ throws(ServiceError) in
            AuthAPI.RevokedSessions.Reply(
                revocations: revocations.withLock { $0 }, position: 0, hasMore: false, now: WallClock.milliseconds)
        }
        add(&routes)
        return routes
    }
}

extension Profile {
    /// A profile that nothing is remarkable about.
    static func test(_ account: Int64, _ userName: String? = nil) -> Profile {
        Profile(
            account: AccountID(account), userName: userName ?? "User\(account)", nickname: "", uid: "m_\(account)",
            phoneNumber: "", email: "", pictureVersion: 0, sex: -1, sign: "", isCancelled: false)
    }
}
