import Shared

/// The texts of an account that a request brings; `nil` for those it does not.
struct AccountTexts: Sendable {
    let userName: String?
    let password: String?
    let phoneNumber: String?
    let email: String?

    init(_ request: AuthAPI.Register) {
        userName = request.userName
        password = request.password
        phoneNumber = request.phoneNumber
        email = request.email
    }

    init(_ request: AuthAPI.ModifyAccount) {
        userName = request.newUserName
        password = request.newPassword
        phoneNumber = request.newPhoneNumber
        email = request.newEmail
    }
}

/// What the texts and the picture of an account must be like. The checks stand in the order of the `classic` document.
struct AccountRules: Sendable {
    /// Characters of the longest user name, password and e-mail address there can ever be.
    static let maxTextCharacters = 255
    /// Bytes of the largest picture there can ever be.
    static let maxPictureBytes = 524_288
    /// The document speaks of 13 once; its message and its example say 11.
    static let phoneNumberCharacters = 11

    /// The fields a refusal can name.
    enum Field: String {
        case userName
        case password
        case email
        case phoneNumber
    }

    let maxTextCharacters: Int
    let maxPictureBytes: Int

    /// Checks how long the texts are, and that name and password are not empty.
    func checkLengths(of texts: AccountTexts) throws(ServiceError) {
        let limits: [(field: Field, text: String?, allowed: ClosedRange<Int>)] = [
            (.userName, texts.userName, 1...maxTextCharacters),
            (.password, texts.password, 1...maxTextCharacters),
            (.email, texts.email, 0...maxTextCharacters),
            (.phoneNumber, texts.phoneNumber, Self.phoneNumberCharacters...Self.phoneNumberCharacters),
        ]
        for case (let field, let text?, let allowed) in limits where !allowed.contains(Self.characterCount(of: text)) {
            throw ServiceError(.wrongLength, detail: field.rawValue)
        }
    }

    /// Checks the size of a picture.
    func checkSize(ofPicture picture: Blob) throws(ServiceError) {
        guard picture.bytes.count <= maxPictureBytes else {
            throw ServiceError(.pictureTooLarge, detail: "\(maxPictureBytes)")
        }
    }

    /// Checks that the texts hold none but their permitted ASCII characters.
    static func checkAlphabets(of texts: AccountTexts) throws(ServiceError) {
        let alphabets: [(field: Field, text: String?, isAllowed: (UInt8) -> Bool)] = [
            (.userName, texts.userName, isAlphanumeric),
            (.password, texts.password, isAlphanumeric),
            (.phoneNumber, texts.phoneNumber, isPartOfPhoneNumber),
            (.email, texts.email, isPartOfEmail),
        ]
        for case (let field, let text?, let isAllowed) in alphabets where !text.utf8.allSatisfy(isAllowed) {
            throw ServiceError(.forbiddenCharacters, detail: field.rawValue)
        }
    }

    /// Whether an account can have this user name at all.
    ///
    /// Only such names are looked up and counted: SQLite would end any other at its first NUL, and so take it for the
    /// name of somebody else.
    static func isPossible(userName: String) -> Bool {
        1...maxTextCharacters ~= userName.utf8.count && userName.utf8.allSatisfy(isAlphanumeric)
    }

    /// Whether names can begin with this text; the empty one begins them all.
    static func isPossible(userNamePrefix prefix: String) -> Bool {
        prefix.isEmpty || isPossible(userName: prefix)
    }

    /// Whether an account can have this password at all.
    ///
    /// No other is compared with a record: HMAC, and so scrypt, takes a password with NULs behind it for the same.
    static func isPossible(password: String) -> Bool {
        1...maxTextCharacters ~= password.utf8.count && password.utf8.allSatisfy(isAlphanumeric)
    }

    /// The name under which a cancelled account still shows; its own is free again.
    ///
    /// No living account can have such a name: it is outside the alphabet.
    static func cancelledName(of userName: String) -> String { userName + "（已注销）" }

    /// The public handle of an account that has not chosen one.
    static func defaultHandle(of account: AccountID) -> String {
        "m_" + String(account.rawValue, radix: 36)
    }

    /// Characters as the document's own server counts them: code points.
    private static func characterCount(of text: String) -> Int { text.unicodeScalars.count }

    private static func isPartOfPhoneNumber(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
    }

    private static func isPartOfEmail(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "@") || byte == UInt8(ascii: ".")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
}
