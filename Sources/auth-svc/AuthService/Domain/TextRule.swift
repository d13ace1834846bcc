import Shared

/// The fields of an account that a refusal can name.
enum AccountField: String, Sendable {
    case userName
    case nickname
    case uid
    case password
    case email
    case phoneNumber
    case sex
    case sign

    /// The texts in the order in which their lengths are checked: that of the `classic` document.
    static let inOrderOfLengths: [Self] = [.userName, .nickname, .uid, .password, .email, .phoneNumber, .sign]
    /// The texts in the order in which their characters are checked, which in that document is another.
    static let inOrderOfAlphabets: [Self] = [.userName, .nickname, .uid, .password, .phoneNumber, .email, .sign]
}

/// The characters a text may consist of.
enum Alphabet: Sendable {
    case alphanumeric
    case digits
    case phoneNumber
    case email
    case handle
    /// Everything but control characters: what people read.
    case printable
    /// What names that people see consist of; the name as a whole has rules of its own.
    case name
    /// Everything but NUL, which HMAC, and so scrypt, does not tell from the end of a password.
    case password

    func contains(_ character: Unicode.Scalar) -> Bool {
        switch self {
        case .alphanumeric: Self.isAlphanumeric(character)
        case .digits: Self.isDigit(character)
        case .phoneNumber: Self.isDigit(character) || character == "-" || character == "+"
        case .email: Self.isAlphanumeric(character) || character == "@" || character == "."
        case .handle: Self.isAlphanumeric(character) || character == "_" || character == "-"
        case .printable, .name: character.properties.generalCategory != .control
        case .password: character != "\0"
        }
    }

    private static func isAlphanumeric(_ character: Unicode.Scalar) -> Bool {
        switch character {
        case "A"..."Z", "a"..."z": true
        default: isDigit(character)
        }
    }

    private static func isDigit(_ character: Unicode.Scalar) -> Bool { "0"..."9" ~= character }
}

/// What one text must be like. Characters are code points, as the `classic` document's own server counts them.
struct TextRule: Sendable {
    let lengths: ClosedRange<Int>
    let alphabet: Alphabet
    /// Whether there may be no text although a short one is refused.
    let mayBeEmpty: Bool

    init(_ lengths: ClosedRange<Int>, _ alphabet: Alphabet, mayBeEmpty: Bool = false) {
        self.lengths = lengths
        self.alphabet = alphabet
        self.mayBeEmpty = mayBeEmpty
    }

    func permitsLength(of text: String) -> Bool {
        lengths.contains(text.unicodeScalars.count) || (mayBeEmpty && text.isEmpty)
    }

    func isTooShort(_ text: String) -> Bool { text.unicodeScalars.count < lengths.lowerBound }

    func permitsCharacters(of text: String) -> Bool {
        alphabet == .name ? DisplayName(text) != nil : text.unicodeScalars.allSatisfy(alphabet.contains)
    }

    func permits(_ text: String) -> Bool { permitsLength(of: text) && permitsCharacters(of: text) }
}

// MARK: - What differs by dialect

extension Dialect {
    /// The name a registration cannot do without; the other follows from it or from the account's number.
    var requiredName: AccountField {
        switch self {
        case .classic, .socket: .userName
        case .rest: .nickname
        }
    }

    /// Whether an account is registered only with a phone number that it will own for log-ins.
    var requiresOwnPhoneNumber: Bool { self == .rest }

    /// What the texts of an account must be like.
    ///
    /// - Parameters:
    ///   - max: characters of the longest text whose limit the operator chooses.
    ///   - minPassword: characters of the shortest password.
    func textRules(max: Int, minPassword: Int) -> [AccountField: TextRule] {
        let everywhere: [AccountField: TextRule] = [
            .userName: TextRule(1...max, .alphanumeric),
            .nickname: TextRule(1...max, .name),
            .uid: AccountRules.uid,
            .email: TextRule(0...max, .email),
            .sign: TextRule(0...max, .printable),
        ]
        // The document of `classic` speaks of 13 digits once; its message and its example say 11.
        let here: [AccountField: TextRule] =
            switch self {
            case .classic:
                [
                    .password: TextRule(minPassword...max, .alphanumeric),
                    .phoneNumber: TextRule(11...11, .phoneNumber),
                ]
            case .socket:
                [
                    .userName: TextRule(1...min(64, max), .handle),
                    .password: TextRule(minPassword...max, .password),
                    .phoneNumber: TextRule(11...11, .phoneNumber, mayBeEmpty: true),
                ]
            case .rest:
                [
                    .nickname: TextRule(1...64, .name),
                    .password: TextRule(minPassword...AccountRules.maxRestPassword, .password),
                    .phoneNumber: TextRule(11...11, .digits),
                ]
            }
        return everywhere.merging(here) { $1 }
    }
}
