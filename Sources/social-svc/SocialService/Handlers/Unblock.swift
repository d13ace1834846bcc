import Shared

extension SocialHandlers {
    func unblock(_ request: SocialAPI.Unblock, _ call: BusCall) async throws(ServiceError) -> Done {
        let owed = try await store.unblock(request.target, by: request.account)
        if let owed { try await awaitAcknowledgement(of: owed, call) }
        return Done()
    }
}
