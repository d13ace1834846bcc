import NIOHTTP1
import Shared

/// A refusal as the `classic` document words it: HTTP status, code and text.
struct ClassicError: SurfaceFailure, Hashable {
    let status: Int
    let code: Int
    let info: String
    /// Seconds to wait before the next try, for 429 and 503.
    var retryAfter: String?

    init(_ status: Int, _ code: Int, _ info: String, retryAfter: String? = nil) {
        self.status = status
        self.code = code
        self.info = info
        self.retryAfter = retryAfter
    }

    static let badMethod = ClassicError(405, -3, "Bad method")
    static let invalidToken = ClassicError(401, 6, "invalid or expired JWT")
    static let invalidJSON = ClassicError(400, -2, "Invalid JSON body")
    static let unavailable = ClassicError(503, -6, "Service unavailable", retryAfter: "1")
    static let internalError = ClassicError(500, -7, "Internal error")

    static func badField(_ name: String) -> ClassicError {
        ClassicError(400, -2, "Missing or error type of [\(name)]")
    }

    static let wrongCredentials = ClassicError(401, 2, "password or userName wrong")
    static let alreadyLoggedIn = ClassicError(400, 5, "can't login twice")
    static let notLoggedIn = ClassicError(400, 5, "please login first")
    static let passwordsDiffer = ClassicError(400, 2, "password and ensurePassword are different")
    static let pictureNotBase64 = ClassicError(400, 4, "Only base64 is allowed in picture")
    static let userUnknown = ClassicError(401, 2, "user doesn't exist")
    static let addsHimself = ClassicError(400, 2, "You cannot add yourself to friend list")
    static let badAgreement = ClassicError(
        400, 3, #"Invalid value for parameter [agree], expect "True" or "False"."#)
    static let applicationInvalid = ClassicError(404, 7, "Application information invalid")
    static let invalidReply = ClassicError(400, 2, "Invalid reply_id")
    static let conflictingClientID = ClassicError(409, 2, "Conflicting clientMessageId")
    static let notInConversation = ClassicError(401, 6, "You're not in this conversation")
    /// `send_message` alone ends its sentence with a full stop.
    static let notInConversationToSend = ClassicError(400, 2, "You're not in this conversation.")

    static let wrongPasswordToModify = ClassicError(401, 6, "Password Wrong")
    static let notFriendsToGroup = ClassicError(401, 2, "Invalid user id in friendIds")
    static let notFriendsToDelete = ClassicError(400, 2, "Invalid friend user id")
    static let invalidMessageToDelete = ClassicError(400, 2, "Invalid message id")
    /// `quit_conversation`, `remove_member` and `invite_new_member` word it in full.
    static let notGroupMember = ClassicError(400, 2, "You are not in this conversation")
    static let notOwner = ClassicError(400, 2, "You are not the group owner of the conversation")
    static let noRight = ClassicError(400, 2, "You have no right")
    static let noRightToAnnounce = ClassicError(400, 2, "You have no right to put announcement")
    static let emptyAnnouncement = ClassicError(400, 3, "announcement should not be empty")
    static let noRightToSeeRequests = ClassicError(
        401, 6, "You're not the admin or group owner of this conversation")
    static let endsBeforeItStarts = ClassicError(400, 2, "end time shouldn't be earlier than start time")

    static func alreadyFriends(_ name: String) -> ClassicError {
        ClassicError(400, 2, "You've already added \(name) to your friend list")
    }

    /// What a service's refusal is in this dialect; endpoints pass what they word differently.
    init(_ error: ServiceError) {
        switch error.code {
        case .unavailable: self = .unavailable
        case .outcomeUnknown: self.init(504, -8, "Outcome unknown")
        case .internal, .badRequest: self = .internalError
        case .rateLimited: self.init(429, -5, "Too many requests", retryAfter: error.detail)
        case .wrongCredentials, .refreshTokenReused: self = .wrongCredentials
        case .alreadyLoggedIn: self = .alreadyLoggedIn
        case .sessionOver: self = .notLoggedIn
        case .accountNotFound: self = .userUnknown
        case .userNameTaken: self.init(400, 2, "userName \(error.detail) already exists")
        case .uidTaken: self.init(400, 2, "uid already exists")
        case .phoneNumberTaken: self.init(400, 2, "phoneNumber already exists")
        case .wrongLength where error.detail == "phoneNumber":
            self.init(400, 3, "length of phone number should be 11")
        case .passwordTooShort: self.init(400, 3, "password should be no shorter than \(error.detail)")
        case .wrongLength: self.init(400, 3, "\(error.detail) should be no longer than 255")
        case .forbiddenCharacters: self.init(400, 4, Self.alphabetRule(of: error.detail))
        case .pictureTooLarge: self.init(400, 3, "picture should be no larger than \(error.detail) bytes")
        case .cannotBefriendSelf: self = .addsHimself
        case .alreadyFriends: self = .alreadyFriends(error.detail)
        case .noSuchApplication: self = .applicationInvalid
        case .messageTooLong: self.init(400, 3, "message should be no longer than \(error.detail)")
        case .limitReached: self.init(400, 3, "no more than \(error.detail) are allowed")
        case .wrongPassword: self.init(401, 2, "password wrong")
        case .notFriends: self.init(401, 6, "You invite someone who's not your friend")
        case .accountCancelled: self.init(401, 6, "You invite someone who's canceled")
        case .noSuchFriendGroup: self.init(400, 2, "Invalid groupName")
        case .friendGroupNotEmpty: self.init(400, 4, "There're friends in \(error.detail)")
        case .tooFewMembers: self.init(400, 4, "You cannot create a group chat less than 3 people")
        case .notGroupMember, .notParticipant: self = .notInConversation
        case .notAllowed: self = .noRight
        case .targetNotMember: self.init(401, 6, "You appoint someone who's not in this conversation")
        case .alreadyMember: self.init(401, 6, "You invite someone who's already in this conversation")
        case .alreadyApplied: self.init(400, 2, "You've already applied")
        case .alreadyDecided: self.init(400, 2, "Application already handled")
        case .groupHandleTaken: self.init(400, 2, "group name already exists")
        case .noSuchGroup: self = .notInConversation
        case .malformedName: self = .badField(error.detail)
        case .ownerCannotLeave: self.init(400, 2, "Group owner cannot quit conversation")
        case .invalidReply: self = .invalidReply
        case .invalidText: self.init(400, 3, "message should be between 1 and \(error.detail) characters")
        case .conflictingClientID: self = .conflictingClientID
        case .invalidMessage: self.init(400, 2, "Invalid message_id")
        case .tooLate: self.init(400, 2, "Too late to recall this message")
        case .alreadyRecalled: self.init(409, 2, "Message recalled already")
        }
    }

    private static func alphabetRule(of field: String) -> String {
        switch field {
        case "userName": "only alphabets and number are allowed in userName"
        case "password": "Only alphabets and numbers are allowed in password"
        case "phoneNumber": "Only numbers, '-' and '+' are allowed in phoneNumber"
        default: "Only alphabets, numbers, '@' and '.' are allowed in email"
        }
    }

    /// What the server itself refuses.
    init(_ refusal: HTTPRefusal) {
        switch refusal {
        case .notFound: self.init(404, -1, "Not found")
        case .methodNotAllowed: self = .badMethod
        case .bodyTooLarge: self.init(413, -4, "Payload too large")
        case .tooManyConnections, .overloaded, .draining: self = .unavailable
        case .malformedRequest: self.init(400, -2, "Malformed request")
        case .unknownTransferCoding: self.init(501, -2, "Transfer-Encoding not implemented")
        case .headTooLarge: self.init(431, -4, "Header too large")
        case .requestTimeout: self.init(408, -2, "Request timeout")
        case .upgradeRequired: self.init(426, -2, "WebSocket expected")
        }
    }

    func write(to json: inout JSONWriter) {
        json.field("code", code)
        json.field("info", info)
    }
}
