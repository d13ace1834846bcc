import Shared

extension SocialHandlers {
    func setRemark(_ request: SocialAPI.SetRemark, _ call: BusCall) async throws(ServiceError) -> Done {
        let remark = try SocialLimits.name(request.remark, field: "remark")
        try await store.set(remark: remark, on: request.friend, of: request.owner)
        return Done()
    }
}
