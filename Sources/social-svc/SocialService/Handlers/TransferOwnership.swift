import Shared

extension SocialHandlers {
    func transferOwnership(_ request: SocialAPI.TransferOwnership, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.transfer(request.conversation, from: request.owner, to: request.heir)
        return Done()
    }
}
