import Shared

extension AuthHandlers {
    /// Sessions of one note.
    static var maxSeen: Int { 1_000 }

    /// Notes that sessions were used.
    func noteSeen(_ request: AuthAPI.NoteSeen, _: BusCall) async throws(ServiceError) -> Done {
        guard request.sessions.count <= Self.maxSeen else {
            throw ServiceError(.badRequest, detail: "more than \(Self.maxSeen) sessions")
        }
        if !request.sessions.isEmpty { try await store.noteSeen(request.sessions, now: WallClock.milliseconds) }
        return Done()
    }
}
