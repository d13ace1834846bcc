import Shared

extension AuthHandlers {
    /// Sessions of one note.
    static var maxSeen: Int { 1_000 }

    /// Notes that sessions were used, and tells the time.
    func noteSeen(_ request: AuthAPI.NoteSeen, _: BusCall) async throws(ServiceError) -> AuthAPI.NoteSeen.Reply {
        guard request.sessions.count <= Self.maxSeen else {
            throw ServiceError(.badRequest, detail: "more than \(Self.maxSeen) sessions")
        }
        // Also without sessions: what was told of the clock is on disk then, and it does not go back behind that.
        try await store.noteSeen(request.sessions, now: now)
        return AuthAPI.NoteSeen.Reply(now: now)
    }
}
