import NIOHTTP1
import Shared

/// A refusal of the HTTP calls: status, text, and for some a code.
struct SocketHTTPError: SurfaceFailure, Hashable {
    let status: Int
    var code: String?
    let message: String
    /// Seconds to wait before the next try, for 429 and 503.
    var retryAfter: String?

    init(_ status: Int, _ message: String, code: String? = nil, retryAfter: String? = nil) {
        self.status = status
        self.message = message
        self.code = code
        self.retryAfter = retryAfter
    }

    static let invalidToken = SocketHTTPError(401, "unauthorized")
    static let invalidJSON = SocketHTTPError(400, "invalid JSON body")
    static let unavailable = SocketHTTPError(503, "service unavailable", retryAfter: "1")
    static let internalError = SocketHTTPError(500, "internal error")
    static let notMember = SocketHTTPError(400, "not a member of this group")
    static let foreignPage = SocketHTTPError(403, "forbidden origin")

    /// A registration that is done but for the log-in: to try it again would be wrong, and to wait is not needed.
    static func registeredOnly(because failure: SocketHTTPError) -> SocketHTTPError {
        SocketHTTPError(failure.isDefect ? 500 : 504, "the account exists now, log in")
    }

    static func badField(_ name: String) -> SocketHTTPError { SocketHTTPError(400, "bad parameter: \(name)") }

    init(_ error: ServiceError) {
        switch error.code {
        case .unavailable: self = .unavailable
        case .outcomeUnknown: self.init(504, "outcome unknown")
        case .rateLimited: self.init(429, "too many requests", retryAfter: error.detail)
        case .accountNotFound: self.init(200, "no such account", code: "1000")
        case .wrongCredentials: self.init(200, "wrong password", code: "1001")
        case .userNameTaken: self.init(200, "user exists", code: "1005")
        case .sessionOver: self = .invalidToken
        case .wrongLength, .forbiddenCharacters: self = .badField(Self.name(of: error.detail))
        case .passwordTooShort: self = .badField("password")
        case .malformedName: self = .badField(error.detail == "handle" ? "groupName" : "groupNickname")
        case .messageTooLong: self.init(400, "a text is longer than \(error.detail)")
        case .limitReached: self.init(400, "no more than \(error.detail) are allowed")
        case .groupHandleTaken: self.init(200, "group name exists", code: "1007")
        case .notGroupMember: self = .notMember
        default: self = .internalError
        }
    }

    private static func name(of field: String) -> String { field == "userName" ? "username" : field }

    init(_ refusal: HTTPRefusal) {
        switch refusal {
        case .notFound: self.init(404, "not found")
        case .methodNotAllowed: self.init(405, "method not allowed")
        case .bodyTooLarge: self.init(413, "payload too large")
        case .tooManyConnections, .overloaded, .draining: self = .unavailable
        case .malformedRequest: self.init(400, "malformed request")
        case .unknownTransferCoding: self.init(501, "transfer encoding not implemented")
        case .headTooLarge: self.init(431, "header too large")
        case .requestTimeout: self.init(408, "request timeout")
        case .upgradeRequired: self.init(426, "WebSocket expected")
        }
    }

    func write(to json: inout JSONWriter) {
        if let code { json.field("code", code) }
        json.field("message", message)
    }
}

/// The codes of the document.
enum SocketCode: String, Sendable, CaseIterable {
    case done = "0000"
    case failed = "9998"
    case badParameters = "9997"
    case targetOffline = "8999"
    case notFriends = "0001"
    case friendRequestHandled = "0101"
    case unknownUser = "0102"
    case alreadyFriends = "0103"
    case addsHimself = "0104"
    case friendRequestPending = "0105"
    case unknownGroup = "0201"
    case alreadyMember = "0202"
    case joinRequestPending = "0203"
    case unknownJoinRequest = "0204"
    case joinRequestHandled = "0205"

    /// The document's text; that of success is the one of its examples.
    var text: String {
        switch self {
        case .done: "处理完成"
        case .failed: "处理失败"
        case .badParameters: "请求参数错误"
        case .targetOffline: "目标已离线"
        case .notFriends: "对方还不是你的好友"
        case .friendRequestHandled: "好友申请已处理"
        case .unknownUser: "不存在的用户信息"
        case .alreadyFriends: "已经是你的好友"
        case .addsHimself: "不能添加自己"
        case .friendRequestPending: "已经发送过好友申请"
        case .unknownGroup: "不存在的群组信息"
        case .alreadyMember: "已经加入该群"
        case .joinRequestPending: "已经发送过入群申请"
        case .unknownJoinRequest: "不存在的群组申请Id"
        case .joinRequestHandled: "该群组申请已处理"
        }
    }
}

/// What a request connection answers when it did not do what it was asked.
struct SocketRefusal: Error, Hashable {
    let code: SocketCode
    /// Why, where the code alone does not say it.
    var reason: String?
    /// Seconds to wait before the next try.
    var retryAfter: Int?

    init(_ code: SocketCode) { self.code = code }

    /// A failure that has no code of its own.
    init(because reason: String, retryAfter: Int? = nil) {
        code = .failed
        self.reason = reason
        self.retryAfter = retryAfter
    }

    static let badParameters = SocketRefusal(.badParameters)
    static let internalError = SocketRefusal(because: "internal")

    /// What a service's refusal is here; operations pass what they word differently.
    init(_ error: ServiceError) {
        switch error.code {
        case .unavailable: self.init(because: "unavailable")
        case .outcomeUnknown: self.init(because: "unknown")
        case .rateLimited: self.init(because: "limited", retryAfter: Int(error.detail))
        case .limitReached: self.init(because: "full")
        case .messageTooLong, .invalidText, .conflictingClientID: self = .badParameters
        case .accountNotFound, .accountCancelled: self.init(.unknownUser)
        default: self = .internalError
        }
    }

    /// Whether it is a defect of ours, to be found in the log.
    var isDefect: Bool { self == .internalError }

    var answer: SocketAnswer {
        guard let reason else { return SocketAnswer(code) }
        return SocketAnswer(code) { json in
            json.field("reason", reason)
            if let retryAfter { json.field("retryAfter", retryAfter) }
        }
    }
}

/// One frame of a request connection: `{"code", "desc"}`, and mostly `data`.
struct SocketAnswer {
    let frame: WebSocketFrameBytes

    /// - Parameter data: writes the members of `data`; `nil` for none.
    init(_ code: SocketCode, data: ((inout JSONWriter) -> Void)? = nil) {
        frame = WebSocketFrameBytes(reserving: 192) { json in
            json.object {
                $0.field("code", code.rawValue)
                $0.field("desc", code.text)
                if let data { $0.object("data", data) }
            }
        }
    }
}
