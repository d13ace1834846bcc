import Logging
import Shared

extension AuthHandlers {
    /// Revokes a session of the account that asks.
    func logOut(_ request: AuthAPI.LogOut, _ call: BusCall) async throws(ServiceError) -> Done {
        try await store.revoke(request.session, of: request.account, now: now)
        logger.info(
            "logged out",
            metadata: metadata(call, ["account": "\(request.account)", "session": "\(request.session)"]))
        return Done()
    }
}
