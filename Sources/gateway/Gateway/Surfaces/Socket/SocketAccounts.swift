import Logging
import NIOHTTP1
import Shared

typealias SocketHTTPCall = SurfaceCall<SocketHTTPError>

extension SurfaceAnswer {
    /// Success with something to say.
    ///
    /// - Parameter fields: writes the members of `data`.
    static func object(
        headers: HTTPHeaders = [:], _ fields: @escaping @Sendable (inout JSONWriter) -> Void
    ) -> SurfaceAnswer {
        SurfaceAnswer(fields: { $0.object("data", fields) }, headers: headers)
    }

    /// Success with a list to show.
    static func list<Items: Sequence & Sendable>(
        _ items: Items, _ each: @escaping @Sendable (Items.Element, inout JSONWriter) -> Void
    ) -> SurfaceAnswer {
        .object { json in
            json.array("list", items) { item, json in
                json.object { each(item, &$0) }
            }
        }
    }
}

extension SocketSurface {
    /// How long a browser keeps the cookies: as long as a token lasts unless configured otherwise.
    private static let cookieSeconds = 86_400

    /// Refuses to set cookies for a page elsewhere, which could log its visitor in to an account of its own choice.
    private func refuseForeignPage(_ call: SocketHTTPCall) throws(SocketHTTPError) {
        guard call.request.isFromPage(of: allowedOrigins) else { throw .foreignPage }
    }

    @Sendable func logIn(_ call: SocketHTTPCall) async throws(SocketHTTPError) -> SurfaceAnswer {
        try refuseForeignPage(call)
        return try await logIn(try call.nonEmptyText("username"), try call.nonEmptyText("password"), call)
    }

    private func logIn(
        _ name: String, _ password: String, _ call: SocketHTTPCall
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let reply = try await authService.ask(
            AuthAPI.LogIn(
                kind: .userName, name: name, password: password, dialect: .socket,
                device: call.request.headers.first(name: "User-Agent") ?? "", secondLogin: .allow,
                address: call.request.remoteAddress, presentedTokens: AccessToken.presented(with: call.request)),
            call.context)
        return .object(
            headers: Self.cookies(
                token: reply.token, account: "\(reply.profile.account)", seconds: Self.cookieSeconds, call)
        ) { json in
            Self.writeOwn(reply.profile, to: &json)
        }
    }

    @Sendable func register(_ call: SocketHTTPCall) async throws(SocketHTTPError) -> SurfaceAnswer {
        try refuseForeignPage(call)
        let name = try call.nonEmptyText("username")
        let password = try call.nonEmptyText("password")
        let nickname = try call.nonEmptyText("nickname")
        let sex = try call.sex("sex")
        let sign = try call.optionalText("sign") ?? ""
        _ = try await authService.ask(
            AuthAPI.Register(
                userName: name, password: password, nickname: nickname, phoneNumber: "", email: "", sex: sex,
                sign: sign, picture: .none, rules: .socket, address: call.request.remoteAddress), call.context)
        do throws(SocketHTTPError) {
            return try await logIn(name, password, call)
        } catch {
            throw .registeredOnly(because: error)
        }
    }

    @Sendable func logOut(_ call: SocketHTTPCall, _ session: Session) async throws(SocketHTTPError) -> SurfaceAnswer {
        try await end(session.id, of: session, call.context)
        return SurfaceAnswer(headers: Self.cookies(token: "", account: "", seconds: 0, call))
    }

    /// Only this host's pages send them along with what changes something, and scripts never see the token.
    private static func cookies(
        token: String, account: String, seconds: Int, _ call: SocketHTTPCall
    ) -> HTTPHeaders {
        let rules =
            "; Path=/; Max-Age=\(seconds); SameSite=Lax" + (call.request.isSecure == true ? "; Secure" : "")
        return ["Set-Cookie": "token=\(token)\(rules); HttpOnly", "Set-Cookie": "uid=\(account)\(rules)"]
    }

    // MARK: - People

    @Sendable func ownProfile(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        guard let profile = try await profiles(of: [session.account], call.context)[session.account] else {
            throw .internalError
        }
        return .object { Self.writeOwn(profile, to: &$0) }
    }

    private static func writeOwn(_ profile: Profile, to json: inout JSONWriter) {
        let person = SocketPerson(profile.account, profile)
        json.field("id", person.id)
        person.writeNames(to: &json)
        person.writeDescription(to: &json)
    }

    @Sendable func searchUsers(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let search: AuthAPI.FindAccounts
        if let name = call.optionalQueryText("username") {
            search = AuthAPI.FindAccounts(match: .userName, text: name)
        } else if let part = call.optionalQueryText("nickname") {
            search = AuthAPI.FindAccounts(match: .partOfNickname, text: part)
        } else {
            throw .badField("username")
        }
        return .list(try await authService.ask(search, call.context).profiles) { profile, json in
            let person = SocketPerson(profile.account, profile)
            json.field("userId", person.id)
            person.writeNames(to: &json)
            person.writeDescription(to: &json)
        }
    }
}

extension SocketHTTPCall {
    /// -1 unset, 0 female, 1 male, as an integer or a text; unset when it is missing or null.
    fileprivate func sex(_ name: String) throws(SocketHTTPError) -> Int32 {
        guard let value = body[name], !value.isNull else { return -1 }
        guard let sex = Self.id(value), -1...1 ~= sex else { throw .badField(name) }
        return Int32(sex)
    }
}
