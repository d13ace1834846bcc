import Shared
import Testing

@testable import AuthService

@Suite struct AccountRulesTests {
    private let rules = AccountRules(maxTextCharacters: 255, minPasswordCharacters: 6, maxPictureBytes: 4)

    @Test(
        arguments: [
            (.test(""), "userName"), (.test(String(repeating: "a", count: 256)), "userName"),
            (.test(String(repeating: "é", count: 256)), "userName"),
            // One character to a reader, 256 to the document's server.
            (.test("e" + String(repeating: "\u{301}", count: 255)), "userName"),
            (.test(password: String(repeating: "a", count: 256)), "password"),
            (.test(email: String(repeating: "a", count: 256)), "email"),
            (.test(phoneNumber: ""), "phoneNumber"), (.test(phoneNumber: "1234567890"), "phoneNumber"),
            (.test(phoneNumber: "123456789012"), "phoneNumber"), (.test(phoneNumber: "1324321876543"), "phoneNumber"),
        ] as [(AuthAPI.Register, String)])
    func `a length out of bounds is refused with its field`(request: AuthAPI.Register, field: String) {
        #expect(throws: ServiceError(.wrongLength, detail: field)) { try rules.checkLengths(of: AccountTexts(request)) }
    }

    @Test(
        arguments: [
            .test(), .test("a"), .test(String(repeating: "é", count: 255)), .test(email: ""),
            .test(password: String(repeating: "a", count: 255), email: String(repeating: "a", count: 255)),
        ] as [AuthAPI.Register])
    func `a length within bounds passes`(request: AuthAPI.Register) throws {
        try rules.checkLengths(of: AccountTexts(request))
    }

    @Test(
        arguments: [
            (.test("a b"), "userName"), (.test("a_b"), "userName"), (.test("用户"), "userName"),
            (.test("a\n"), "userName"), (.test("１"), "userName"), (.test(password: "p@ssword"), "password"),
            (.test(password: "pässword"), "password"), (.test(phoneNumber: "1324321876x"), "phoneNumber"),
            (.test(phoneNumber: "(1)32432187"), "phoneNumber"), (.test(email: "a-b@c.de"), "email"),
            (.test(email: "a+b@c.de"), "email"), (.test(email: "a@b\0"), "email"),
        ] as [(AuthAPI.Register, String)])
    func `a character outside the alphabet is refused with its field`(request: AuthAPI.Register, field: String) {
        #expect(throws: ServiceError(.forbiddenCharacters, detail: field)) {
            try rules.checkAlphabets(of: AccountTexts(request))
        }
    }

    @Test(
        arguments: [
            .test("azAZ09", password: "azAZ09", phoneNumber: "+86-0123456", email: "azAZ09@a.b"), .test(email: ""),
            .test(email: "@.@."),
        ] as [AuthAPI.Register])
    func `characters of the alphabet pass`(request: AuthAPI.Register) throws {
        try rules.checkAlphabets(of: AccountTexts(request))
    }

    @Test(
        arguments: [
            .test(password: ""), .test(password: "abcde"), .test(password: "äöüäö", rules: .socket),
            .rest(password: "abcde"),
        ] as [AuthAPI.Register])
    func `a password that is too short is refused with the least number of characters`(request: AuthAPI.Register) {
        #expect(throws: ServiceError(.passwordTooShort, detail: "6")) {
            try rules.checkLengths(of: AccountTexts(request))
        }
    }

    @Test func `a nickname is judged as it is stored`() throws {
        let texts = AccountTexts(.rest(" " + String(repeating: "e\u{301}", count: 64) + "\u{3000}"))

        try rules.checkLengths(of: texts)
        #expect(texts[.nickname]?.unicodeScalars.count == 64)
    }

    /// Lengths in which a text is accepted, and the lengths beside them in which it is not.
    @Test(
        arguments: [
            (.classic, .userName, 1...255, false), (.classic, .password, 8...255, false),
            (.classic, .email, 0...255, false), (.classic, .phoneNumber, 11...11, false),
            (.socket, .userName, 1...64, false), (.socket, .nickname, 1...255, false),
            (.socket, .password, 8...255, false), (.socket, .email, 0...255, false),
            (.socket, .phoneNumber, 11...11, true), (.socket, .sign, 0...255, false),
            (.rest, .nickname, 1...64, false), (.rest, .uid, 1...20, false), (.rest, .password, 8...72, false),
            (.rest, .phoneNumber, 11...11, false),
        ] as [(Dialect, AccountField, ClosedRange<Int>, Bool)])
    func `each dialect has its own lengths`(
        dialect: Dialect, field: AccountField, lengths: ClosedRange<Int>, mayBeEmpty: Bool
    ) throws {
        let rule = try #require(dialect.textRules(max: 255, minPassword: 8)[field])
        func isPermitted(_ length: Int) -> Bool { rule.permitsLength(of: String(repeating: "é", count: length)) }

        #expect(isPermitted(lengths.lowerBound) && isPermitted(lengths.upperBound))
        #expect(!isPermitted(lengths.upperBound + 1))
        if lengths.lowerBound > 1 { #expect(!isPermitted(lengths.lowerBound - 1)) }
        if lengths.lowerBound > 0 { #expect(isPermitted(0) == mayBeEmpty) }
    }

    /// Each alphabet with characters in it and characters that are not.
    @Test(
        arguments: [
            (.alphanumeric, "azAZ09", "_- é用１\0\n@."), (.digits, "0189", "+-a１\0 "),
            (.phoneNumber, "09+-", "a (\0１"), (.email, "azAZ09@.", "-+_ é\0"),
            (.handle, "azAZ09_-", ". é用\0@ "),
            (.printable, "a 用é🐰\u{200D}<'\"%", "\0\n\r\t\u{1B}\u{7F}\u{85}\u{9F}"),
            (.password, "a 用é🐰\n\t\u{7F}\u{85}", "\0"),
        ] as [(Alphabet, String, String)])
    func `an alphabet has its characters and no others`(alphabet: Alphabet, within: String, without: String) {
        for character in within.unicodeScalars { #expect(alphabet.contains(character)) }
        for character in without.unicodeScalars { #expect(!alphabet.contains(character)) }
    }

    @Test(
        arguments: [
            (.test(nickname: "a\nb", rules: .socket), "nickname"),
            (.test(nickname: "\u{200B}", rules: .socket), "nickname"), (.rest("a\u{202E}b"), "nickname"),
            (.test(sign: "a\0", rules: .socket), "sign"),
            (.test("a.b", rules: .socket), "userName"), (.test(password: "abcde\0", rules: .socket), "password"),
            (.test(phoneNumber: "1324321876x", rules: .socket), "phoneNumber"),
            (.test(email: "a b", rules: .socket), "email"), (.rest("a\u{85}b"), "nickname"),
            (.rest(password: "123456\0"), "password"), (.rest(phoneNumber: "1-324321876"), "phoneNumber"),
        ] as [(AuthAPI.Register, String)])
    func `each dialect has its own alphabets`(request: AuthAPI.Register, field: String) throws {
        try rules.checkLengths(of: AccountTexts(request))
        #expect(throws: ServiceError(.forbiddenCharacters, detail: field)) {
            try rules.checkAlphabets(of: AccountTexts(request))
        }
    }

    @Test func `the operator may choose shorter texts where the document leaves it to him`() throws {
        let strict = AccountRules(maxTextCharacters: 1, minPasswordCharacters: 1, maxPictureBytes: 4)

        try strict.checkLengths(of: AccountTexts(.rest("a")))
        for field in [AccountField.userName, .nickname, .password, .email, .sign] {
            let rule = try #require(Dialect.socket.textRules(max: 1, minPassword: 1)[field])
            #expect(rule.permitsLength(of: "a") && !rule.permitsLength(of: "ab"))
        }
    }

    @Test(arguments: [(-1, true), (0, true), (1, true), (-2, false), (2, false)] as [(Int32, Bool)])
    func `a sex is unset, 0 or 1`(sex: Int32, isPermitted: Bool) {
        #expect((refusal(of: sex) == nil) == isPermitted)
    }

    private func refusal(of sex: Int32) -> ServiceError? {
        do throws(ServiceError) {
            try AccountRules.check(sex: sex)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a picture may have as many bytes as the limit says`() throws {
        try rules.checkSize(of: PictureUpload(Blob([1, 2, 3, 4]), isDataURL: false))
        #expect(throws: ServiceError(.pictureTooLarge, detail: "4")) {
            try rules.checkSize(of: PictureUpload(Blob([1, 2, 3, 4, 5]), isDataURL: true))
        }
    }

    @Test(arguments: [(1, "m_1"), (35, "m_z"), (36, "m_10"), (9_007_199_254_740_991, "m_2gosa7pa2gv")])
    func `the default handle is made of the id`(id: Int64, handle: String) {
        let account = AccountID(id)
        #expect(AccountRules.defaultHandle(of: account) == handle)
        #expect(AccountRules.isPossible(uid: handle))
        #expect(!AccountRules.isReserved(uid: handle, for: account))
        #expect(AccountRules.isReserved(uid: handle, for: AccountID(2)))
        #expect(AccountRules.defaultUserName(of: account, attempt: 1) == handle.filter { $0 != "_" })
        #expect(AccountRules.isPossible(userName: AccountRules.defaultUserName(of: account, attempt: 12)))
    }
}

@Suite struct PictureTypeTests {
    @Test(
        arguments: [
            ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0], "image/png"),
            ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"),
            (Array("GIF87a…".utf8), "image/gif"), (Array("GIF89a".utf8), "image/gif"),
            (Array("RIFF....WEBPVP8 ".utf8), "image/webp"), (Array("BM6".utf8), "image/bmp"),
            ([], PictureType.unknown), ([0xFF, 0xD8], PictureType.unknown), (Array("GIF88a".utf8), PictureType.unknown),
            (Array("RIFF....WAVE".utf8), PictureType.unknown), (Array("RIFFWEBP".utf8), PictureType.unknown),
            (Array("<svg xmlns='http://www.w3.org/2000/svg'>".utf8), PictureType.unknown),
            (Array("<html><script>".utf8), PictureType.unknown),
        ] as [([UInt8], String)])
    func `the type follows from the first bytes`(bytes: [UInt8], mediaType: String) {
        #expect(PictureType.mediaType(of: bytes) == mediaType)
    }
}

@Suite struct SessionOpeningTests {
    private let refreshed = SessionTerms(
        tokenSeconds: 900, refreshing: .init(lifetimeSeconds: 7_776_000, idleSeconds: 2_592_000))

    @Test func `a session ends on a whole second and keeps a bounded, readable device label`() {
        let opening = SessionOpening(
            .test(device: "\0\n" + String(repeating: "d", count: 300)), account: AccountID(1),
            terms: SessionTerms(tokenSeconds: 60, refreshing: nil), maxSessions: 1, refreshToken: nil, now: 1_999)

        #expect(opening.openedAt == 1_999)
        #expect(opening.ends == SessionEnds(session: 61_000, token: 61_000))
        #expect(opening.device == String(repeating: "d", count: 255))
    }

    /// Days since the log-in at which a session is refreshed, and when it ends then.
    @Test(arguments: [(0, 30), (29, 59), (60, 90), (61, 90), (89, 90)] as [(Int64, Int64)])
    func `a session that is refreshed ends 30 days later, but at most 90 days after its log-in`(day: Int64, end: Int64)
    {
        let ends = refreshed.ends(openedAt: 1_500, now: 1_700 + day * 86_400_000)

        #expect(ends.session == 1_000 + end * 86_400_000)
        #expect(ends.token == 1_000 + day * 86_400_000 + 900_000)
    }

    @Test func `no token outlives its session`() {
        let lastMinute = refreshed.ends(openedAt: 0, now: 7_775_940_000)
        let idle = SessionTerms(tokenSeconds: 900, refreshing: .init(lifetimeSeconds: 600, idleSeconds: 300))

        #expect(lastMinute == SessionEnds(session: 7_776_000_000, token: 7_776_000_000))
        #expect(idle.ends(openedAt: 0, now: 0) == SessionEnds(session: 300_000, token: 300_000))
    }
}
