import Shared

extension SocialHandlers {
    func friendRequests(
        _ request: SocialAPI.FriendRequests, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.FriendRequests.Reply {
        let limit = min(max(0, Int(request.limit)), SocialStore.maxListedRequests)
        return SocialAPI.FriendRequests.Reply(
            requests: try await store.friendRequests(
                to: request.account, in: request.state, before: request.before, limit: limit))
    }
}
