import Shared
import SharedCrypto

extension AuthHandlers {
    /// Where a log-in comes from, as the tokens presented with it and its address prove.
    func origin(of request: AuthAPI.LogIn, to account: AccountID?) async throws(ServiceError) -> LogInOrigin {
        guard let account else { return .anywhere }
        let tokens = request.presentedTokens.prefix(AuthAPI.LogIn.maxPresentedTokens)
        return try await store.origin(
            sessions: tokens.compactMap(session), refreshTokens: tokens.compactMap { RefreshToken($0)?.digest },
            network: Network.name(of: request.address), of: account)
    }

    /// The session that an access token names, expired or not; `nil` for what is no token of ours.
    private func session(of token: String) -> SessionID? {
        do throws(TokenError) {
            return SessionID(try verifier.verify(token, now: now / 1_000).session)
        } catch {
            guard case .expired(let claims) = error else { return nil }
            return SessionID(claims.session)
        }
    }
}
