import Shared

extension SocialHandlers {
    func findGroups(
        _ request: SocialAPI.FindGroups, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.FindGroups.Reply {
        guard !request.text.isEmpty else { throw ServiceError(.badRequest, detail: "empty text") }
        return SocialAPI.FindGroups.Reply(groups: try await store.findGroups(request.match, request.text))
    }
}
