import Shared

extension SocialHandlers {
    func decideJoin(_ request: SocialAPI.DecideJoin, _ call: BusCall) async throws(ServiceError) -> Done {
        let owed = try await store.decide(
            on: try SocialLimits.folded(request.invited), accepting: request.accepts, by: request.actor,
            in: request.conversation, now: WallClock.milliseconds)
        if let owed { try await awaitAcknowledgement(of: owed, call) }
        return Done()
    }
}
