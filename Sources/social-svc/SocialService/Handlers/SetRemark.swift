import Shared

extension SocialHandlers {
    func setRemark(_ request: SocialAPI.SetRemark, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.set(remark: request.remark, on: request.friend, of: request.owner)
        return Done()
    }
}
