import Shared

extension SocialHandlers {
    func group(_ request: SocialAPI.Group, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Group.Reply {
        try await store.group(request.conversation, for: request.account, orPrivate: request.orPrivate)
    }
}
