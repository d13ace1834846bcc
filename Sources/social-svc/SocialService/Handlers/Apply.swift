import Shared

extension SocialHandlers {
    func apply(_ request: SocialAPI.Apply, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Apply.Reply {
        try requestRate?.admit(request.applicant)
        return SocialAPI.Apply.Reply(request: try await store.apply(request, now: WallClock.milliseconds))
    }
}
