import Shared
import Testing

@testable import AuthService

@Suite struct AccountRulesTests {
    private let rules = AccountRules(maxTextCharacters: 255, maxPictureBytes: 4)

    @Test(
        arguments: [
            (.test(""), "userName"), (.test(String(repeating: "a", count: 256)), "userName"),
            (.test(String(repeating: "é", count: 256)), "userName"),
            // One character to a reader, 256 to the document's server.
            (.test("e" + String(repeating: "\u{301}", count: 255)), "userName"),
            (.test(password: ""), "password"), (.test(password: String(repeating: "a", count: 256)), "password"),
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
            (.test("a\n"), "userName"), (.test("１"), "userName"), (.test(password: "p@ss"), "password"),
            (.test(password: "pä"), "password"), (.test(phoneNumber: "1324321876x"), "phoneNumber"),
            (.test(phoneNumber: "(1)32432187"), "phoneNumber"), (.test(email: "a-b@c.de"), "email"),
            (.test(email: "a+b@c.de"), "email"), (.test(email: "a@b\0"), "email"),
        ] as [(AuthAPI.Register, String)])
    func `a character outside the alphabet is refused with its field`(request: AuthAPI.Register, field: String) {
        #expect(throws: ServiceError(.forbiddenCharacters, detail: field)) {
            try AccountRules.checkAlphabets(of: AccountTexts(request))
        }
    }

    @Test(
        arguments: [
            .test("azAZ09", password: "azAZ09", phoneNumber: "+86-0123456", email: "azAZ09@a.b"), .test(email: ""),
            .test(email: "@.@."),
        ] as [AuthAPI.Register])
    func `characters of the alphabet pass`(request: AuthAPI.Register) throws {
        try AccountRules.checkAlphabets(of: AccountTexts(request))
    }

    @Test func `a picture may have as many bytes as the limit says`() throws {
        try rules.checkSize(ofPicture: Blob([1, 2, 3, 4]))
        #expect(throws: ServiceError(.pictureTooLarge, detail: "4")) {
            try rules.checkSize(ofPicture: Blob([1, 2, 3, 4, 5]))
        }
    }

    @Test(arguments: [(1, "m_1"), (35, "m_z"), (36, "m_10"), (9_007_199_254_740_991, "m_2gosa7pa2gv")])
    func `the default handle is made of the id`(id: Int64, handle: String) {
        #expect(AccountRules.defaultHandle(of: AccountID(id)) == handle)
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
    @Test func `a session ends on a whole second and keeps a bounded device label`() {
        let opening = SessionOpening(
            .test(device: String(repeating: "d", count: 300)), account: AccountID(1), lifetimeSeconds: 60,
            now: 1_999)

        #expect(opening.openedAt == 1_999)
        #expect(opening.expiresAt == 61_000)
        #expect(opening.device.count == 255)
    }
}
