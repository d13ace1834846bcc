import Logging
import NIOHTTP1
import Shared

extension ClassicSurface {
    @Sendable func logIn(_ call: ClassicCall) async throws(ClassicError) -> ClassicAnswer {
        let userName = try call.nonEmptyText("userName")
        let password = try call.nonEmptyText("password")
        let reply = try await backend.auth.ask(
            AuthAPI.LogIn(
                userName: userName, password: password, dialect: .classic,
                device: call.request.headers.first(name: "User-Agent") ?? "", secondLogin: .refuse,
                address: call.request.remoteAddress), call.context)
        let profile = reply.profile
        return ClassicAnswer(
            fields: { json in
                json.field("token", reply.token)
                json.field("userId", profile.account.rawValue)
                json.field("userName", profile.userName)
                json.field("phoneNumber", profile.phoneNumber)
                json.field("email", profile.email)
                json.field("picture", MediaEndpoint.address(of: profile))
            },
            afterWrite: { [backend, logger, timeout] isWritten in
                guard !isWritten else { return }
                // Nobody has this session's token, and while it lived its owner could not log in again.
                let context = CallContext(trace: call.context.trace, deadline: .after(timeout))
                backend.auth.send(AuthAPI.LogOut(session: reply.session), context) { result in
                    guard case .failure(let error) = result else { return }
                    logger.warning("an unused session stays open", metadata: ["reason": "\(error)"])
                }
            })
    }

    @Sendable func register(_ call: ClassicCall) async throws(ClassicError) -> ClassicAnswer {
        let userName = try call.nonEmptyText("userName")
        let password = try call.nonEmptyText("password")
        let ensurePassword = try call.text("ensurePassword")
        let phoneNumber = try call.text("phoneNumber")
        let email = try call.text("email")
        let picture = try call.text("picture")
        guard password == ensurePassword else { throw .passwordsDiffer }
        guard let pictureBytes = ClassicPicture.decode(picture) else { throw .pictureNotBase64 }
        _ = try await backend.auth.ask(
            AuthAPI.Register(
                userName: userName, password: password, phoneNumber: phoneNumber, email: email,
                picture: Blob(pictureBytes), address: call.request.remoteAddress), call.context)
        return .succeed
    }

    /// A token of a session that is over is good enough to be told so, and for nothing else.
    @Sendable func logOut(
        _ call: ClassicCall, _ session: Session, isOver: Bool
    ) async throws(ClassicError) -> ClassicAnswer {
        if let userName = try call.optionalText("userName") {
            let named = try await backend.auth.ask(
                AuthAPI.FindByName(userName: userName, byPrefix: false), call.context)
            guard let account = named.profiles.first?.account else { throw .notLoggedIn }
            guard account == session.account else { throw .invalidToken }
        }
        guard !isOver else { throw .notLoggedIn }
        _ = try await backend.auth.ask(AuthAPI.LogOut(session: session.id), call.context)
        // The event says so to every gateway; this one must not serve the token even until it comes.
        gate.revoke(session.id, expiresAt: session.expiresAt)
        await hub.close(session.id, of: session.account)
        return .succeed
    }

    @Sendable func findUsers(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> ClassicAnswer {
        let userName = try call.queryText("userName")
        try admit(session, by: searchRate)
        let found = try await backend.auth.ask(
            AuthAPI.FindByName(userName: userName, byPrefix: call.request.query["match"] == "prefix"), call.context
        ).profiles
        let pictures = try await pictures(of: found, call)
        return ClassicAnswer { json in
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

    /// Throws 429 when an account does something too often.
    func admit(_ session: Session, by limiter: RateLimiter?) throws(ClassicError) {
        do throws(ServiceError) {
            try limiter?.admit(session.account)
        } catch {
            throw ClassicError(error)
        }
    }
}
