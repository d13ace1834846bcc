import Shared

extension SocialHandlers {
    func presence(
        _ request: SocialAPI.Presence, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.Presence.Reply {
        let accounts = try SocialLimits.folded(request.accounts, atMost: SocialLimits.maxPresence)
        return SocialAPI.Presence.Reply(online: keeper.online(among: accounts))
    }
}
