import Shared

extension AuthHandlers {
    /// Profiles of one search.
    static var maxFound: Int { 50 }

    /// Looks up profiles by a name.
    func findAccounts(
        _ request: AuthAPI.FindAccounts, _: BusCall
    ) async throws(ServiceError) -> AuthAPI.Profiles.Reply {
        guard AccountRules.isPossible(request.text, as: request.match) else {
            return AuthAPI.Profiles.Reply(profiles: [])
        }
        return AuthAPI.Profiles.Reply(
            profiles: try await store.profiles(matching: request.text, as: request.match, limit: Self.maxFound))
    }
}
