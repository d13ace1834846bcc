import Shared

extension SocialHandlers {
    func removeMembers(_ request: SocialAPI.RemoveMembers, _ call: BusCall) async throws(ServiceError) -> Done {
        let owed = try await store.removeMembers(
            try SocialLimits.folded(request.accounts), from: request.conversation, by: request.actor)
        if let owed { try await awaitAcknowledgement(of: owed, call) }
        return Done()
    }
}
