import Shared

extension SocialHandlers {
    func decideJoinRequest(
        _ request: SocialAPI.DecideJoinRequest, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.DecideJoinRequest.Reply {
        let decided = try await store.decide(
            on: request.request, accepting: request.accepts, by: request.actor, now: WallClock.milliseconds)
        if let owed = decided.owed { try await awaitAcknowledgement(of: owed, call) }
        return SocialAPI.DecideJoinRequest.Reply(request: decided.request)
    }
}
