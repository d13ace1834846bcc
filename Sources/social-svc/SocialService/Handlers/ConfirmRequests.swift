import Shared

extension SocialHandlers {
    func confirmRequests(
        _ request: SocialAPI.ConfirmRequests, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        // No answer hands over more than a page, so a longer list was not made from one.
        guard request.requests.count <= SocialStore.maxListedRequests else {
            throw ServiceError(.badRequest, detail: "more than \(SocialStore.maxListedRequests) requests")
        }
        try await store.confirm(request.requests, of: request.account)
        return Done()
    }
}
