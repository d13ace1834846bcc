import Shared

extension SocialHandlers {
    func joinRequests(
        _ request: SocialAPI.JoinRequests, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.JoinRequests.Reply {
        try await store.joinRequests(for: request.account, in: request.conversation)
    }
}
