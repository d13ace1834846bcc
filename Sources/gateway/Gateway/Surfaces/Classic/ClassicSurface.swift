import NIOHTTP1
import Shared

/// The first published API: JSON over HTTP under `/user`, `/friend`, `/message`, `/conversation`, pushes on `/ws`.
///
/// Every path also answers under `/api`.
struct ClassicSurface: PushSurface {
    typealias Failure = ClassicError

    let core: GatewayCore
    let pictures: PictureCache
    /// Whether `pull_friend_chain` gives every application until it is decided, and not each once.
    let repeatsApplications: Bool
    /// One hand-over of applications per account at a time.
    let applicationTurns = Turns<AccountID>()
    let push: any PushDialect = ClassicPush()

    init(core: GatewayCore, pictures: PictureCache, repeatsApplications: Bool) {
        self.core = core
        self.pictures = pictures
        self.repeatsApplications = repeatsApplications
    }

    static func spellings(of path: String) -> [String] { [path, "/api" + path] }

    func token(of request: HTTPRequest) -> String? { AccessToken.header(of: request) }

    func pushToken(of request: HTTPRequest) -> String? { AccessToken.headerOrQuery(of: request) }

    static func response(to answer: SurfaceAnswer) -> HTTPResponse {
        var json = JSONWriter()
        json.object {
            $0.field("code", 0)
            $0.field("info", "Succeed")
            answer.fields(&$0)
        }
        return HTTPResponse(status: .ok, headers: answer.headers, json: json, onDelivery: answer.onDelivery)
    }

    var routes: [HTTPRouter<HTTPEndpoint>.Route] {
        [userRoutes, friendRoutes, messageRoutes, conversationRoutes, groupRoutes].flatMap(\.self)
            + route(.GET, "/ws", refusePush)
    }

    private var userRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        open(.POST, "/user/login", logIn)
            + open(.PUT, "/user/register", register)
            + signed(.POST, "/user/logout", logOut)
            + authenticated(.POST, "/user/cancel", within: limits.passwords, cancelAccount)
            + authenticated(.DELETE, "/user/cancel", within: limits.passwords, cancelAccount)
            + authenticated(.GET, "/user/pull_user_info", within: limits.lookUps, findUsers)
            + authenticated(.POST, "/user/modify_user_info", modifyAccount)
    }

    private var friendRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.POST, "/friend/apply_friend", within: limits.applications, applyForFriendship)
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
        authenticated(.PUT, "/message/send_message", within: limits.messages, sendMessage)
            + authenticated(.GET, "/message/pull_user_chain", pullUserChain)
            + authenticated(.GET, "/message/pull_reply_count", pullReplyCount)
            + authenticated(.GET, "/message/pull_reader_list", pullReaderList)
            + authenticated(.POST, "/message/mark_read_index", markReadIndex)
            + authenticated(.DELETE, "/message/delete_message", deleteMessage)
    }

    private var conversationRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.PUT, "/conversation/create_conversation", within: limits.groupChanges, createConversation)
            + authenticated(.GET, "/conversation/pull_conversation_list", pullConversationList)
            + authenticated(.GET, "/conversation/pull_conversation_chain", pullConversationChain)
            + authenticated(.GET, "/conversation/pull_conversation_chain_history", pullConversationHistory)
    }

    private var groupRoutes: [HTTPRouter<HTTPEndpoint>.Route] {
        authenticated(.GET, "/conversation/pull_announcement", pullAnnouncements)
            + authenticated(.PUT, "/conversation/put_announcement", within: limits.groupChanges, putAnnouncement)
            + authenticated(.GET, "/conversation/pull_conversation_member_list", pullMemberList)
            + authenticated(.POST, "/conversation/appoint_admin", appointAdmins)
            + authenticated(.POST, "/conversation/transfer_ownership", transferOwnership)
            + authenticated(.DELETE, "/conversation/quit_conversation", quitConversation)
            + authenticated(.DELETE, "/conversation/remove_member", removeMembers)
            + authenticated(.POST, "/conversation/invite_new_member", within: limits.groupChanges, inviteMembers)
            + authenticated(.GET, "/conversation/pull_conversation_apply_chain", pullJoinRequests)
            + authenticated(.POST, "/friend/handel_conversation_apply", decideJoinRequests)
            + authenticated(.POST, "/friend/handle_conversation_apply", decideJoinRequests)
            + authenticated(.POST, "/conversation/handle_conversation_apply", decideJoinRequests)
            + authenticated(.POST, "/conversation/handel_conversation_apply", decideJoinRequests)
    }

    let prefixes = ["/"]

    var sockets: [String: SocketEndpoint] {
        ["/ws": upgradeToPush, "/api/ws": upgradeToPush]
    }
}
