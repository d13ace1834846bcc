import Shared

extension SocialHandlers {
    func claimNotices(
        _ request: SocialAPI.ClaimNotices, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.ClaimNotices.Reply {
        SocialAPI.ClaimNotices.Reply(claim: try await store.claimNotices())
    }
}
