/// Why a request was not carried out, in words every process and every dialect shares.
///
/// Each dialect turns a code into its own status, number and text; `detail` fills the blank in such a text (a user name,
/// a field) and is never shown on its own.
package struct ServiceError: Error, Hashable, CustomStringConvertible {
    /// The closed list of refusals and failures. All processes ship together; an unknown code decodes as ``internal``.
    package enum Code: UInt8, Sendable, Hashable, CaseIterable, WireValue {
        // Failures of the machine, not of the request.

        /// Certainly not executed: the service is down, starting, full, or the request expired before its turn.
        case unavailable = 1
        /// Perhaps executed: no answer before the deadline.
        case outcomeUnknown = 2
        /// A defect; the log of the request id says more.
        case `internal` = 3
        /// The route does not exist, the payload is no such request, or this peer may not call it.
        case badRequest = 4
        /// Too often; `detail` is the number of seconds to wait.
        case rateLimited = 5

        // auth-svc

        case wrongCredentials = 20
        case alreadyLoggedIn = 21
        case sessionOver = 22
        case accountNotFound = 23
        case userNameTaken = 24
        /// `detail` is the field: userName, nickname, uid, password, email, phoneNumber, sex or sign.
        case wrongLength = 25
        /// `detail` is the field: userName, nickname, uid, password, email, phoneNumber, sex or sign.
        case forbiddenCharacters = 26
        /// `detail` is the limit in bytes.
        case pictureTooLarge = 27
        /// The password given to confirm a change is not the account's.
        case wrongPassword = 28
        case uidTaken = 29
        case phoneNumberTaken = 30
        /// The refresh token was used before.
        case refreshTokenReused = 31
        /// `detail` is the least number of characters.
        case passwordTooShort = 32

        // social-svc

        case cannotBefriendSelf = 40
        case alreadyFriends = 41
        case noSuchApplication = 42
        /// The text is longer than allowed; `detail` is the limit in characters.
        case messageTooLong = 43
        /// A list is full; `detail` is its limit.
        case limitReached = 44
        /// Somebody named is not the caller's friend.
        case notFriends = 45
        /// Somebody named has cancelled his account.
        case accountCancelled = 46
        /// The caller has no friend group of that name.
        case noSuchFriendGroup = 47
        /// The friend group still has friends in it; `detail` is its name.
        case friendGroupNotEmpty = 48
        /// A group needs at least three members.
        case tooFewMembers = 49
        /// The caller is not in that group, or there is none.
        case notGroupMember = 50
        /// The caller's role in the group does not allow it.
        case notAllowed = 51
        /// Somebody named is not in the group.
        case targetNotMember = 52
        /// Somebody named is in the group already.
        case alreadyMember = 53
        /// The owner has to hand the group over before he leaves.
        case ownerCannotLeave = 54
        /// The same is asked for already.
        case alreadyApplied = 55
        /// The request is not pending any more.
        case alreadyDecided = 56
        case groupHandleTaken = 57
        case noSuchGroup = 58
        /// No name that people see can be like this; `detail` is which: name, handle, group or remark.
        case malformedName = 59

        // message-svc

        case notParticipant = 60
        case invalidReply = 61
        /// The text is empty or longer than allowed; `detail` is the limit in characters.
        case invalidText = 62
        /// The client message id was used for a message with other content.
        case conflictingClientID = 63
        case invalidMessage = 64
        /// The time to take the message back is over.
        case tooLate = 65
        case alreadyRecalled = 66
    }

    package let code: Code
    /// What fills the blank of a dialect's text; empty when there is none.
    package let detail: String

    package init(_ code: Code, detail: String = "") {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail.isEmpty ? "\(code)" : "\(code)(\(detail))" }
}

extension ServiceError: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        code = Code(rawValue: try reader.read()) ?? .internal
        detail = try String(from: &reader)
    }
    package func write(to writer: inout WireWriter) {
        writer.write(code.rawValue)
        writer.write(detail)
    }
}
