import Shared

extension SocialHandlers {
    func blocks(_ request: SocialAPI.Blocks, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Blocks.Reply {
        SocialAPI.Blocks.Reply(accounts: try await store.blocks(of: request.account))
    }
}
