import Shared

extension SocialHandlers {
    func invite(_ request: SocialAPI.Invite, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.invite(
            try SocialLimits.folded(request.accounts), by: request.inviter, to: request.conversation,
            now: WallClock.milliseconds)
        return Done()
    }
}
