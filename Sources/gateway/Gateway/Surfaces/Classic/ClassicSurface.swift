import Logging
import NIOCore
import NIOHTTP1
import Shared

/// The first published API: JSON over HTTP under `/user`, `/friend`, `/message`, `/conversation`, pushes on `/ws`.
///
/// Every path also answers under `/api`. Checks run in this order: method, token, JSON and fields, then the endpoint's.
struct ClassicSurface: Surface {
    typealias OpenHandler = @Sendable (ClassicCall) async throws(ClassicError) -> ClassicAnswer
    typealias SignedHandler =
        @Sendable (ClassicCall, Session, _ isOver: Bool) async throws(ClassicError) -> ClassicAnswer
    typealias Handler = @Sendable (ClassicCall, Session) async throws(ClassicError) -> ClassicAnswer

    let backend: Backend
    let profiles: ProfileCache
    let groupNames: GroupNameCache
    let pictures: PictureCache
    let gate: TokenGate
    let hub: PushHub
    let timeout: Duration
    let logger: Logger
    /// User searches of one account: 60 a minute. `nil` when rates are not limited.
    let lookUpRate: RateLimiter?
    /// Names looked up to apply for a friendship, by one account: 60 a minute.
    let applicationRate: RateLimiter?
    /// Passwords tried by one session's account: 10 at once, one a minute.
    let passwordRate: RateLimiter?
    /// Invitations and announcements of one account: 60 a minute.
    let groupRate: RateLimiter?
    /// Messages of one account: 50 a second, 200 at once.
    let messageRate: RateLimiter?
    /// One hand-over of applications per account at a time.
    let applicationTurns = Turns<AccountID>()

    init(
        backend: Backend, profiles: ProfileCache, groupNames: GroupNameCache, pictures: PictureCache, gate: TokenGate,
        hub: PushHub, timeout: Duration, limitsRates: Bool, logger: Logger
    ) {
        self.backend = backend
        self.profiles = profiles
        self.groupNames = groupNames
        self.pictures = pictures
        self.gate = gate
        self.hub = hub
        self.timeout = timeout
        self.logger = logger
        lookUpRate = limitsRates ? RateLimiter(rate: 1, burst: 60) : nil
        applicationRate = limitsRates ? RateLimiter(rate: 1, burst: 60) : nil
        passwordRate = limitsRates ? RateLimiter(rate: 1.0 / 60, burst: 10) : nil
        groupRate = limitsRates ? RateLimiter(rate: 1, burst: 60) : nil
        messageRate = limitsRates ? RateLimiter(rate: 50, burst: 200) : nil
    }

    var routes: [HTTPRouter<HTTPEndpoint>.Route] {
        [userRoutes, friendRoutes, messageRoutes, conversationRoutes, groupRoutes].flatMap(\.self)
            + route(.GET, "/ws", refusePush)
    }

    private var userRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        open(.POST, "/user/login", logIn)
            + open(.PUT, "/user/register", register)
            + signed(.POST, "/user/logout", logOut)
            + authenticated(.POST, "/user/cancel", cancelAccount)
            + authenticated(.DELETE, "/user/cancel", cancelAccount)
            + authenticated(.GET, "/user/pull_user_info", findUsers)
            + authenticated(.POST, "/user/modify_user_info", modifyAccount)
    }

    private var friendRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.POST, "/friend/apply_friend", applyForFriendship)
            + authenticated(.GET, "/friend/pull_friend_chain", pullFriendChain)
            + authenticated(.POST, "/friend/handel_apply", decideApplication)
            + authenticated(.POST, "/friend/handle_apply", decideApplication)
            + authenticated(.POST, "/friend/handle_friend_apply", decideApplication)
            + authenticated(.GET, "/friend/pull_friend_list", pullFriendList)
            + authenticated(.POST, "/friend/grouping_friend", groupFriends)
            + authenticated(.DELETE, "/friend/delete_friend", deleteFriend)
            + authenticated(.DELETE, "/friend/delete_group", deleteFriendGroup)
    }

    private var messageRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.PUT, "/message/send_message", sendMessage)
            + authenticated(.GET, "/message/pull_user_chain", pullUserChain)
            + authenticated(.GET, "/message/pull_reply_count", pullReplyCount)
            + authenticated(.GET, "/message/pull_reader_list", pullReaderList)
            + authenticated(.POST, "/message/mark_read_index", markReadIndex)
            + authenticated(.DELETE, "/message/delete_message", deleteMessage)
    }

    private var conversationRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.PUT, "/conversation/create_conversation", createConversation)
            + authenticated(.GET, "/conversation/pull_conversation_list", pullConversationList)
            + authenticated(.GET, "/conversation/pull_conversation_chain", pullConversationChain)
            + authenticated(.GET, "/conversation/pull_conversation_chain_history", pullConversationHistory)
    }

    private var groupRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/conversation/pull_announcement", pullAnnouncements)
            + authenticated(.PUT, "/conversation/put_announcement", putAnnouncement)
            + authenticated(.GET, "/conversation/pull_conversation_member_list", pullMemberList)
            + authenticated(.POST, "/conversation/appoint_admin", appointAdmins)
            + authenticated(.POST, "/conversation/transfer_ownership", transferOwnership)
            + authenticated(.DELETE, "/conversation/quit_conversation", quitConversation)
            + authenticated(.DELETE, "/conversation/remove_member", removeMembers)
            + authenticated(.POST, "/conversation/invite_new_member", inviteMembers)
            + authenticated(.GET, "/conversation/pull_conversation_apply_chain", pullJoinRequests)
            + authenticated(.POST, "/friend/handel_conversation_apply", decideJoinRequests)
            + authenticated(.POST, "/friend/handle_conversation_apply", decideJoinRequests)
            + authenticated(.POST, "/conversation/handle_conversation_apply", decideJoinRequests)
            + authenticated(.POST, "/conversation/handel_conversation_apply", decideJoinRequests)
    }

    var sockets: [String: SocketEndpoint] {
        ["/ws": upgradeToPush, "/api/ws": upgradeToPush]
    }

    func answer(to refusal: HTTPRefusal) -> HTTPResponse {
        var response = ClassicError(refusal).response
        response.headers.add(contentsOf: refusal.requiredHeaders)
        return response
    }

    // MARK: - The order of checks

    private func open(
        _ method: HTTPMethod, _ path: String, _ handler: @escaping OpenHandler
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        route(method, path) { request in
            await answer(request) { context throws(ClassicError) in
                try await handler(try call(request, context))
            }
        }
    }

    private func authenticated(
        _ method: HTTPMethod, _ path: String, _ handler: @escaping Handler
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        route(method, path) { request in
            await answer(request) { context throws(ClassicError) in
                let session = try await liveSession(of: ClassicAuthentication.token(of: request), context)
                return try await handler(try call(request, context), session)
            }
        }
    }

    /// For a handler that judges itself what a session that is over may do.
    private func signed(
        _ method: HTTPMethod, _ path: String, _ handler: @escaping SignedHandler
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        route(method, path) { request in
            await answer(request) { context throws(ClassicError) in
                let (session, isOver) = try await session(of: ClassicAuthentication.token(of: request), context)
                return try await handler(try call(request, context), session, isOver)
            }
        }
    }

    private func route(
        _ method: HTTPMethod, _ path: String, _ endpoint: @escaping HTTPEndpoint
    ) -> [HTTPRouter<HTTPEndpoint>.Route] {
        [HTTPRouter.Route(method, path, endpoint), HTTPRouter.Route(method, "/api" + path, endpoint)]
    }

    private func answer(
        _ request: HTTPRequest,
        _ body: (CallContext) async throws(ClassicError) -> ClassicAnswer
    ) async -> HTTPResponse {
        do throws(ClassicError) {
            return try await body(CallContext(trace: request.id, deadline: .after(timeout))).response
        } catch {
            if error.status == 500 {
                logger.error(
                    "a request failed", metadata: ["request": "\(request.id)", "path": "\(request.path)"])
            }
            return error.response
        }
    }

    /// The session that a token proves, and whether it is over.
    private func session(
        of token: String?, _ context: CallContext
    ) async throws(ClassicError) -> (session: Session, isOver: Bool) {
        guard let token else { throw .invalidToken }
        switch await gate.judge(token, context) {
        case .live(let session): return (session, false)
        case .over(let session): return (session, true)
        case .unavailable: throw .unavailable
        case .invalid: throw .invalidToken
        }
    }

    /// The session that a token proves, which must be live.
    func liveSession(of token: String?, _ context: CallContext) async throws(ClassicError) -> Session {
        let (session, isOver) = try await session(of: token, context)
        guard !isOver else { throw .invalidToken }
        return session
    }

    /// The body as JSON; GET has none that counts. An empty one is an empty object, whose missing fields get named.
    private func call(_ request: HTTPRequest, _ context: CallContext) throws(ClassicError) -> ClassicCall {
        guard request.method != .GET, request.method != .HEAD, request.body.readableBytes > 0 else {
            return ClassicCall(request: request, body: JSONObject(), context: context)
        }
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: request.body)
        } catch {
            throw .invalidJSON
        }
        guard let body = value.object else { throw .invalidJSON }
        return ClassicCall(request: request, body: body, context: context)
    }
}

extension BusClient {
    /// A call whose refusals come back in the words of `classic`.
    ///
    /// - Parameter wording: texts in which an endpoint differs from the common ones.
    func ask<Request: BusRequest>(
        _ request: Request, _ context: CallContext, wording: [ServiceError.Code: ClassicError] = [:]
    ) async throws(ClassicError) -> Request.Reply {
        do throws(ServiceError) {
            return try await call(request, context)
        } catch {
            throw wording[error.code] ?? ClassicError(error)
        }
    }
}
