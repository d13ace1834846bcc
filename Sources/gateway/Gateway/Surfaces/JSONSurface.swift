import Logging
import NIOCore
import NIOHTTP1
import Shared

/// A surface whose endpoints speak JSON. Checks run in this order: method, token, JSON and fields, then the endpoint's.
protocol JSONSurface: Surface {
    associatedtype Failure: SurfaceFailure

    var core: GatewayCore { get }

    /// All the paths under which an endpoint answers.
    static func spellings(of path: String) -> [String]
    /// The access token of a request; `nil` for none.
    func token(of request: HTTPRequest) throws(Failure) -> String?
    /// The live session a request proves.
    func liveSession(of request: HTTPRequest, _ context: CallContext) async throws(Failure) -> Session
    /// A success in this dialect's envelope.
    static func response(to answer: SurfaceAnswer) -> HTTPResponse
}

extension JSONSurface {
    typealias Call = SurfaceCall<Failure>
    typealias OpenHandler = @Sendable (Call) async throws(Failure) -> SurfaceAnswer
    typealias Handler = @Sendable (Call, Session) async throws(Failure) -> SurfaceAnswer
    typealias SignedHandler = @Sendable (Call, Session, _ isOver: Bool) async throws(Failure) -> SurfaceAnswer

    var limits: SurfaceLimits { core.limits }
    var authService: SurfaceClient<Failure> { SurfaceClient(client: core.backend.auth) }
    var socialService: SurfaceClient<Failure> { SurfaceClient(client: core.backend.social) }
    var messageService: SurfaceClient<Failure> { SurfaceClient(client: core.backend.message) }

    func answer(to refusal: HTTPRefusal) -> HTTPResponse {
        var response = Failure(refusal).response
        response.headers.addMissing(refusal.requiredHeaders)
        return response
    }

    // MARK: - Endpoints

    /// An endpoint for everyone.
    func open(
        _ method: HTTPMethod, _ path: String, _ handler: @escaping OpenHandler
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        route(method, path, openEndpoint(handler))
    }

    /// What answers everyone, wherever it is routed.
    func openEndpoint(_ handler: @escaping OpenHandler) -> HTTPEndpoint {
        { request in
            await respond(to: request) { context throws(Failure) in
                try await handler(try await call(request, context))
            }
        }
    }

    /// An endpoint for those with a live session.
    ///
    /// - Parameter limiter: how often an account may ask; every request counts, whatever it is worth.
    func authenticated(
        _ method: HTTPMethod, _ path: String, within limiter: RateLimiter? = nil, _ handler: @escaping Handler
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        route(method, path) { request in
            await respond(to: request) { context throws(Failure) in
                let session = try await liveSession(of: request, context)
                try admit(session, by: limiter)
                return try await handler(try await call(request, context), session)
            }
        }
    }

    /// An endpoint that judges itself what a session that is over may do.
    func signed(
        _ method: HTTPMethod, _ path: String, _ handler: @escaping SignedHandler
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        route(method, path) { request in
            await respond(to: request) { context throws(Failure) in
                let (session, isOver) = try await session(of: try token(of: request), context)
                return try await handler(try await call(request, context), session, isOver)
            }
        }
    }

    func route(
        _ method: HTTPMethod, _ path: String, _ endpoint: @escaping HTTPEndpoint
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        Self.spellings(of: path).map { HTTPRouter.Route(method, $0, endpoint) }
    }

    private func respond(
        to request: HTTPRequest, _ body: (CallContext) async throws(Failure) -> SurfaceAnswer
    ) async -> HTTPResponse {
        do throws(Failure) {
            return Self.response(to: try await body(CallContext(trace: request.id, deadline: .after(core.timeout))))
        } catch {
            if error.isDefect {
                core.logger.error(
                    "a request failed", metadata: ["request": "\(request.id)", "path": "\(request.path)"])
            }
            return error.response
        }
    }

    // MARK: - Sessions

    /// The session that a token proves, and whether it is over.
    func session(
        of token: String?, _ context: CallContext
    ) async throws(Failure) -> (session: Session, isOver: Bool) {
        guard let token else { throw .invalidToken }
        switch await core.gate.judge(token, context) {
        case .live(let session): return (session, false)
        case .over(let session): return (session, true)
        case .unavailable: throw Failure(ServiceError(.unavailable))
        case .invalid: throw .invalidToken
        }
    }

    func liveSession(of request: HTTPRequest, _ context: CallContext) async throws(Failure) -> Session {
        try await liveSession(of: try token(of: request), context)
    }

    /// The session that a token proves, which must be live.
    func liveSession(of token: String?, _ context: CallContext) async throws(Failure) -> Session {
        let (session, isOver) = try await session(of: token, context)
        guard !isOver else { throw .invalidToken }
        return session
    }

    /// Ends a session at auth-svc, and here at once: the event says so to every gateway, but this one must not serve its
    /// tokens even until it comes.
    ///
    /// - Parameter wording: as of ``SurfaceClient/ask(_:_:wording:)``.
    func end(
        _ id: SessionID, of session: Session, _ context: CallContext, wording: [ServiceError.Code: Failure] = [:]
    ) async throws(Failure) {
        _ = try await authService.ask(AuthAPI.LogOut(account: session.account, session: id), context, wording: wording)
        core.gate.revoke(id, expiresAt: session.expiresAt)
        await core.hub.close(id, of: session.account)
    }

    /// What becomes of a log-in whose answer has not arrived: nobody has its token, and so it is ended.
    func endIfLost(
        _ session: SessionID, of account: AccountID, _ context: CallContext
    ) -> @Sendable (HTTPDelivery) -> Void {
        { [core] delivery in
            // A client that has it and breaks off may have read it: it would be told to log in, and then again.
            guard delivery == .lost else { return }
            let context = CallContext(trace: context.trace, deadline: .after(core.timeout))
            core.backend.auth.send(AuthAPI.LogOut(account: account, session: session), context) { result in
                guard case .failure(let error) = result else { return }
                core.logger.warning("an unused session stays open", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Throws "too many requests" when an account does something too often.
    func admit(_ session: Session, by limiter: RateLimiter?) throws(Failure) {
        do throws(ServiceError) {
            try limiter?.admit(session.account)
        } catch {
            throw Failure(error)
        }
    }

    // MARK: - Bodies

    /// The body as JSON; GET has none that counts. An empty one is an empty object, whose missing fields get named.
    func call(_ request: HTTPRequest, _ context: CallContext) async throws(Failure) -> Call {
        guard request.method != .GET, request.method != .HEAD, request.body.readableBytes > 0 else {
            return Call(request: request, body: JSONObject(), context: context)
        }
        guard let body = await JSONBody.parse(request.body) else { throw .invalidJSON }
        return Call(request: request, body: body, context: context)
    }

    // MARK: - What answers show

    /// The profiles of accounts that appear in an answer.
    func profiles(
        of accounts: some Sequence<AccountID>, _ context: CallContext
    ) async throws(Failure) -> [AccountID: Profile] {
        do throws(ServiceError) {
            return try await core.profiles.values(of: accounts, context)
        } catch {
            throw Failure(error)
        }
    }

    /// The groups that appear in an answer; conversations that are none are left out.
    func groups(
        of conversations: some Sequence<ConversationID>, _ context: CallContext
    ) async throws(Failure) -> [ConversationID: SocialAPI.GroupInfo] {
        do throws(ServiceError) {
            return try await core.groups.values(of: conversations, context)
        } catch {
            throw Failure(error)
        }
    }
}
