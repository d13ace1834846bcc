import Shared

extension AuthHandlers {
    /// Profiles of one search by prefix.
    static var maxFound: Int { 50 }

    /// Looks up profiles by user name.
    func findByName(
        _ request: AuthAPI.FindByName, _: BusCall
    ) async throws(ServiceError) -> AuthAPI.Profiles.Reply {
        let name = request.userName
        var found: [Profile] = []
        if request.byPrefix {
            if AccountRules.isPossible(userNamePrefix: name) {
                found = try await store.profiles(userNamePrefix: name, limit: Self.maxFound)
            }
        } else if AccountRules.isPossible(userName: name) {
            found = try await store.profiles(userName: name)
        }
        return AuthAPI.Profiles.Reply(profiles: found)
    }
}
