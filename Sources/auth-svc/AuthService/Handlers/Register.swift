import Logging
import Shared
import SharedCrypto

extension AuthHandlers {
    /// Creates an account. The order of the checks is that of the `classic` document.
    ///
    /// Every registration counts for its address, also one that is refused: names and phone numbers cannot be tried out
    /// faster than accounts can be made.
    func register(
        _ request: AuthAPI.Register, _ call: BusCall
    ) async throws(ServiceError) -> AuthAPI.Register.Reply {
        try await countRegistration(from: request.address)
        let texts = AccountTexts(request)
        try rules.checkLengths(of: texts)
        try AccountRules.check(sex: request.sex)
        try rules.checkSize(of: request.picture)
        if let userName = request.userName, AccountRules.isPossible(userName: userName),
            try await store.isTaken(userName: userName)
        {
            throw ServiceError(.userNameTaken, detail: userName)
        }
        if request.rules.requiresOwnPhoneNumber, AccountRules.isPossible(phoneNumber: request.phoneNumber),
            try await store.isOwned(phoneNumber: request.phoneNumber)
        {
            throw ServiceError(.phoneNumberTaken)
        }
        try rules.checkAlphabets(of: texts)

        let password = try await hashing(call) { [hasher] in try await hasher.hash(request.password) }
        try checkDeadline(call)
        let profile = try await store.create(
            NewAccount(request, nickname: texts[.nickname], password: password, now: now))
        logger.info(
            "registered", metadata: metadata(call, ["account": "\(profile.account)", "address": "\(request.address)"]))
        return AuthAPI.Register.Reply(profile: profile)
    }

    private func countRegistration(from address: String) async throws(ServiceError) {
        let subjects = [RateSubject.registrations(network: Network.name(of: address))]
        try await limits?.begin(subjects)
        defer { limits?.end(subjects) }
        try await limits?.count(subjects)
    }
}

extension NewAccount {
    fileprivate init(_ request: AuthAPI.Register, nickname: String?, password: PasswordRecord, now: Int64) {
        self.init(
            userName: request.userName, nickname: nickname, phoneNumber: request.phoneNumber,
            requiresOwnPhoneNumber: request.rules.requiresOwnPhoneNumber, email: request.email, sex: request.sex,
            sign: request.sign, password: password, picture: NewPicture(request.picture), createdAt: now)
    }
}
