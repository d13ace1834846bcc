import Shared

extension SocialHandlers {
    func createGroup(
        _ request: SocialAPI.CreateGroup, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.CreateGroup.Reply {
        let friends = try SocialLimits.folded(request.friends)
        let owed = try await store.createGroup(
            request.name, by: request.creator, with: friends, now: WallClock.milliseconds)
        try await awaitAcknowledgement(of: owed, call)
        return SocialAPI.CreateGroup.Reply(conversation: owed.conversation)
    }
}
