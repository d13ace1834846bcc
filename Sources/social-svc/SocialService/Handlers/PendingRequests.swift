import Shared

extension SocialHandlers {
    func pendingRequests(
        _ request: SocialAPI.PendingRequests, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.PendingRequests.Reply {
        SocialAPI.PendingRequests.Reply(
            requests: try await store.pendingRequests(
                to: request.account, includingHandedOver: request.includesHandedOver))
    }
}
