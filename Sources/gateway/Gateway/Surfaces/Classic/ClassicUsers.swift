import NIOHTTP1
import Shared

extension ClassicSurface {
    @Sendable func logIn(_ call: ClassicCall) async throws(ClassicError) -> SurfaceAnswer {
        let userName = try call.nonEmptyText("userName")
        let password = try call.nonEmptyText("password")
        let reply = try await authService.ask(
            AuthAPI.LogIn(
                kind: .userName, name: userName, password: password, dialect: .classic,
                device: call.request.headers.first(name: "User-Agent") ?? "", secondLogin: .refuse,
                address: call.request.remoteAddress, presentedTokens: AccessToken.presented(with: call.request)),
            call.context, wording: [.accountNotFound: .wrongCredentials])
        let profile = reply.profile
        return SurfaceAnswer(
            fields: { Self.write(profile, token: reply.token, to: &$0, call) },
            // While it lived, its owner could not log in again.
            onDelivery: endIfLost(reply.session, of: profile.account, call.context))
    }

    @Sendable func register(_ call: ClassicCall) async throws(ClassicError) -> SurfaceAnswer {
        let userName = try call.nonEmptyText("userName")
        let password = try call.nonEmptyText("password")
        let ensurePassword = try call.text("ensurePassword")
        let phoneNumber = try call.text("phoneNumber")
        let email = try call.text("email")
        let picture = try call.text("picture")
        guard password == ensurePassword else { throw .passwordsDiffer }
        guard let upload = ClassicPicture.decode(picture) else { throw .pictureNotBase64 }
        _ = try await authService.ask(
            AuthAPI.Register(
                userName: userName, password: password, nickname: nil, phoneNumber: phoneNumber, email: email, sex: -1,
                sign: "", picture: upload, rules: .classic, address: call.request.remoteAddress),
            call.context)
        return .succeed
    }

    /// A token of a session that is over is good enough to be told so, and for nothing else.
    @Sendable func logOut(
        _ call: ClassicCall, _ session: Session, isOver: Bool
    ) async throws(ClassicError) -> SurfaceAnswer {
        if let userName = try call.optionalText("userName") {
            try await check(userName, isNameOf: session, call)
        }
        guard !isOver else { throw .notLoggedIn }
        try await end(session.id, of: session, call.context)
        return .succeed
    }

    private func check(_ userName: String, isNameOf session: Session, _ call: ClassicCall) async throws(ClassicError) {
        if try await profiles(of: [session.account], call.context)[session.account]?.userName == userName { return }
        try admit(session, by: core.limits.lookUps)
        let named = try await authService.ask(
            AuthAPI.FindAccounts(match: .userName, text: userName), call.context)
        throw named.profiles.isEmpty ? .notLoggedIn : .invalidToken
    }

    /// Empty and missing fields stay as they are. The token stays valid: it names the account by its id.
    @Sendable func modifyAccount(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        func change(_ name: String) throws(ClassicError) -> String? {
            let text = try call.optionalText(name)
            return text?.isEmpty == true ? nil : text
        }
        let password = try call.text("oldPassword")
        if !password.isEmpty { try admit(session, by: core.limits.passwords) }
        let userName = try change("newUserName")
        let newPassword = try change("newPassword")
        let phoneNumber = try change("newPhoneNumber")
        let email = try change("newEmail")
        let picture = try change("newPicture")
        let upload = picture.flatMap(ClassicPicture.decode)
        if picture != nil, upload == nil {
            // The password is judged before the picture: asked to change nothing, auth-svc judges it alone.
            _ = try await modify(session, password: password, call)
            throw .pictureNotBase64
        }
        let profile = try await modify(
            session, password: password, userName: userName, newPassword: newPassword, phoneNumber: phoneNumber,
            email: email, picture: upload, call)
        // The event says so to every gateway; this one must not show the old name even until it comes.
        core.profiles.forget(session.account)
        let token = AccessToken.header(of: call.request) ?? ""
        return SurfaceAnswer(fields: { Self.write(profile, token: token, to: &$0, call) })
    }

    private func modify(
        _ session: Session, password: String, userName: String? = nil, newPassword: String? = nil,
        phoneNumber: String? = nil, email: String? = nil, picture: PictureUpload? = nil, _ call: ClassicCall
    ) async throws(ClassicError) -> Profile {
        try await authService.ask(
            AuthAPI.ModifyAccount(
                account: session.account, session: session.id, rules: .classic,
                password: password.isEmpty ? nil : password, newUserName: userName, newNickname: nil, newUID: nil,
                newPassword: newPassword, newPhoneNumber: phoneNumber, newEmail: email,
                newPicture: picture), call.context, wording: [.wrongPassword: .wrongPasswordToModify]
        ).profile
    }

    @Sendable func cancelAccount(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let password = try call.text("password")
        _ = try await authService.ask(
            AuthAPI.CancelAccount(account: session.account, session: session.id, password: password), call.context)
        core.gate.revoke(session.id, expiresAt: session.expiresAt)
        await core.hub.close(session.id, of: session.account)
        core.profiles.forget(session.account)
        return .succeed
    }

    private static func write(_ profile: Profile, token: String, to json: inout JSONWriter, _ call: ClassicCall) {
        json.field("token", token)
        json.field("userId", profile.account.rawValue)
        json.field("userName", profile.userName)
        json.field("phoneNumber", profile.phoneNumber)
        json.field("email", profile.email)
        json.field("picture", call.pictureAddress(of: profile))
    }

    @Sendable func findUsers(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let userName = try call.queryText("userName")
        let found = try await authService.ask(
            AuthAPI.FindAccounts(
                match: call.request.query["match"] == "prefix" ? .userNamePrefix : .userName, text: userName),
            call.context
        ).profiles
        let pictures = try await pictures(of: found, call)
        return SurfaceAnswer { json in
            json.array("user_list", found) { profile, json in
                json.object {
                    $0.field("user_name", profile.userName)
                    $0.field("user_id", profile.account.rawValue)
                    $0.field("user_phone_number", profile.phoneNumber)
                    $0.field("user_email", profile.email)
                    $0.field("user_picture", pictures[profile.account])
                }
            }
        }
    }
}
