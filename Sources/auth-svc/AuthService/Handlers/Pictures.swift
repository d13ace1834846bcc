import Shared

extension AuthHandlers {
    /// Pictures of one answer: as many of the largest size as fit into a frame of the bus.
    static var maxPictures: Int { 16 }

    /// Looks up pictures by account.
    func pictures(_ request: AuthAPI.Pictures, _: BusCall) async throws(ServiceError) -> AuthAPI.Pictures.Reply {
        guard request.accounts.count <= Self.maxPictures else {
            throw ServiceError(.badRequest, detail: "more than \(Self.maxPictures) accounts")
        }
        return AuthAPI.Pictures.Reply(pictures: try await store.pictures(of: request.accounts))
    }
}
