import Shared

extension AuthHandlers {
    /// Sessions of one list.
    static var maxListedSessions: Int { 500 }

    /// Lists where an account is logged in.
    func sessions(_ request: AuthAPI.Sessions, _: BusCall) async throws(ServiceError) -> AuthAPI.Sessions.Reply {
        AuthAPI.Sessions.Reply(
            sessions: try await store.liveSessions(
                of: request.account, now: now, limit: Self.maxListedSessions))
    }
}
