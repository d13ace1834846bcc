import Shared

extension SocialHandlers {
    func decideRequest(
        _ request: SocialAPI.DecideRequest, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.DecideRequest.Reply {
        let decided = try await store.decide(
            on: request.request, accepting: request.accepts, by: request.account, now: WallClock.milliseconds)
        if let owed = decided.owed { try await awaitAcknowledgement(of: owed, call) }
        return SocialAPI.DecideRequest.Reply(applicant: decided.applicant, conversation: decided.owed?.conversation)
    }
}
