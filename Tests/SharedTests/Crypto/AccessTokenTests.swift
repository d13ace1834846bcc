import Testing

@testable import SharedCrypto

@Suite("Access tokens")
struct AccessTokenTests {
    let forge = Forge()

    @Test func `a token carries its claims to the verifier`() throws {
        let token = try forge.signer.sign(Forge.claims)

        #expect(try forge.verifier.verify(token, now: 1000) == Forge.claims)
        #expect(try forge.signer.sign(Forge.claims) == token)
    }

    @Test func `the header and the payload have exactly the agreed fields`() throws {
        let parts = try forge.signer.sign(Forge.claims).split(separator: ".")

        let header = try #require(Base64URL.decode(parts[0]))
        let payload = try #require(Base64URL.decode(parts[1]))

        #expect(
            String(decoding: header, as: UTF8.self) == #"{"alg":"EdDSA","kid":"\#(forge.keyID)","typ":"at+jwt"}"#)
        #expect(
            String(decoding: payload, as: UTF8.self)
                == #"{"iss":"martlet","aud":"martlet","sub":"42","sid":"7","dia":"classic","iat":1000,"exp":1900}"#)
    }

    @Test func `issuer and audience with special characters survive`() throws {
        let name = "a\"b\\c\n\u{1F}é😀/"
        let signer = TokenSigner(key: forge.key, issuer: name, audience: name)
        let keys = [forge.keyID: forge.key.publicKey]
        let verifier = TokenVerifier(keys: keys, issuer: name, audience: name)

        let token = try signer.sign(Forge.claims)

        #expect(try verifier.verify(token, now: 1000) == Forge.claims)
        #expect(throws: TokenError.wrongPurpose) { try forge.verifier.verify(token, now: 1000) }
    }

    @Test func `the largest identifiers and times survive`() throws {
        let claims = AccessClaims(
            account: .max, session: .max, dialect: String(repeating: "z", count: 32), issuedAt: 0, expiresAt: .max)

        let token = try forge.signer.sign(claims)

        #expect(try forge.verifier.verify(token, now: 0) == claims)
    }

    @Test(arguments: [
        AccessClaims(account: 0, session: 7, dialect: "rest", issuedAt: 1, expiresAt: 2),
        AccessClaims(account: -1, session: 7, dialect: "rest", issuedAt: 1, expiresAt: 2),
        AccessClaims(account: 42, session: 0, dialect: "rest", issuedAt: 1, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: "", issuedAt: 1, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: "a\"b", issuedAt: 1, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: "Rest", issuedAt: 1, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: String(repeating: "z", count: 33), issuedAt: 1, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: "rest", issuedAt: -1, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: "rest", issuedAt: 2, expiresAt: 2),
        AccessClaims(account: 42, session: 7, dialect: "rest", issuedAt: .max, expiresAt: .min),
    ])
    func `claims that no verifier would accept are not signed`(claims: AccessClaims) {
        #expect(throws: CryptoError.self) { try forge.signer.sign(claims) }
    }

    @Test func `a token ends at its expiry to the second and still names its session`() throws {
        let token = try forge.signer.sign(Forge.claims)

        #expect(try forge.verifier.verify(token, now: 1899) == Forge.claims)
        for now in [1900, 1901, 1959, 100_000, Int64.max] {
            #expect(throws: TokenError.expired(Forge.claims)) { try forge.verifier.verify(token, now: now) }
        }
    }

    @Test func `a token made in the future is no forgery, however far the clocks are apart`() throws {
        let token = try forge.signer.sign(Forge.claims)

        for now in [999, 940, 0, -1, Int64.min] {
            #expect(try forge.verifier.verify(token, now: now) == Forge.claims)
        }
    }

    @Test func `during a rotation both keys are accepted, and one can be removed alone`() throws {
        let other = try Ed25519PrivateKey.generate()
        let old = try forge.signer.sign(Forge.claims)
        let new = try TokenSigner(key: other).sign(Forge.claims)
        let both = TokenVerifier(keys: [forge.keyID: forge.key.publicKey, other.publicKey.keyID: other.publicKey])
        let onlyNew = TokenVerifier(keys: [other.publicKey.keyID: other.publicKey])

        #expect(try both.verify(old, now: 1000) == Forge.claims)
        #expect(try both.verify(new, now: 1000) == Forge.claims)
        #expect(try onlyNew.verify(new, now: 1000) == Forge.claims)
        #expect(throws: TokenError.unknownKey(forge.keyID)) { try onlyNew.verify(old, now: 1000) }
        #expect(throws: TokenError.unknownKey(forge.keyID)) { try TokenVerifier(keys: [:]).verify(old, now: 1000) }
    }

    @Test func `a token that names another known key is refused`() throws {
        let other = try Ed25519PrivateKey.generate()
        let verifier = TokenVerifier(keys: [forge.keyID: forge.key.publicKey, other.publicKey.keyID: other.publicKey])
        let token = try forge.token(header: forge.header(keyID: other.publicKey.keyID))

        #expect(throws: TokenError.badSignature) { try verifier.verify(token, now: 1000) }
    }

    @Test func `an unknown key is reported before the signature and the claims`() throws {
        let token = try forge.token(header: forge.header(keyID: "unknown"), payload: "{}")
        #expect(throws: TokenError.unknownKey("unknown")) { try forge.verifier.verify(token, now: 1000) }
    }

    @Test func `the claims of a forged token are not looked at`() throws {
        let stranger = try Ed25519PrivateKey.generate()
        for payload in ["{}", "", Forge.payload, Forge.payload.replacing("1900", with: "1"), "[[[["] {
            let token = try forge.token(payload: payload, signedBy: stranger)
            #expect(throws: TokenError.badSignature) { try forge.verifier.verify(token, now: 1000) }
        }
    }
}

/// Makes tokens that the signer would not make, genuinely signed, so that a refusal has no other reason than the one
/// that is tested.
struct Forge {
    static let claims = AccessClaims(account: 42, session: 7, dialect: "classic", issuedAt: 1000, expiresAt: 1900)
    static let payload =
        #"{"iss":"martlet","aud":"martlet","sub":"42","sid":"7","dia":"classic","iat":1000,"exp":1900}"#

    let key: Ed25519PrivateKey
    var keyID: String { key.publicKey.keyID }
    var signer: TokenSigner { TokenSigner(key: key) }
    var verifier: TokenVerifier { TokenVerifier(keys: [keyID: key.publicKey]) }
    var header: String { header(keyID: keyID) }

    init() {
        do {
            key = try Ed25519PrivateKey(seed: (0..<32).map { $0 })
        } catch {
            preconditionFailure("a fixed seed makes a key: \(error)")
        }
    }

    func header(keyID: String) -> String {
        #"{"alg":"EdDSA","kid":\#(FlatJSON.quoted(keyID)),"typ":"at+jwt"}"#
    }

    func token(
        header: String? = nil, payload: String = payload, signedBy signer: Ed25519PrivateKey? = nil
    ) throws -> String {
        try token(header: Array((header ?? self.header).utf8), payload: Array(payload.utf8), signedBy: signer)
    }

    func token(header: [UInt8], payload: [UInt8], signedBy signer: Ed25519PrivateKey? = nil) throws -> String {
        let signed = Base64URL.encode(header) + "." + Base64URL.encode(payload)
        return signed + "." + Base64URL.encode(try (signer ?? key).sign(Array(signed.utf8)))
    }

    /// Why the verifier refuses `token` at the time 1000, or nil if it does not.
    func refusal(of token: String) -> TokenError? {
        do throws(TokenError) {
            _ = try verifier.verify(token, now: 1000)
            return nil
        } catch {
            return error
        }
    }
}
