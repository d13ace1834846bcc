import Shared

extension SocialHandlers {
    func endFriendship(_ request: SocialAPI.EndFriendship, _ call: BusCall) async throws(ServiceError) -> Done {
        let owed = try await store.endFriendship(of: request.account, with: request.friend)
        try await awaitAcknowledgement(of: owed, call)
        return Done()
    }
}
