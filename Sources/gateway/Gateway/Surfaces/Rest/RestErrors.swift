import NIOHTTP1
import Shared

/// A refusal in the manner of the `rest` document: an HTTP status, which is the code too, and a text.
struct RestError: SurfaceFailure, Hashable {
    let status: Int
    let message: String
    /// Seconds to wait before the next try, for 429 and 503.
    var retryAfter: String?

    init(_ status: Int, _ message: String, retryAfter: String? = nil) {
        self.status = status
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Clients log out on any 401, so this is the only one.
    static let invalidToken = RestError(401, "token格式错误或失效")
    static let refreshTokenMisused = RestError(403, "refresh_token只能用于刷新token")
    static let invalidJSON = RestError(400, "请求体不是JSON对象")
    static let unavailable = RestError(503, "服务暂不可用", retryAfter: "1")
    static let internalError = RestError(500, "服务器内部错误")

    static func badField(_ name: String) -> RestError { RestError(400, "请求参数错误：\(name)") }

    static let wrongCredentials = RestError(400, "账号或密码错误")
    static let noSuchSession = RestError(400, "会话不存在或已失效")
    static let personUnknown = RestError(400, "找不到此人")
    static let friendUnknown = RestError(400, "找不到好友")
    static let noFriendship = RestError(400, "好友不存在")
    static let blocksHimself = RestError(400, "不能拉黑自己")
    static let messageUnknown = RestError(400, "消息不存在")
    static let notOwnMessage = RestError(400, "只能撤回自己的消息")
    static let alreadyRecalled = RestError(409, "消息已撤回")

    /// What a service's refusal is in this dialect; endpoints pass what they word differently.
    init(_ error: ServiceError) {
        switch error.code {
        case .unavailable: self = .unavailable
        case .outcomeUnknown: self.init(504, "请求超时，结果未知")
        case .internal, .badRequest: self = .internalError
        case .rateLimited: self.init(429, "请求过于频繁", retryAfter: error.detail)
        case .wrongCredentials: self = .wrongCredentials
        case .alreadyLoggedIn: self.init(409, "账号已登录")
        case .sessionOver: self = .invalidToken
        case .accountNotFound, .accountCancelled: self = .personUnknown
        case .userNameTaken: self.init(400, "用户名已存在")
        case .wrongLength, .forbiddenCharacters: self.init(400, Self.rule(of: error.detail))
        case .passwordTooShort: self.init(400, "密码应为\(error.detail)到72个字符")
        case .malformedName: self = .badField(error.detail)
        case .pictureTooLarge: self.init(400, "图片不能超过\(error.detail)字节")
        case .wrongPassword: self.init(400, "密码错误")
        case .uidTaken: self.init(400, "微信号重复")
        case .phoneNumberTaken: self.init(400, "手机号已存在")
        case .refreshTokenReused: self.init(409, "请求有冲突")
        case .cannotBefriendSelf: self.init(400, "不能添加自己为好友")
        case .alreadyFriends: self.init(409, "已经是好友")
        case .noSuchApplication: self.init(400, "好友申请不存在")
        case .messageTooLong: self.init(400, "内容不能超过\(error.detail)个字符")
        case .limitReached: self.init(400, "数量不能超过\(error.detail)")
        case .notFriends: self.init(400, "不是好友")
        case .noSuchFriendGroup: self.init(400, "好友分组不存在")
        case .friendGroupNotEmpty: self.init(400, "好友分组不为空")
        case .tooFewMembers: self.init(400, "群成员不足")
        case .notGroupMember, .noSuchGroup, .notParticipant: self.init(400, "不在此会话中")
        case .notAllowed: self.init(403, "没有权限")
        case .targetNotMember: self.init(400, "对方不是群成员")
        case .alreadyMember: self.init(409, "对方已是群成员")
        case .ownerCannotLeave: self.init(400, "群主不能退出群聊")
        case .alreadyApplied: self.init(409, "申请已发送，等待对方处理")
        case .alreadyDecided: self.init(409, "申请已处理")
        case .groupHandleTaken: self.init(400, "群名已存在")
        case .invalidReply: self.init(400, "被回复的消息不存在")
        case .invalidText: self.init(400, "消息长度应为1到\(error.detail)个字符")
        case .conflictingClientID: self.init(409, "client_message_id已用于其他消息")
        case .invalidMessage: self = .messageUnknown
        case .tooLate: self.init(400, "超过撤回时限")
        case .alreadyRecalled: self = .alreadyRecalled
        }
    }

    /// What a text of an account must be like.
    private static func rule(of field: String) -> String {
        switch field {
        case "nickname": "昵称应为1到64个字符"
        case "password": "密码不能超过72个字符"
        case "phoneNumber": "手机号应为11位数字"
        case "uid": "微信号应为1到20个字母、数字、下划线或减号"
        default: badField(field).message
        }
    }

    /// What the server itself refuses.
    init(_ refusal: HTTPRefusal) {
        switch refusal {
        case .notFound: self.init(404, "接口不存在")
        case .methodNotAllowed: self.init(405, "请求方法错误")
        case .bodyTooLarge: self.init(413, "请求体过大")
        case .tooManyConnections, .overloaded, .draining: self = .unavailable
        case .malformedRequest: self.init(400, "请求格式错误")
        case .unknownTransferCoding: self.init(501, "不支持的传输编码")
        case .headTooLarge: self.init(431, "请求头过大")
        case .requestTimeout: self.init(408, "请求接收超时")
        case .upgradeRequired: self.init(426, "此接口需要WebSocket连接")
        }
    }

    func write(to json: inout JSONWriter) {
        json.field("code", status)
        json.field("message", message)
    }
}
