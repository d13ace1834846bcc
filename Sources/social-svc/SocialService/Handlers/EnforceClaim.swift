import Shared

extension SocialHandlers {
    func enforceClaim(_ request: SocialAPI.EnforceClaim, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.enforce(request.claim, of: request.account)
        return Done()
    }
}
