import Shared

extension SocialHandlers {
    func createGroup(
        _ request: SocialAPI.CreateGroup, _ call: BusCall
    ) async throws(ServiceError) -> SocialAPI.CreateGroup.Reply {
        var creation = request
        creation.friends = try SocialLimits.folded(request.friends)
        creation.name = try SocialLimits.name(request.name, field: "name")
        if let handle = request.handle { creation.handle = try SocialLimits.name(handle, field: "handle") }
        let (group, owed) = try await store.createGroup(creation, now: WallClock.milliseconds)
        try await awaitAcknowledgement(of: owed, call)
        return SocialAPI.CreateGroup.Reply(group: group)
    }
}
