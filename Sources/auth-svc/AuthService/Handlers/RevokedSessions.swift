import Shared

extension AuthHandlers {
    /// Tells which sessions are over before their tokens are.
    func revokedSessions(
        _: AuthAPI.RevokedSessions, _: BusCall
    ) async throws(ServiceError) -> AuthAPI.RevokedSessions.Reply {
        try await store.revokedSessions(now: WallClock.milliseconds)
    }
}
