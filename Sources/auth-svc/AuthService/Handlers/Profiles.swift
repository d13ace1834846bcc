import Shared

extension AuthHandlers {
    /// Ids of one request for profiles.
    static var maxProfiles: Int { 500 }

    /// Looks up profiles by id.
    func profiles(_ request: AuthAPI.Profiles, _: BusCall) async throws(ServiceError) -> AuthAPI.Profiles.Reply {
        guard request.accounts.count <= Self.maxProfiles else {
            throw ServiceError(.badRequest, detail: "more than \(Self.maxProfiles) accounts")
        }
        return AuthAPI.Profiles.Reply(profiles: try await store.profiles(of: request.accounts))
    }
}
