import NIOHTTP1
import Shared

extension RestSurface {
    @Sendable func register(_ call: RestCall) async throws(RestError) -> SurfaceAnswer {
        let name = try call.text("name")
        let password = try call.text("password")
        let phoneNumber = try call.text("phone_number")
        let profile = try await authService.ask(
            AuthAPI.Register(
                userName: nil, password: password, nickname: name, phoneNumber: phoneNumber, email: "", sex: -1,
                sign: "", picture: .none, rules: .rest, address: call.request.remoteAddress), call.context
        ).profile
        return .data { json in json.object { $0.writePerson(profile) } }
    }

    // MARK: - Log-in and refresh

    /// By whichever of the three names is given.
    @Sendable func logIn(_ call: RestCall) async throws(RestError) -> SurfaceAnswer {
        func isGiven(_ field: String) -> Bool { ![nil, .null, ""].contains(call.body[field]) }
        if isGiven("uid") { return try await logInByUID(call) }
        if isGiven("phone_number") { return try await logInByPhoneNumber(call) }
        return try await logIn(call, as: .userName, "userName")
    }

    @Sendable func logInByUID(_ call: RestCall) async throws(RestError) -> SurfaceAnswer {
        try await logIn(call, as: .uid, "uid")
    }

    @Sendable func logInByPhoneNumber(_ call: RestCall) async throws(RestError) -> SurfaceAnswer {
        try await logIn(call, as: .phoneNumber, "phone_number")
    }

    private func logIn(
        _ call: RestCall, as kind: AuthAPI.LogInName, _ field: String
    ) async throws(RestError) -> SurfaceAnswer {
        let name = try call.nonEmptyText(field)
        let password = try call.nonEmptyText("password")
        let device = try call.optionalText("device") ?? call.request.headers.first(name: "User-Agent") ?? ""
        let reply = try await authService.ask(
            AuthAPI.LogIn(
                kind: kind, name: name, password: password, dialect: .rest, device: device, secondLogin: .allow,
                address: call.request.remoteAddress, presentedTokens: AccessToken.presented(with: call.request)),
            call.context, wording: [.accountNotFound: .wrongCredentials])
        guard let refreshToken = reply.refreshToken else { throw .internalError }
        let tokens = RestTokens(token: reply.token, refreshToken: refreshToken, expiresIn: reply.expiresIn)
        var answer = SurfaceAnswer.data { json in
            json.object {
                $0.object("token_class", tokens.write)
                $0.object("user_info") { $0.writePerson(reply.profile) }
            }
        }
        answer.onDelivery = endIfLost(reply.session, of: reply.profile.account, call.context)
        return answer
    }

    /// An answer that is lost is not undone: its bearer may present the retired token once more.
    @Sendable func refresh(_ call: RestCall) async throws(RestError) -> SurfaceAnswer {
        guard let presented = AccessToken.header(of: call.request), presented.hasPrefix(AuthAPI.refreshTokenPrefix)
        else { throw .invalidToken }
        let reply = try await authService.ask(AuthAPI.Refresh(refreshToken: presented), call.context)
        let tokens = RestTokens(token: reply.token, refreshToken: reply.refreshToken, expiresIn: reply.expiresIn)
        return .data { json in json.object(tokens.write) }
    }

    // MARK: - Sessions

    @Sendable func logOut(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        try await end(session.id, of: session, call.context)
        return .noData
    }

    @Sendable func listSessions(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let sessions = try await authService.ask(AuthAPI.Sessions(account: session.account), call.context).sessions
        return .data { json in
            json.array(sessions) { listed, json in
                json.object {
                    $0.field("id", listed.session.rawValue)
                    $0.field("dialect", "\(listed.dialect)")
                    $0.field("device", listed.device)
                    $0.field("created_at", time: listed.createdAt)
                    $0.field("last_seen_at", time: listed.lastSeenAt)
                    $0.field("current", listed.session == session.id)
                }
            }
        }
    }

    @Sendable func endSession(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let id = SessionID(try call.pathID("id"))
        try await end(id, of: session, call.context, wording: [.sessionOver: .noSuchSession])
        return .noData
    }

    // MARK: - The own profile

    @Sendable func showMe(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let profile = try await person(session.account, call)
        return .data { json in
            json.object {
                $0.writePerson(profile)
                $0.field("phone_number", profile.phoneNumber)
                $0.field("userName", profile.userName)
            }
        }
    }

    @Sendable func changeUID(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let uid = try call.text(call.spelling("new_uid", "uid"))
        return try await modify(session, uid: uid, call)
    }

    @Sendable func changeName(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let name = try call.text(call.spelling("new_name", "name"))
        return try await modify(session, name: name, call)
    }

    /// The other sessions of the account end with it.
    @Sendable func changePassword(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let password = try call.nonEmptyText("prev_password")
        let newPassword = try call.text("new_password")
        return try await modify(session, password: password, newPassword: newPassword, call)
    }

    private func modify(
        _ session: Session, password: String? = nil, newPassword: String? = nil, name: String? = nil,
        uid: String? = nil, _ call: RestCall
    ) async throws(RestError) -> SurfaceAnswer {
        _ = try await authService.ask(
            AuthAPI.ModifyAccount(
                account: session.account, session: session.id, rules: .rest, password: password, newUserName: nil,
                newNickname: name, newUID: uid, newPassword: newPassword, newPhoneNumber: nil, newEmail: nil,
                newPicture: nil), call.context)
        // The event says so to every gateway; this one must not show the old name even until it comes.
        core.profiles.forget(session.account)
        return .noData
    }
}

/// The tokens of a session, as they are handed out.
private struct RestTokens: Sendable {
    let token: String
    let refreshToken: String
    /// Seconds until the access token expires.
    let expiresIn: Int64

    @Sendable func write(to json: inout JSONWriter) {
        json.field("token", token)
        json.field("refresh_token", refreshToken)
        json.field("expires_in", expiresIn)
    }
}
