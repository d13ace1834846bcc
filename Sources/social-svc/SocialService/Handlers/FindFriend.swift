import Shared

extension SocialHandlers {
    func findFriend(
        _ request: SocialAPI.FindFriend, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.FindFriend.Reply {
        SocialAPI.FindFriend.Reply(friend: try await store.friend(request.friend, of: request.owner))
    }
}
