import Shared

extension SocialHandlers {
    func groupFriends(_ request: SocialAPI.GroupFriends, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.group(
            try SocialLimits.folded(request.friends), into: request.group, of: request.owner)
        return Done()
    }
}
