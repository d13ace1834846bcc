import NIOCore
import Shared

/// The last claims to notices heard of, so that a connection whose handshake took a moment learns of a greater one.
struct RecentClaims {
    /// Claims kept: far more than there can be during a handshake.
    static let maxCount = 65_536

    private var latest: [AccountID: Int64] = [:]
    private var claims = CircularBuffer<SocialAPI.NoticesClaimed>()

    /// The latest claim of an account; 0 when none is kept.
    subscript(account: AccountID) -> Int64 { latest[account] ?? 0 }

    /// Adds a claim, and forgets the oldest one beyond the limit.
    mutating func note(_ claim: SocialAPI.NoticesClaimed) {
        latest[claim.account] = max(self[claim.account], claim.claim)
        claims.append(claim)
        guard claims.count > Self.maxCount, let oldest = claims.popFirst() else { return }
        if latest[oldest.account] == oldest.claim { latest[oldest.account] = nil }
    }
}
