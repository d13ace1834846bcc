import Shared

extension SocialHandlers {
    func appointAdmins(_ request: SocialAPI.AppointAdmins, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.appoint(
            try SocialLimits.folded(request.accounts), by: request.owner, in: request.conversation)
        return Done()
    }
}
