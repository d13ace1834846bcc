import Shared

extension SocialHandlers {
    func leaveGroup(_ request: SocialAPI.LeaveGroup, _ call: BusCall) async throws(ServiceError) -> Done {
        let owed = try await store.leave(request.conversation, request.account)
        try await awaitAcknowledgement(of: owed, call)
        return Done()
    }
}
