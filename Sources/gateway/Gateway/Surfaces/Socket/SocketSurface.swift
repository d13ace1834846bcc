import Logging
import NIOCore
import NIOHTTP1
import Shared

/// The API of request connections: each WebSocket path is one operation, notices come on a path of their own, and what
/// the document leaves out (log-in, lists, groups) is JSON over HTTP under `/api`.
struct SocketSurface: JSONSurface {
    typealias Failure = SocketHTTPError

    /// How a connection of somebody without a live session ends: its clients go by code and reason.
    static let unauthorized = WebSocketEnd(code: .policyViolation, reason: "Unauthorized request")

    let core: GatewayCore
    /// Origins whose pages may use the cookies of this host.
    let allowedOrigins: Set<WebOrigin>

    static func spellings(of path: String) -> [String] { [path] }

    static func response(to answer: SurfaceAnswer) -> HTTPResponse {
        var json = JSONWriter()
        json.object {
            $0.field("message", "success")
            answer.fields(&$0)
        }
        return HTTPResponse(status: .ok, headers: answer.headers, json: json)
    }

    // MARK: - Paths

    /// What each request connection does, and how often an account may ask.
    private var operations: [String: (operation: SocketOperation, limiter: RateLimiter?)] {
        [
            "/chat/send_msg": (.direct(sendMessage), limits.messages),
            "/friend/add": (.task(addFriend), limits.applications),
            "/friend/add_reply": (.task(replyToFriendRequest), nil),
            "/friend/del": (.task(deleteFriend), nil),
            "/group/add": (.task(applyToGroup), nil),
            "/group/add_reply": (.task(replyToJoinRequest), nil),
        ]
    }

    private static let noticePaths = ["/notice/event", "/notice/path", "/ws/notice"]

    /// With the prefix of the document and without it, which a proxy may have taken off.
    private static func socketSpellings(of path: String) -> [String] {
        path.hasPrefix("/ws/") ? [path, String(path.dropFirst(3))] : ["/ws" + path, path]
    }

    var sockets: [String: SocketEndpoint] {
        var sockets: [String: SocketEndpoint] = [:]
        for (path, (operation, limiter)) in operations {
            for spelling in Self.socketSpellings(of: path) { sockets[spelling] = requests(operation, within: limiter) }
        }
        for path in Self.noticePaths.flatMap(Self.socketSpellings) { sockets[path] = upgradeToNotices }
        return sockets
    }

    var routes: [HTTPRouter<HTTPEndpoint>.Route] {
        let plain =
            operations.keys.flatMap(Self.socketSpellings).flatMap { route(.GET, $0, refusePlainRequest) }
            + Self.noticePaths.flatMap(Self.socketSpellings).flatMap { route(.GET, $0, refusePlainNotices) }
        return plain + accountRoutes + listRoutes
    }

    private var accountRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        open(.POST, "/api/login", logIn)
            + route(.POST, "/api/registe", registration)
            + authenticated(.POST, "/api/logout", logOut)
            + authenticated(.GET, "/api/user/get_info", ownProfile)
            + authenticated(.GET, "/api/friend/search_user", within: limits.lookUps, searchUsers)
    }

    private var listRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/api/friend/get_friend_list", friendList)
            + authenticated(.GET, "/api/user/friend_apply_list", friendRequests)
            + authenticated(.GET, "/api/user/group_apply_list", joinRequests)
            + authenticated(.POST, "/api/group/create", within: limits.groupChanges, createGroup)
            + authenticated(.GET, "/api/group/search", within: limits.lookUps, searchGroups)
            + authenticated(.GET, "/api/group/get_group_list", groupList)
            + authenticated(.GET, "/api/group/get_group_user_list", groupMembers)
    }

    /// Registers an account and logs it in; also under the path that every dialect's registration has.
    var registration: HTTPEndpoint { openEndpoint(register) }

    let prefixes = ["/ws/", "/api/group/"]

    // MARK: - Who asks

    /// The token of the header; ``liveSession(of:_:)`` knows of cookies too.
    func token(of request: HTTPRequest) -> String? { AccessToken.header(of: request) }

    /// Cookies count for what changes something only when a page of this host sent it.
    func liveSession(
        of request: HTTPRequest, _ context: CallContext
    ) async throws(SocketHTTPError) -> Session {
        let mayUseCookies = request.method == .GET || request.isFromPage(of: allowedOrigins)
        return try await liveSession(
            cookiesOf: mayUseCookies ? request : nil, tokens: [token(of: request)], context)
    }

    /// Whose connection a handshake opens.
    private func caller(of handshake: HTTPRequest, _ context: CallContext) async throws(SocketHTTPError) -> Session {
        try await liveSession(
            cookiesOf: handshake.isFromPage(of: allowedOrigins) ? handshake : nil,
            tokens: [token(of: handshake), handshake.query["token"]], context)
    }

    /// The first live session among those that cookies and tokens prove. The cookies name the account too, which must
    /// be the token's.
    private func liveSession(
        cookiesOf request: HTTPRequest?, tokens: [String?], _ context: CallContext
    ) async throws(SocketHTTPError) -> Session {
        if let token = request?.cookie("token"), let account = request?.cookie("uid"),
            let session = try await liveSession(provenBy: token, context), "\(session.account)" == account
        {
            return session
        }
        for case let token? in tokens {
            if let session = try await liveSession(provenBy: token, context) { return session }
        }
        throw .invalidToken
    }

    private func liveSession(
        provenBy token: String, _ context: CallContext
    ) async throws(SocketHTTPError) -> Session? {
        switch await core.gate.judge(token, context) {
        case .live(let session): return session
        case .over, .invalid: return nil
        case .unavailable: throw .unavailable
        }
    }

    // MARK: - Connections

    /// Takes over a connection of somebody with a live session. The handshake succeeds for everybody: clients act on
    /// the code of a close, and try a refused handshake again.
    ///
    /// - Parameter prepare: makes what begins on the connection, or refuses it.
    private func accept(
        _ handshake: HTTPRequest,
        _ prepare: (Session, CallContext) async throws(SocketHTTPError) -> @Sendable (WebSocketConnection) -> Void
    ) async -> WebSocketUpgrade {
        let context = CallContext(trace: handshake.id, deadline: .after(core.timeout))
        do throws(SocketHTTPError) {
            let session = try await caller(of: handshake, context)
            return .accept(try await prepare(session, context))
        } catch {
            let end = error == .invalidToken ? Self.unauthorized : .tryAgainLater
            return .accept { $0.close(end) }
        }
    }

    /// Ends a connection to a path that is nobody's.
    @Sendable func refuseStray(_ handshake: HTTPRequest) async -> WebSocketUpgrade {
        .accept { $0.close(Self.unauthorized) }
    }

    private func requests(_ operation: SocketOperation, within limiter: RateLimiter?) -> SocketEndpoint {
        { handshake in
            await accept(handshake) { session, _ in
                { socket in
                    core.hub.admit(socket, session, sessionOver: Self.unauthorized)
                    SocketRequests.begin(on: socket) {
                        core.gate.isLive(session)
                    } work: { request, respond in
                        work(on: request, operation, within: limiter, session, handshake, respond)
                    }
                }
            }
        }
    }

    private func work(
        on request: ByteBuffer, _ operation: SocketOperation, within limiter: RateLimiter?, _ session: Session,
        _ handshake: HTTPRequest, _ respond: @escaping SocketRequests.Respond
    ) {
        let settle: SocketOperation.Respond = { result in respond(frame(result, of: handshake)) }
        let context = CallContext(trace: handshake.id, deadline: .after(core.timeout))
        do throws(SocketRefusal) {
            // Every request counts, whatever it is worth.
            try admitRequest(of: session, by: limiter)
            let call = try SocketCall(request, session, context)
            switch operation {
            case .direct(let work): work(call, settle)
            case .task(let work): core.onLoop { settle(await Self.result(of: work, call)) }
            }
        } catch {
            settle(.failure(error))
        }
    }

    private static func result(
        of work: (SocketCall) async throws(SocketRefusal) -> SocketAnswer, _ call: SocketCall
    ) async -> Result<SocketAnswer, SocketRefusal> {
        do throws(SocketRefusal) {
            return .success(try await work(call))
        } catch {
            return .failure(error)
        }
    }

    private func frame(_ result: Result<SocketAnswer, SocketRefusal>, of handshake: HTTPRequest) -> WebSocketFrameBytes
    {
        switch result {
        case .success(let answer): return answer.frame
        case .failure(let refusal):
            if refusal.isDefect {
                core.logger.error(
                    "a request failed", metadata: ["request": "\(handshake.id)", "path": "\(handshake.path)"])
            }
            return refusal.answer.frame
        }
    }

    /// A notice connection: what was missed, or what `since` says, and then what comes. It has nothing to ask.
    @Sendable private func upgradeToNotices(_ handshake: HTTPRequest) async -> WebSocketUpgrade {
        do throws(SocketHTTPError) {
            let missed = try missed(of: handshake)
            return await accept(handshake) { (session, context) throws(SocketHTTPError) in
                // Each one costs social-svc a write.
                try admit(session, by: core.limits.noticeConnections)
                let claim = await core.hub.claimNotices(of: session.account, context)
                return { core.hub.open($0, session, SocketPush(), missed: missed, claim: claim) }
            }
        } catch {
            // The plain answer says why.
            return .respond
        }
    }

    private func missed(of handshake: HTTPRequest) throws(SocketHTTPError) -> MessageAPI.Missed {
        if handshake.query["since"] == "live" { return .none }
        let call = Call(request: handshake, body: JSONObject(), context: CallContext(trace: handshake.id))
        return try call.optionalQueryID("since").map { .after(MessageID($0)) } ?? .unnoticed
    }

    @Sendable private func refusePlainNotices(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(SocketHTTPError) {
            _ = try missed(of: request)
            return answer(to: .upgradeRequired)
        } catch {
            return error.response
        }
    }

    @Sendable private func refusePlainRequest(_ request: HTTPRequest) async -> HTTPResponse {
        answer(to: .upgradeRequired)
    }
}

// MARK: - What operations ask

extension SocketSurface {
    /// - Parameter wording: codes in which an operation differs from the common ones.
    func ask<Request: BusRequest>(
        _ client: BusClient, _ request: Request, _ context: CallContext,
        wording: [ServiceError.Code: SocketRefusal] = [:]
    ) async throws(SocketRefusal) -> Request.Reply {
        do throws(ServiceError) {
            return try await client.call(request, context)
        } catch {
            throw wording[error.code] ?? SocketRefusal(error)
        }
    }

    /// Refuses what an account does too often.
    private func admitRequest(of session: Session, by limiter: RateLimiter?) throws(SocketRefusal) {
        do throws(ServiceError) {
            try limiter?.admit(session.account)
        } catch {
            throw SocketRefusal(error)
        }
    }

    /// The profile of somebody who can be dealt with; `nil` for one who does not exist or has cancelled his account.
    func livingProfile(of account: AccountID, _ call: SocketCall) async throws(SocketRefusal) -> Profile? {
        do throws(ServiceError) {
            let profile = try await core.profiles.values(of: [account], call.context)[account]
            return profile?.isCancelled == false ? profile : nil
        } catch {
            throw SocketRefusal(error)
        }
    }
}
