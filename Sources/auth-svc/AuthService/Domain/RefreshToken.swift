import Shared
import SharedCrypto

/// What a session is kept alive with: random, opaque to its bearer, and stored as a digest only.
///
/// Printing a token does not show it.
struct RefreshToken: Sendable, Hashable, CustomStringConvertible {
    /// Random bytes of a token.
    static let byteCount = 32

    let text: String
    /// SHA-256 of the random bytes.
    let digest: Blob

    init(randomBytes: [UInt8]) {
        text = AuthAPI.refreshTokenPrefix + Base64URL.encode(randomBytes)
        digest = Blob(SHA256.hash(randomBytes))
    }

    /// Reads what a client presents; `nil` for what cannot be a refresh token.
    init?(_ text: String) {
        guard text.hasPrefix(AuthAPI.refreshTokenPrefix),
            let bytes = Base64URL.decode(text.dropFirst(AuthAPI.refreshTokenPrefix.count)),
            bytes.count == Self.byteCount
        else { return nil }
        self.init(randomBytes: bytes)
    }

    var description: String { "RefreshToken" }
}

/// What has become of a refresh token. Times are milliseconds since 1970.
enum RefreshTokenState: Sendable, Hashable {
    /// The only one of its session that is worth anything.
    case live
    /// Exchanged for a successor; perhaps for several, one after the other, because the answers were lost.
    case retired(at: Int64, lastAnsweredAt: Int64, isSuccessorUsed: Bool)
    /// A successor whose answer was taken for lost: another took its place before it was used.
    case void(since: Int64)
}

/// What is to be done about a refresh token that was presented.
enum RefreshDecision: Sendable, Hashable {
    /// Retire it and issue its successor.
    case rotate
    /// Its answer was lost: issue another successor and make the unused one void.
    case replaceSuccessor
    /// A double click, of which another one is or was answered: refuse it, and nothing else.
    case refuse
    /// Two parties hold tokens of this session: refuse it and revoke the session.
    case revokeSession
}

/// The rotation of refresh tokens (RFC 9700, section 4.14.2). Pure: states and time come in.
enum RefreshRules {
    /// Milliseconds in which one and the same intention may present a token twice.
    static let doubleClick: Int64 = 2_000
    /// Milliseconds after its first rotation in which the bearer of a retired token may not have heard the answer.
    static let lostAnswer: Int64 = 30_000
    /// Tokens of a session that are remembered, the newest ones: ten days of refreshing every quarter of an hour without a
    /// pause. An older one is unknown: it gives nothing either, but is not recognised as stolen.
    static let keptTokens = 1_000

    static func decide(_ state: RefreshTokenState, now: Int64) -> RefreshDecision {
        // A time before the one remembered, which only a clock says that was lost with its file, is as if none had
        // passed.
        func isWithin(_ window: Int64, since time: Int64) -> Bool { now - time < window }

        switch state {
        case .live:
            return .rotate
        case .retired(_, let lastAnsweredAt, _) where isWithin(doubleClick, since: lastAnsweredAt):
            return .refuse
        case .retired(let time, _, isSuccessorUsed: false) where isWithin(lostAnswer, since: time):
            return .replaceSuccessor
        case .void(let time) where isWithin(doubleClick, since: time):
            return .refuse
        case .retired, .void:
            return .revokeSession
        }
    }
}
