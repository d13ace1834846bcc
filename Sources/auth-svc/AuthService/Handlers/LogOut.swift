import Logging
import Shared

extension AuthHandlers {
    /// Revokes a session.
    func logOut(_ request: AuthAPI.LogOut, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.revoke(request.session, now: WallClock.milliseconds)
        logger.info("logged out", metadata: metadata(call, ["session": "\(request.session)"]))
        return Done()
    }
}
