import Shared

/// The texts of an account that a request brings, as they are stored; `nil` for those it does not.
struct AccountTexts: Sendable {
    /// Whose document says what they must be like.
    let rules: Dialect
    private let texts: [AccountField: String?]

    /// A required name that is missing counts as empty.
    init(_ request: AuthAPI.Register) {
        rules = request.rules
        var texts: [AccountField: String?] = [
            .userName: request.userName, .nickname: Self.asStored(nickname: request.nickname),
            .password: request.password,
            .phoneNumber: request.phoneNumber, .email: request.email, .sign: request.sign,
        ]
        texts[rules.requiredName] = (texts[rules.requiredName] ?? nil) ?? ""
        self.texts = texts
    }

    init(_ request: AuthAPI.ModifyAccount) {
        rules = request.rules
        texts = [
            .userName: request.newUserName, .nickname: Self.asStored(nickname: request.newNickname),
            .uid: request.newUID,
            .password: request.newPassword, .phoneNumber: request.newPhoneNumber, .email: request.newEmail,
        ]
    }

    subscript(field: AccountField) -> String? { texts[field] ?? nil }

    /// What is no name stays as it is, to be refused.
    private static func asStored(nickname: String?) -> String? {
        nickname.map { DisplayName($0)?.text ?? $0 }
    }
}

/// What the texts and the picture of an account must be like.
struct AccountRules: Sendable {
    /// Characters of the longest user name, nickname, password, sign and e-mail address there can ever be.
    static let maxTextCharacters = 255
    /// Bytes of the largest picture there can ever be.
    static let maxPictureBytes = 524_288
    /// Characters of the longest password in `rest`.
    static let maxRestPassword = 72
    /// What a handle must be like.
    static let uid = TextRule(1...20, .handle)

    let maxTextCharacters: Int
    /// At most ``maxTextCharacters``, and no more than the longest password of every dialect has.
    let minPasswordCharacters: Int
    let maxPictureBytes: Int

    /// Checks how long the texts are, and that what an account cannot do without is not empty.
    func checkLengths(of texts: AccountTexts) throws(ServiceError) {
        guard let (field, rule, text) = first(AccountField.inOrderOfLengths, of: texts, { !$0.permitsLength(of: $1) })
        else { return }
        guard field == .password, rule.isTooShort(text) else {
            throw ServiceError(.wrongLength, detail: field.rawValue)
        }
        throw ServiceError(.passwordTooShort, detail: "\(rule.lengths.lowerBound)")
    }

    /// Checks that the texts hold none but their permitted characters.
    func checkAlphabets(of texts: AccountTexts) throws(ServiceError) {
        if let (field, _, _) = first(AccountField.inOrderOfAlphabets, of: texts, { !$0.permitsCharacters(of: $1) }) {
            throw ServiceError(.forbiddenCharacters, detail: field.rawValue)
        }
    }

    /// Checks the size of a picture.
    func checkSize(of picture: PictureUpload) throws(ServiceError) {
        guard picture.content.bytes.count <= maxPictureBytes else {
            throw ServiceError(.pictureTooLarge, detail: "\(maxPictureBytes)")
        }
    }

    /// Checks that a sex is -1, unset, 0 or 1.
    static func check(sex: Int32) throws(ServiceError) {
        guard -1...1 ~= sex else { throw ServiceError(.wrongLength, detail: AccountField.sex.rawValue) }
    }

    private func first(
        _ fields: [AccountField], of texts: AccountTexts, _ isRefused: (TextRule, String) -> Bool
    ) -> (AccountField, TextRule, String)? {
        let rules = texts.rules.textRules(max: maxTextCharacters, minPassword: minPasswordCharacters)
        for field in fields {
            guard let text = texts[field], let rule = rules[field] else { continue }
            if isRefused(rule, text) { return (field, rule, text) }
        }
        return nil
    }
}

// MARK: - What an account can have at all

/// Only possible texts are looked up, counted and hashed: SQLite would end any other at its first NUL, and so take it for
/// that of somebody else.
extension AccountRules {
    private static let userName = TextRule(1...maxTextCharacters, .handle)
    private static let userNamePrefix = TextRule(0...maxTextCharacters, .handle)
    private static let phoneNumber = TextRule(11...11, .phoneNumber)
    private static let partOfNickname = TextRule(1...maxTextCharacters, .printable)
    private static let password = TextRule(1...maxTextCharacters, .password)

    /// Whether an account, of whichever dialect, can have this user name.
    static func isPossible(userName: String) -> Bool { Self.userName.permits(userName) }

    /// Whether an account can have this handle.
    static func isPossible(uid: String) -> Bool { Self.uid.permits(uid) }

    /// Whether an account can own this phone number.
    static func isPossible(phoneNumber: String) -> Bool { Self.phoneNumber.permits(phoneNumber) }

    /// Whether an account, of whichever dialect, can have this password.
    static func isPossible(password: String) -> Bool { Self.password.permits(password) }

    /// Whether an account can be logged in to by this name.
    static func isPossible(_ name: String, as kind: AuthAPI.LogInName) -> Bool {
        switch kind {
        case .userName: isPossible(userName: name)
        case .uid: isPossible(uid: name)
        case .phoneNumber: isPossible(phoneNumber: name)
        }
    }

    /// Whether a name of an account can match this text; the empty prefix begins every user name.
    static func isPossible(_ text: String, as match: AuthAPI.AccountMatch) -> Bool {
        switch match {
        case .userName: isPossible(userName: text)
        case .userNamePrefix: userNamePrefix.permits(text)
        case .uid: isPossible(uid: text)
        case .partOfNickname: partOfNickname.permits(text) && !FoldedText(text).text.isEmpty
        }
    }
}

// MARK: - Names that are made, not chosen

extension AccountRules {
    private static let defaultHandlePrefix = "m_"

    /// The public handle of an account that has not chosen one.
    static func defaultHandle(of account: AccountID) -> String { defaultHandlePrefix + base36(account) }

    /// Whether an account may not take a handle because it looks like another's default.
    static func isReserved(uid: String, for account: AccountID) -> Bool {
        uid.hasPrefix(defaultHandlePrefix) && uid != defaultHandle(of: account)
    }

    /// The user name of an account that was registered without one: its default handle in the alphabet of user names.
    ///
    /// - Parameter attempt: 1 first, and one more as long as the name is somebody else's. Base 36 has no upper-case
    ///   letter, so no further attempt is the first of another account.
    static func defaultUserName(of account: AccountID, attempt: Int) -> String {
        "m" + base36(account) + (attempt == 1 ? "" : "X\(attempt)")
    }

    /// The name under which a cancelled account still shows; its own is free again.
    ///
    /// No living account can have such a user name: it is outside the alphabet.
    static func cancelledName(of userName: String) -> String { userName + "（已注销）" }

    private static func base36(_ account: AccountID) -> String { String(account.rawValue, radix: 36) }
}
