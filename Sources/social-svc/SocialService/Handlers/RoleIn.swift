import Shared

extension SocialHandlers {
    func roleIn(_ request: SocialAPI.RoleIn, _ call: BusCall) async throws(ServiceError) -> SocialAPI.RoleIn.Reply {
        SocialAPI.RoleIn.Reply(role: try await store.role(of: request.account, in: request.conversation))
    }
}
