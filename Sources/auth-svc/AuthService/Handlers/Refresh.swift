import Logging
import Shared

extension AuthHandlers {
    /// Exchanges a refresh token for a new pair.
    func refresh(_ request: AuthAPI.Refresh, _ call: BusCall) async throws(ServiceError) -> AuthAPI.Refresh.Reply {
        try await refresh(request, call, now: now)
    }

    /// Exchanges a refresh token for a new pair at a time, in milliseconds since 1970.
    func refresh(
        _ request: AuthAPI.Refresh, _ call: BusCall, now: Int64
    ) async throws(ServiceError) -> AuthAPI.Refresh.Reply {
        guard let presented = RefreshToken(request.refreshToken) else { throw ServiceError(.sessionOver) }
        let successor = try newRefreshToken(call)
        let outcome = try await store.refresh(
            SessionRefresh(
                presented: presented, successor: successor, terms: configuration.terms(for: .rest), now: now),
            until: call.deadline)
        switch outcome {
        case .refreshed(let refreshed):
            let token = try accessToken(
                for: refreshed.session, of: refreshed.account, refreshed.dialect, ends: refreshed.ends, now: now, call)
            return AuthAPI.Refresh.Reply(
                session: refreshed.session, account: refreshed.account, token: token,
                expiresAt: refreshed.ends.token / 1_000, expiresIn: refreshed.ends.tokenSeconds(from: now),
                refreshToken: successor.text)
        case .reused:
            throw ServiceError(.refreshTokenReused)
        case .stolen(let session, let account):
            // No condition that repeats: each of them is told.
            logger.notice(
                "refresh token used twice, session revoked",
                metadata: metadata(call, ["account": "\(account)", "session": "\(session)"]))
            throw ServiceError(.refreshTokenReused)
        }
    }
}
