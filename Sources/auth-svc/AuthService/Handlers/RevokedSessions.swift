import Shared

extension AuthHandlers {
    /// Sessions of one page: 1.6 MB, of the 9 MiB that the bus takes.
    static var maxRevocations: Int { 100_000 }

    /// Tells which sessions are over before their tokens are.
    func revokedSessions(
        _ request: AuthAPI.RevokedSessions, _: BusCall
    ) async throws(ServiceError) -> AuthAPI.RevokedSessions.Reply {
        try await store.revokedSessions(
            after: request.after, now: now, limit: Self.maxRevocations)
    }
}
