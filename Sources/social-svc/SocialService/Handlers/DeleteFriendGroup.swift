import Shared

extension SocialHandlers {
    func deleteFriendGroup(_ request: SocialAPI.DeleteFriendGroup, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.deleteFriendGroup(request.group, of: request.owner)
        return Done()
    }
}
