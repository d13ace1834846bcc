import Shared

extension SocialHandlers {
    func announce(
        _ request: SocialAPI.Announce, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.Announce.Reply {
        let announcement = try await store.announce(
            request.body, by: request.author, in: request.conversation, now: WallClock.milliseconds)
        return SocialAPI.Announce.Reply(announcement: announcement)
    }
}
