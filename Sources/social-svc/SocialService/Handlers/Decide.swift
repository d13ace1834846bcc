import Shared

extension SocialHandlers {
    func decide(_ request: SocialAPI.Decide, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Decide.Reply {
        guard request.accepts else {
            try await store.refuse(request.applicant, by: request.account, now: WallClock.milliseconds)
            return SocialAPI.Decide.Reply(conversation: nil)
        }
        let owed = try await store.accept(request.applicant, by: request.account, now: WallClock.milliseconds)
        try await awaitAcknowledgement(of: owed, call)
        return SocialAPI.Decide.Reply(conversation: owed.conversation)
    }
}
