import Shared

extension SocialHandlers {
    func apply(_ request: SocialAPI.Apply, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Apply.Reply {
        try requestRate?.admit(request.applicant)
        let id = try await store.apply(
            from: request.applicant, to: request.target, message: request.message, now: WallClock.milliseconds)
        return SocialAPI.Apply.Reply(request: id)
    }
}
