import Logging
import Shared
import SharedCrypto

extension AuthHandlers {
    /// Changes an account. The order of the checks is that of the `classic` document.
    func modifyAccount(
        _ request: AuthAPI.ModifyAccount, _ call: BusCall
    ) async throws(ServiceError) -> AuthAPI.ModifyAccount.Reply {
        var newRecord: PasswordRecord?
        let profile = try await withUnchangedRecord { () async throws(ServiceError) in
            let record = try await confirmedRecord(for: request, call)
            let texts = AccountTexts(request)
            try await check(request, texts)
            if let newPassword = request.newPassword, newRecord == nil {
                newRecord = try await hashing(call) { [hasher] in try await hasher.hash(newPassword) }
            }
            try checkDeadline(call)
            let change = AccountChange(
                account: request.account, session: request.session, userName: request.newUserName,
                nickname: texts[.nickname], uid: request.newUID, password: newRecord,
                phoneNumber: request.newPhoneNumber, email: request.newEmail,
                picture: request.newPicture.map(AccountChange.Picture.init))
            return try await store.modify(change, checkedAgainst: record, now: now)
        }
        logger.info(
            "account changed",
            metadata: metadata(
                call, ["account": "\(request.account)", "password": "\(newRecord == nil ? "kept" : "changed")"]))
        return AuthAPI.ModifyAccount.Reply(profile: profile)
    }

    /// The record the password of a request was checked against; `nil` when it has none and needs none.
    private func confirmedRecord(
        for request: AuthAPI.ModifyAccount, _ call: BusCall
    ) async throws(ServiceError) -> PasswordRecord? {
        let password = request.password ?? ""
        guard password.isEmpty else {
            guard let known = try await store.credentials(of: request.account) else {
                throw ServiceError(.wrongPassword)
            }
            try await confirm(password, of: known, in: request.session, call)
            return known.password
        }
        if request.newPassword != nil || request.newPhoneNumber != nil || request.newEmail != nil {
            throw ServiceError(.wrongPassword)
        }
        return nil
    }

    private func check(_ request: AuthAPI.ModifyAccount, _ texts: AccountTexts) async throws(ServiceError) {
        try rules.checkLengths(of: texts)
        if let picture = request.newPicture { try rules.checkSize(of: picture) }
        if let userName = request.newUserName, AccountRules.isPossible(userName: userName),
            try await store.isTaken(userName: userName, besides: request.account)
        {
            throw ServiceError(.userNameTaken, detail: userName)
        }
        if let uid = request.newUID, AccountRules.isPossible(uid: uid),
            try await store.isTaken(uid: uid, besides: request.account)
        {
            throw ServiceError(.uidTaken)
        }
        try rules.checkAlphabets(of: texts)
    }
}
