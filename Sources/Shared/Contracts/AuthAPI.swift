/// A published dialect, as far as sessions and policies must know it.
package enum Dialect: UInt8, Sendable, Hashable, CaseIterable, WireValue, CustomStringConvertible {
    case classic = 1
    case socket = 2
    case rest = 3

    package var description: String {
        switch self {
        case .classic: "classic"
        case .socket: "socket"
        case .rest: "rest"
        }
    }
}

/// What others may see of an account.
package struct Profile: WireRecord, Hashable {
    package var account: AccountID
    package var userName: String
    package var nickname: String
    /// The public handle a user may change; default `m_` and the id in base 36.
    package var uid: String
    package var phoneNumber: String
    package var email: String
    /// 0 while there is no picture; grows with every change, so that `?v=` may be cached for ever.
    package var pictureVersion: Int64
    /// -1 unset, 0 female, 1 male.
    package var sex: Int32
    package var sign: String
    package var isCancelled: Bool

    package init(
        account: AccountID, userName: String, nickname: String, uid: String, phoneNumber: String, email: String,
        pictureVersion: Int64, sex: Int32, sign: String, isCancelled: Bool
    ) {
        self.account = account
        self.userName = userName
        self.nickname = nickname
        self.uid = uid
        self.phoneNumber = phoneNumber
        self.email = email
        self.pictureVersion = pictureVersion
        self.sex = sex
        self.sign = sign
        self.isCancelled = isCancelled
    }
    package static let wireFormat = WireFormat(
        Self.init, \.account, \.userName, \.nickname, \.uid, \.phoneNumber, \.email, \.pictureVersion, \.sex, \.sign,
        \.isCancelled)
}

/// A picture as a client sends it.
package struct PictureUpload: WireRecord, Hashable {
    /// Decoded bytes; empty for none.
    package var content: Blob
    /// Whether it came as a data URL, and is to come back as one.
    package var isDataURL: Bool

    package init(_ content: Blob, isDataURL: Bool) {
        self.content = content
        self.isDataURL = isDataURL
    }
    package static let wireFormat = WireFormat(Self.init, \.content, \.isDataURL)

    /// No picture.
    package static let none = PictureUpload(Blob([]), isDataURL: false)
}

/// A picture as auth-svc stores it.
package struct Picture: WireRecord, Hashable {
    package var account: AccountID
    package var version: Int64
    /// Sniffed from the bytes, never taken from a client.
    package var mediaType: String
    /// Whether it came as a data URL.
    package var isDataURL: Bool
    package var content: Blob

    package init(account: AccountID, version: Int64, mediaType: String, isDataURL: Bool, content: Blob) {
        self.account = account
        self.version = version
        self.mediaType = mediaType
        self.isDataURL = isDataURL
        self.content = content
    }
    package static let wireFormat = WireFormat(Self.init, \.account, \.version, \.mediaType, \.isDataURL, \.content)
}

/// Everything auth-svc answers.
package enum AuthAPI {
    /// Creates an account: lengths are judged first, then whether name and phone number are free, then alphabets.
    ///
    /// In ``Dialect/rest`` the phone number must be nobody's who could log in with it. Errors:
    /// ``ServiceError/Code/wrongLength``, ``ServiceError/Code/passwordTooShort``, ``ServiceError/Code/userNameTaken``,
    /// ``ServiceError/Code/phoneNumberTaken``,
    /// ``ServiceError/Code/forbiddenCharacters``, ``ServiceError/Code/pictureTooLarge``, `rateLimited`, `unavailable`.
    package struct Register: BusRequest {
        package static let route = "auth.register"

        package struct Reply: WireRecord, Hashable {
            package var profile: Profile
            package init(profile: Profile) { self.profile = profile }
            package static let wireFormat = WireFormat(Self.init, \.profile)
        }

        /// `nil` for one made of the default handle: ``Dialect/rest`` knows no user names.
        package var userName: String?
        package var password: String
        /// What others see; `nil` for the user name.
        package var nickname: String?
        package var phoneNumber: String
        package var email: String
        /// -1 unset, 0 female, 1 male.
        package var sex: Int32
        /// At most 255 characters.
        package var sign: String
        package var picture: PictureUpload
        /// Whose document says what the texts must be like.
        package var rules: Dialect
        /// The client's network address, for the rate of registrations.
        package var address: String

        package init(
            userName: String?, password: String, nickname: String?, phoneNumber: String, email: String, sex: Int32,
            sign: String, picture: PictureUpload, rules: Dialect, address: String
        ) {
            self.userName = userName
            self.password = password
            self.nickname = nickname
            self.phoneNumber = phoneNumber
            self.email = email
            self.sex = sex
            self.sign = sign
            self.picture = picture
            self.rules = rules
            self.address = address
        }
        package static let wireFormat = WireFormat(
            Self.init, \.userName, \.password, \.nickname, \.phoneNumber, \.email, \.sex, \.sign, \.picture, \.rules,
            \.address)
    }

    /// What a second log-in in the same dialect does while a live session exists.
    package enum SecondLogin: UInt8, Sendable, Hashable, WireValue {
        case refuse = 1
        case allow = 2
    }

    /// What the name given at a log-in is.
    package enum LogInName: UInt8, Sendable, Hashable, WireValue {
        case userName = 1
        case uid = 2
        /// Of the account that owns the number.
        case phoneNumber = 3
    }

    /// Opens a session for a name and password. An account that has too many sessions of the dialect loses the oldest.
    ///
    /// Errors: ``ServiceError/Code/accountNotFound`` and ``ServiceError/Code/wrongCredentials`` (at the same cost),
    /// ``ServiceError/Code/alreadyLoggedIn``, `rateLimited`, `unavailable` when too many hashes are waiting.
    package struct LogIn: BusRequest {
        package static let route = "auth.logIn"

        package struct Reply: WireRecord, Hashable {
            package var session: SessionID
            package var token: String
            /// Seconds since 1970 when the token expires, by auth-svc's clock.
            package var expiresAt: Int64
            /// Seconds until then.
            package var expiresIn: Int64
            /// Opaque; only sessions of ``Dialect/rest`` have one.
            package var refreshToken: String?
            package var profile: Profile

            package init(
                session: SessionID, token: String, expiresAt: Int64, expiresIn: Int64, refreshToken: String?,
                profile: Profile
            ) {
                self.session = session
                self.token = token
                self.expiresAt = expiresAt
                self.expiresIn = expiresIn
                self.refreshToken = refreshToken
                self.profile = profile
            }
            package static let wireFormat = WireFormat(
                Self.init, \.session, \.token, \.expiresAt, \.expiresIn, \.refreshToken, \.profile)
        }

        package var kind: LogInName
        package var name: String
        package var password: String
        package var dialect: Dialect
        /// Free text that names the device in a list of sessions.
        package var device: String
        package var secondLogin: SecondLogin
        /// The client's network address, for the rate of failures.
        package var address: String
        /// Access and refresh tokens that came with the log-in, whatever they are worth; at most
        /// ``maxPresentedTokens`` count. One of a session of the account, live or over not long ago, makes a known device
        /// of the client: no failures of others hold it off.
        package var presentedTokens: [String]

        /// A header and a cookie.
        package static let maxPresentedTokens = 2

        package init(
            kind: LogInName, name: String, password: String, dialect: Dialect, device: String, secondLogin: SecondLogin,
            address: String, presentedTokens: [String]
        ) {
            self.kind = kind
            self.name = name
            self.password = password
            self.dialect = dialect
            self.device = device
            self.secondLogin = secondLogin
            self.address = address
            self.presentedTokens = presentedTokens
        }
        package static let wireFormat = WireFormat(
            Self.init, \.kind, \.name, \.password, \.dialect, \.device, \.secondLogin, \.address, \.presentedTokens)
    }

    /// What every refresh token begins with: nothing else a client may present does.
    package static let refreshTokenPrefix = "mrt_"

    /// Exchanges a refresh token for a new pair and retires it, in one transaction (RFC 9700, section 4.14.2).
    ///
    /// A retired token presented again is a double click for 2 seconds (``ServiceError/Code/refreshTokenReused``,
    /// nothing else happens), a lost answer for 30 seconds while its successor was never used (a new pair; the
    /// successor is void), and a theft otherwise: ``ServiceError/Code/refreshTokenReused``, and the whole session is
    /// revoked. ``ServiceError/Code/sessionOver`` for everything that is no refresh token of a live session.
    package struct Refresh: BusRequest {
        package static let route = "auth.refresh"

        package struct Reply: WireRecord, Hashable {
            package var session: SessionID
            package var account: AccountID
            package var token: String
            /// Seconds since 1970 when the token expires, by auth-svc's clock.
            package var expiresAt: Int64
            /// Seconds until then.
            package var expiresIn: Int64
            package var refreshToken: String

            package init(
                session: SessionID, account: AccountID, token: String, expiresAt: Int64, expiresIn: Int64,
                refreshToken: String
            ) {
                self.session = session
                self.account = account
                self.token = token
                self.expiresAt = expiresAt
                self.expiresIn = expiresIn
                self.refreshToken = refreshToken
            }
            package static let wireFormat = WireFormat(
                Self.init, \.session, \.account, \.token, \.expiresAt, \.expiresIn, \.refreshToken)
        }

        package var refreshToken: String
        package init(refreshToken: String) { self.refreshToken = refreshToken }
        package static let wireFormat = WireFormat(Self.init, \.refreshToken)
    }

    /// Revokes one session of an account. Error: ``ServiceError/Code/sessionOver`` when it is not live any more, or
    /// another's.
    package struct LogOut: BusRequest {
        package static let route = "auth.logOut"
        package typealias Reply = Done

        package var account: AccountID
        package var session: SessionID

        package init(account: AccountID, session: SessionID) {
            self.account = account
            self.session = session
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.session)
    }

    /// The live sessions of an account, the latest first, at most 500.
    package struct Sessions: BusRequest {
        package static let route = "auth.sessions"

        package struct Reply: WireRecord, Hashable {
            package var sessions: [SessionInfo]
            package init(sessions: [SessionInfo]) { self.sessions = sessions }
            package static let wireFormat = WireFormat(Self.init, \.sessions)
        }

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }

    /// A live session, as its owner sees it.
    package struct SessionInfo: WireRecord, Hashable {
        package var session: SessionID
        package var dialect: Dialect
        package var device: String
        /// Milliseconds since 1970.
        package var createdAt: Int64
        /// Milliseconds since 1970; behind by up to a minute.
        package var lastSeenAt: Int64
        /// Seconds since 1970 when it ends by itself, if it is not refreshed.
        package var expiresAt: Int64

        package init(
            session: SessionID, dialect: Dialect, device: String, createdAt: Int64, lastSeenAt: Int64, expiresAt: Int64
        ) {
            self.session = session
            self.dialect = dialect
            self.device = device
            self.createdAt = createdAt
            self.lastSeenAt = lastSeenAt
            self.expiresAt = expiresAt
        }
        package static let wireFormat = WireFormat(
            Self.init, \.session, \.dialect, \.device, \.createdAt, \.lastSeenAt, \.expiresAt)
    }

    /// Says that sessions were used just now, if any, and asks for the time. Idempotent.
    package struct NoteSeen: BusRequest {
        package static let route = "auth.noteSeen"

        package struct Reply: WireRecord, Hashable {
            /// auth-svc's clock, in milliseconds since 1970: tokens are judged by the clock they were made by.
            package var now: Int64
            package init(now: Int64) { self.now = now }
            package static let wireFormat = WireFormat(Self.init, \.now)
        }

        /// At most 1,000; those that are over are ignored.
        package var sessions: [SessionID]
        package init(sessions: [SessionID]) { self.sessions = sessions }
        package static let wireFormat = WireFormat(Self.init, \.sessions)
    }

    /// Profiles by id, at most 500; unknown ids are left out of the answer.
    package struct Profiles: BusRequest {
        package static let route = "auth.profiles"

        package struct Reply: WireRecord, Hashable {
            package var profiles: [Profile]
            package init(profiles: [Profile]) { self.profiles = profiles }
            package static let wireFormat = WireFormat(Self.init, \.profiles)
        }

        package var accounts: [AccountID]
        package init(accounts: [AccountID]) { self.accounts = accounts }
        package static let wireFormat = WireFormat(Self.init, \.accounts)
    }

    /// What a text is compared with.
    package enum AccountMatch: UInt8, Sendable, Hashable, WireValue {
        /// The user name, exactly.
        case userName = 1
        case userNamePrefix = 2
        /// The public handle, exactly.
        case uid = 3
        /// A part of the nickname, whatever the case of ASCII letters.
        case partOfNickname = 4
    }

    /// Accounts by a name of theirs, at most 50, in the order of the names compared; cancelled accounts are never
    /// found, and an empty part of a nickname finds nobody.
    package struct FindAccounts: BusRequest {
        package static let route = "auth.findAccounts"
        package typealias Reply = Profiles.Reply

        package var match: AccountMatch
        package var text: String

        package init(match: AccountMatch, text: String) {
            self.match = match
            self.text = text
        }
        package static let wireFormat = WireFormat(Self.init, \.match, \.text)
    }

    /// Pictures by account, at most 16 at once; accounts without one are left out.
    package struct Pictures: BusRequest {
        package static let route = "auth.pictures"

        package struct Reply: WireRecord, Hashable {
            package var pictures: [Picture]
            package init(pictures: [Picture]) { self.pictures = pictures }
            package static let wireFormat = WireFormat(Self.init, \.pictures)
        }

        package var accounts: [AccountID]
        package init(accounts: [AccountID]) { self.accounts = accounts }
        package static let wireFormat = WireFormat(Self.init, \.accounts)
    }

    /// The public keys tokens may be signed with.
    package struct SigningKeys: BusRequest {
        package static let route = "auth.signingKeys"

        package struct Key: WireRecord, Hashable {
            package var id: String
            /// 32 bytes, Ed25519 (RFC 8032).
            package var publicKey: Blob

            package init(id: String, publicKey: Blob) {
                self.id = id
                self.publicKey = publicKey
            }
            package static let wireFormat = WireFormat(Self.init, \.id, \.publicKey)
        }

        package struct Reply: WireRecord, Hashable {
            package var keys: [Key]
            package init(keys: [Key]) { self.keys = keys }
            package static let wireFormat = WireFormat(Self.init, \.keys)
        }

        package init() {}
        package static let wireFormat = WireFormat(Self.init)
    }

    /// Sessions revoked before their tokens expired, by page in the order of their ids, and the place in the event log
    /// up to which the list is complete: that of its first page, because a session may be revoked between two.
    package struct RevokedSessions: BusRequest {
        package static let route = "auth.revokedSessions"

        package struct Revocation: WireRecord, Hashable {
            package var session: SessionID
            /// Seconds since 1970 when its last token expires and the entry may be forgotten.
            package var expiresAt: Int64

            package init(session: SessionID, expiresAt: Int64) {
                self.session = session
                self.expiresAt = expiresAt
            }
            package static let wireFormat = WireFormat(Self.init, \.session, \.expiresAt)
        }

        package struct Reply: WireRecord, Hashable {
            /// At most 100,000.
            package var revocations: [Revocation]
            /// The number of the last event the page includes.
            package var position: Int64
            /// Whether there are more, after the last one of these.
            package var hasMore: Bool
            /// auth-svc's clock, in milliseconds since 1970: every token that expired before is left out.
            package var now: Int64

            package init(revocations: [Revocation], position: Int64, hasMore: Bool, now: Int64) {
                self.revocations = revocations
                self.position = position
                self.hasMore = hasMore
                self.now = now
            }
            package static let wireFormat = WireFormat(Self.init, \.revocations, \.position, \.hasMore, \.now)
        }

        /// The last session of the page before; `nil` for the first page.
        package var after: SessionID?
        package init(after: SessionID? = nil) { self.after = after }
        package static let wireFormat = WireFormat(Self.init, \.after)
    }

    /// Changes what an account shows and how it logs in; fields that are `nil` stay as they are.
    ///
    /// The password is checked whenever one is given, and must be given to change password, phone number or e-mail. A
    /// changed password revokes all other sessions of the account. All or nothing. Errors, in order:
    /// ``ServiceError/Code/wrongPassword``, ``ServiceError/Code/wrongLength``, ``ServiceError/Code/passwordTooShort``,
    /// ``ServiceError/Code/pictureTooLarge``,
    /// ``ServiceError/Code/userNameTaken``, ``ServiceError/Code/uidTaken`` (also for a handle that looks like another
    /// account's default), ``ServiceError/Code/forbiddenCharacters``.
    package struct ModifyAccount: BusRequest {
        package static let route = "auth.modifyAccount"

        package struct Reply: WireRecord, Hashable {
            package var profile: Profile
            package init(profile: Profile) { self.profile = profile }
            package static let wireFormat = WireFormat(Self.init, \.profile)
        }

        package var account: AccountID
        /// The session that asks; it outlives a change of password, and wrong passwords count for it.
        package var session: SessionID
        /// Whose document says what the texts must be like.
        package var rules: Dialect
        package var password: String?
        package var newUserName: String?
        package var newNickname: String?
        package var newUID: String?
        package var newPassword: String?
        package var newPhoneNumber: String?
        package var newEmail: String?
        package var newPicture: PictureUpload?

        package init(
            account: AccountID, session: SessionID, rules: Dialect, password: String?, newUserName: String?,
            newNickname: String?, newUID: String?, newPassword: String?, newPhoneNumber: String?, newEmail: String?,
            newPicture: PictureUpload?
        ) {
            self.account = account
            self.session = session
            self.rules = rules
            self.password = password
            self.newUserName = newUserName
            self.newNickname = newNickname
            self.newUID = newUID
            self.newPassword = newPassword
            self.newPhoneNumber = newPhoneNumber
            self.newEmail = newEmail
            self.newPicture = newPicture
        }
        package static let wireFormat = WireFormat(
            Self.init, \.account, \.session, \.rules, \.password, \.newUserName, \.newNickname, \.newUID, \.newPassword,
            \.newPhoneNumber, \.newEmail, \.newPicture)
    }

    /// Ends an account: its name is shown with `（已注销）` behind it and is free again, its profile and picture are
    /// erased, all its sessions are revoked, and it leaves its groups (``SocialAPI/CancelAccount``).
    ///
    /// Answers when social-svc has taken note. Errors: ``ServiceError/Code/wrongPassword``, and nothing changes;
    /// `rateLimited`.
    package struct CancelAccount: BusRequest {
        package static let route = "auth.cancelAccount"
        package typealias Reply = Done

        package var account: AccountID
        /// The session that asks; wrong passwords count for it.
        package var session: SessionID
        package var password: String

        package init(account: AccountID, session: SessionID, password: String) {
            self.account = account
            self.session = session
            self.password = password
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.session, \.password)
    }

    // MARK: - Events

    /// A session ended before its time: log-out, password change, cancellation, a refresh token used twice, or too many
    /// later log-ins.
    package struct SessionRevoked: BusEvent {
        package static let kind = "auth.sessionRevoked"

        package var session: SessionID
        package var account: AccountID
        /// Seconds since 1970 when its last token expires.
        package var expiresAt: Int64

        package init(session: SessionID, account: AccountID, expiresAt: Int64) {
            self.session = session
            self.account = account
            self.expiresAt = expiresAt
        }
        package static let wireFormat = WireFormat(Self.init, \.session, \.account, \.expiresAt)
    }

    /// Something in the profile of an account changed: caches must forget it.
    package struct ProfileChanged: BusEvent {
        package static let kind = "auth.profileChanged"

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }
}
