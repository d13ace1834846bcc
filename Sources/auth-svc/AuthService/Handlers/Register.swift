import Logging
import Shared
import SharedCrypto

extension AuthHandlers {
    /// Creates an account. The order of the checks is that of the `classic` document.
    ///
    /// A registration counts towards its address's limit when its answer tells whether a name is taken, so that names
    /// cannot be tried out faster than accounts can be made.
    func register(
        _ request: AuthAPI.Register, _ call: BusCall
    ) async throws(ServiceError) -> AuthAPI.Register.Reply {
        try rules.checkLengths(of: AccountTexts(request))
        try rules.checkSize(ofPicture: request.picture)
        try withLimits { limits, now throws(ServiceError) in
            try limits.admitRegistration(from: request.address, now: now)
        }
        if AccountRules.isPossible(userName: request.userName), try await store.isTaken(userName: request.userName) {
            throw ServiceError(.userNameTaken, detail: request.userName)
        }
        try AccountRules.checkAlphabets(of: AccountTexts(request))

        let password = try await hashing(call) { [hasher] in try await hasher.hash(request.password) }
        try checkDeadline(call)
        let account = try await store.create(
            NewAccount(
                userName: request.userName, phoneNumber: request.phoneNumber, email: request.email,
                password: password, picture: NewPicture(request.picture), createdAt: WallClock.milliseconds))
        logger.info(
            "registered", metadata: metadata(call, ["account": "\(account)", "address": "\(request.address)"]))
        return AuthAPI.Register.Reply(account: account)
    }
}
