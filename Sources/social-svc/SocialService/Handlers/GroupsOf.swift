import Shared

extension SocialHandlers {
    func groupsOf(
        _ request: SocialAPI.GroupsOf, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.GroupsOf.Reply {
        SocialAPI.GroupsOf.Reply(memberships: try await store.groups(of: request.account))
    }
}
