import Shared

extension SocialHandlers {
    func groupNames(
        _ request: SocialAPI.GroupNames, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.GroupNames.Reply {
        SocialAPI.GroupNames.Reply(
            groups: try await store.groupNames(of: try SocialLimits.folded(request.conversations)))
    }
}
