import Shared

extension SocialHandlers {
    func applyToJoin(
        _ request: SocialAPI.ApplyToJoin, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.ApplyToJoin.Reply {
        try requestRate?.admit(request.applicant)
        return SocialAPI.ApplyToJoin.Reply(request: try await store.applyToJoin(request, now: WallClock.milliseconds))
    }
}
