import Shared

extension SocialHandlers {
    func friendList(
        _ request: SocialAPI.FriendList, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.FriendList.Reply {
        SocialAPI.FriendList.Reply(groups: try await store.friendList(of: request.account))
    }
}
