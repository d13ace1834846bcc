import Shared

extension SocialHandlers {
    func dismissRequest(_ request: SocialAPI.DismissRequest, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.dismiss(request.request, by: request.account, now: WallClock.milliseconds)
        return Done()
    }
}
