import Shared

extension SocialHandlers {
    func block(_ request: SocialAPI.Block, _ call: BusCall) async throws(ServiceError) -> Done {
        let owed = try await store.block(request.target, by: request.account, now: WallClock.milliseconds)
        if let owed { try await awaitAcknowledgement(of: owed, call) }
        return Done()
    }
}
