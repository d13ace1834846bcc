import Shared

extension SocialHandlers {
    func reportPresence(
        _ request: SocialAPI.ReportPresence, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.ReportPresence.Reply {
        SocialAPI.ReportPresence.Reply(isKnown: try keeper.take(request))
    }
}
