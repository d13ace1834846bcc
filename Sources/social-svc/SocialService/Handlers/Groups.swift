import Shared

extension SocialHandlers {
    func groups(_ request: SocialAPI.Groups, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Groups.Reply {
        SocialAPI.Groups.Reply(groups: try await store.groups(try SocialLimits.folded(request.conversations)))
    }
}
