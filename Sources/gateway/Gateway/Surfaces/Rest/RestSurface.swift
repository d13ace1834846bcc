import NIOHTTP1
import Shared

/// The third published API: JSON over HTTP under `/auth`, `/login` and `/register`, pushes on `/auth/ws`.
///
/// Every path also answers under `/api`.
struct RestSurface: PushSurface {
    typealias Failure = RestError

    let core: GatewayCore
    let push: any PushDialect = RestPush()

    static func spellings(of path: String) -> [String] { [path, "/api" + path] }

    func token(of request: HTTPRequest) throws(RestError) -> String? {
        try Self.noRefreshToken(AccessToken.header(of: request))
    }

    func pushToken(of request: HTTPRequest) throws(RestError) -> String? {
        try Self.noRefreshToken(AccessToken.headerOrQuery(of: request))
    }

    /// Passes on what may be an access token.
    private static func noRefreshToken(_ token: String?) throws(RestError) -> String? {
        guard token?.hasPrefix(AuthAPI.refreshTokenPrefix) != true else { throw .refreshTokenMisused }
        return token
    }

    static func response(to answer: SurfaceAnswer) -> HTTPResponse {
        var json = JSONWriter()
        json.object {
            $0.field("code", 200)
            $0.field("message", "成功")
            answer.fields(&$0)
        }
        return HTTPResponse(status: .ok, headers: answer.headers, json: json, onDelivery: answer.onDelivery)
    }

    /// Registers an account; routed where the registrations of every dialect are.
    var registration: HTTPEndpoint { openEndpoint(register) }

    var routes: [HTTPRouter<HTTPEndpoint>.Route] {
        let groups = [
            accountRoutes, profileRoutes, friendRoutes, requestRoutes, peopleRoutes, conversationRoutes, messageRoutes,
        ]
        return groups.flatMap(\.self)
            + route(.GET, "/auth/ws", refusePush)
    }

    private var accountRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        open(.POST, "/auth/login", logIn)
            + open(.POST, "/login/uid", logInByUID)
            + open(.POST, "/login/phone_number", logInByPhoneNumber)
            + open(.POST, "/auth/refresh_token", refresh)
            + authenticated(.POST, "/auth/logout", logOut)
            + authenticated(.GET, "/auth/sessions", listSessions)
            + authenticated(.DELETE, "/auth/sessions/{id}", endSession)
    }

    private var profileRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/auth/me", showMe)
            + authenticated(.PATCH, "/auth/me/uid", within: limits.lookUps, changeUID)
            + authenticated(.POST, "/auth/me/uid", within: limits.lookUps, changeUID)
            + authenticated(.PATCH, "/auth/me/name", within: limits.ownChanges, changeName)
            + authenticated(.POST, "/auth/me/name", within: limits.ownChanges, changeName)
            + authenticated(.PATCH, "/auth/me/password", within: limits.passwords, changePassword)
            + authenticated(.POST, "/auth/me/password", within: limits.passwords, changePassword)
    }

    private var friendRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/auth/friendships", listFriends)
            + authenticated(.DELETE, "/auth/friendships/{friend_id}", deleteFriend)
            + authenticated(.POST, "/auth/friendships/remark/{friend_id}", remarkFriend)
    }

    private var requestRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/auth/friendship_requests", listFriendRequests)
            + authenticated(.POST, "/auth/friendship_requests", within: limits.applications, applyForFriendship)
            + authenticated(.POST, "/auth/friendship_requests/{request_id}", decideFriendRequest)
            + authenticated(.DELETE, "/auth/friendship_requests/{request_id}", dismissFriendRequest)
    }

    private var peopleRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/auth/info/strangers/id/{id}", within: limits.lookUps, showStrangerByID)
            + authenticated(.GET, "/auth/info/strangers/uid/{uid}", within: limits.lookUps, showStrangerByUID)
            + authenticated(.GET, "/auth/info/friends/id/{id}", showFriendByID)
            + authenticated(.GET, "/auth/info/friends/uid/{uid}", within: limits.lookUps, showFriendByUID)
            + authenticated(.GET, "/auth/blocks", listBlocks)
            + authenticated(.PUT, "/auth/blocks/{user_id}", within: limits.lookUps, block)
            + authenticated(.DELETE, "/auth/blocks/{user_id}", within: limits.ownChanges, unblock)
    }

    private var conversationRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/auth/conversations", listConversations)
            + authenticated(.POST, "/auth/conversations/private", findPrivateConversation)
            + authenticated(.GET, "/auth/conversations/{conversation_id}", openConversation)
            + authenticated(.POST, "/auth/conversations/{conversation_id}/read", markRead)
    }

    private var messageRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.POST, "/auth/messages", within: limits.messages, sendMessage)
            + authenticated(.POST, "/auth/messages/text", within: limits.messages, sendMessage)
            + authenticated(.POST, "/auth/messages/texts", within: limits.messages, sendMessage)
            + authenticated(.DELETE, "/auth/message/recall", recallMessage)
            + authenticated(.DELETE, "/auth/messages/recall", recallMessage)
            + authenticated(.DELETE, "/auth/message/delete", hideMessage)
            + authenticated(.DELETE, "/auth/messages/delete", hideMessage)
    }

    let prefixes = ["/auth", "/api/auth", "/login", "/api/login", "/register", "/api/register"]

    var sockets: [String: SocketEndpoint] {
        ["/auth/ws": upgradeToPush, "/api/auth/ws": upgradeToPush]
    }
}

extension SurfaceAnswer {
    /// Success in `rest` with nothing to say: `data` is there and null.
    static let noData = SurfaceAnswer { $0.null("data") }

    /// Success in `rest`; `value` writes the one value that `data` has.
    static func data(_ value: @escaping @Sendable (inout JSONWriter) -> Void) -> SurfaceAnswer {
        SurfaceAnswer { json in
            json.key("data")
            value(&json)
        }
    }
}
