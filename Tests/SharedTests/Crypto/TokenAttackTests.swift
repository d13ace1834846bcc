import Testing

@testable import SharedCrypto

/// Items 11 to 17 of the security list in the order of the list. The refused tokens carry a genuine signature wherever
/// the attack is not about the signature, and the same set-up accepts the unaltered token.
@Suite("Attacks on access tokens")
struct TokenAttackTests {
    let forge = Forge()

    @Test func `the unaltered token of these tests is accepted`() throws {
        #expect(forge.refusal(of: try forge.token()) == nil)
        #expect(try forge.token() == forge.signer.sign(Forge.claims))
    }

    // MARK: Algorithms (11, 12)

    @Test(arguments: [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS256", "PS256", "ES256", "ES256K", "ES512", "Ed25519",
        "Ed448", "eddsa", "EDDSA", "EdDSA ", "EdDSA\\u0000",
    ])
    func `an algorithm other than EdDSA is refused, signed or not`(algorithm: String) throws {
        let token = try forge.token(header: forge.header.replacing("EdDSA", with: algorithm))
        let unsigned = token.split(separator: ".").prefix(2).joined(separator: ".")

        #expect(forge.refusal(of: token) == .malformed)
        #expect(forge.refusal(of: unsigned + ".") == .malformed)
        #expect(forge.refusal(of: unsigned) == .malformed)
    }

    @Test func `a missing, empty or wrongly sized signature is refused`() throws {
        let token = try forge.token()
        let parts = token.split(separator: ".").map(String.init)
        let signature = try #require(Base64URL.decode(parts[2]))
        let signed = parts[0] + "." + parts[1]

        #expect(forge.refusal(of: signed) == .malformed)
        #expect(forge.refusal(of: signed + ".") == .malformed)
        for size in [1, 32, 63, 65, 128] {
            let resized = (signature + signature).prefix(size)
            #expect(forge.refusal(of: signed + "." + Base64URL.encode(resized)) == .malformed)
        }
        let zeros = Base64URL.encode([UInt8](repeating: 0, count: 64))
        #expect(forge.refusal(of: signed + "." + zeros) == .badSignature)
    }

    @Test func `an HMAC with the public key as secret is refused under either algorithm name`() throws {
        let secrets = [forge.key.publicKey.rawBytes, Array(Base64URL.encode(forge.key.publicKey.rawBytes).utf8)]
        for secret in secrets {
            for algorithm in ["HS256", "EdDSA"] {
                let header = forge.header.replacing("EdDSA", with: algorithm)
                let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(Forge.payload.utf8)
                let tag = hmacSHA256(Array(signed.utf8), secret: secret)

                #expect(forge.refusal(of: signed + "." + Base64URL.encode(tag)) == .malformed)
                #expect(forge.refusal(of: signed + "." + Base64URL.encode(tag + tag)) != nil)
            }
        }
    }

    // MARK: Header fields (13, 16)

    @Test(arguments: [
        #""jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        #""jku":"https://evil.example/keys""#, #""x5u":"https://evil.example/cert""#, #""x5c":["MIIB"]"#,
        #""x5c":"MIIB""#, #""x5t":"AAAA""#, #""crit":["exp"]"#, #""crit":[]"#, #""crit":"b64""#, #""b64":false"#,
        #""zip":"DEF""#, #""cty":"JWT""#, #""enc":"A256GCM""#, #""anything":1"#, #""":"""#,
    ])
    func `a header with one more field is refused`(field: String) throws {
        #expect(forge.refusal(of: try forge.token(header: "{\(field)," + forge.header.dropFirst())) == .malformed)
        #expect(forge.refusal(of: try forge.token(header: forge.header.dropLast() + ",\(field)}")) == .malformed)
    }

    @Test(arguments: [
        "", "../", "../../etc/passwd", "/dev/null", "' OR 1=1 --", "a b", "a.b", "a\u{0}b", "schlüssel", "\u{212A}ey",
        "https://evil.example", "%2e%2e", String(repeating: "k", count: 65), String(repeating: "k", count: 2000),
    ])
    func `a key ID that is no key ID is malformed, not unknown`(keyID: String) throws {
        #expect(forge.refusal(of: try forge.token(header: forge.header(keyID: keyID))) == .malformed)
    }

    @Test func `a key ID of 10 KB is refused and one of 64 characters is only unknown`() throws {
        let long = String(repeating: "k", count: 64)

        #expect(forge.refusal(of: try forge.token(header: forge.header(keyID: long))) == .unknownKey(long))
        let huge = String(repeating: "k", count: 10_240)
        #expect(forge.refusal(of: try forge.token(header: forge.header(keyID: huge))) == .malformed)
    }

    @Test func `a missing header field or one that is no text is refused`() throws {
        let id = forge.keyID
        for header in [
            #"{}"#, #"{"alg":"EdDSA","kid":"\#(id)"}"#, #"{"alg":"EdDSA","typ":"at+jwt"}"#,
            #"{"kid":"\#(id)","typ":"at+jwt"}"#, #"{"alg":1,"kid":"\#(id)","typ":"at+jwt"}"#,
            #"{"alg":"EdDSA","kid":1,"typ":"at+jwt"}"#, #"{"alg":"EdDSA","kid":null,"typ":"at+jwt"}"#,
            #"{"alg":["EdDSA"],"kid":"\#(id)","typ":"at+jwt"}"#, #"{"alg":"EdDSA","kid":"\#(id)","typ":true}"#,
            #"{"ALG":"EdDSA","kid":"\#(id)","typ":"at+jwt"}"#, #"["EdDSA","\#(id)","at+jwt"]"#, "", "null", "\"\"",
        ] {
            #expect(forge.refusal(of: try forge.token(header: header)) == .malformed, "\(header)")
        }
    }

    @Test(arguments: ["JWT", "jwt", "AT+JWT", "at+JWT", "application/at+jwt", "rt+jwt", "refresh+jwt", "dpop+jwt", ""])
    func `a token of another type is refused`(type: String) throws {
        let token = try forge.token(header: forge.header.replacing("at+jwt", with: type))
        #expect(forge.refusal(of: token) == .wrongPurpose)
    }

    // MARK: Alterations (14)

    @Test func `a token with any bit flipped is refused`() throws {
        let token = Array(try forge.token().utf8)
        for index in token.indices {
            for bit in 0..<8 {
                var altered = token
                altered[index] ^= 1 << UInt8(bit)
                let text = String(decoding: altered, as: UTF8.self)
                if forge.refusal(of: text) == nil { Issue.record("bit \(bit) of byte \(index) does not matter") }
            }
        }
    }

    @Test func `a header, payload or signature with any bit flipped is refused`() throws {
        let parts = try forge.token().split(separator: ".").map { try #require(Base64URL.decode($0)) }
        for part in parts.indices {
            for bit in 0..<parts[part].count * 8 {
                var altered = parts
                altered[part][bit / 8] ^= 1 << UInt8(bit % 8)
                let text = altered.map { Base64URL.encode($0) }.joined(separator: ".")
                if forge.refusal(of: text) == nil { Issue.record("bit \(bit) of part \(part) does not matter") }
            }
        }
    }

    @Test func `a token cut short anywhere or with a byte inserted anywhere is refused`() throws {
        let token = try forge.token()
        for length in 0..<token.count { #expect(forge.refusal(of: String(token.prefix(length))) != nil) }
        for index in token.indices {
            for extra in ["A", ".", " ", "=", "\n", "\u{0}"] {
                #expect(forge.refusal(of: token[..<index] + extra + token[index...]) != nil)
            }
        }
    }

    // MARK: Times (15)

    @Test(arguments: [
        "\"1900\"", "1900.0", "1900.5", "1.9e3", "1e308", "1e999", "-1900", "-1", "0", "-0", "null", "true", "[1900]",
        "{}", "9223372036854775808", "99999999999999999999999999", "01900", "+1900", "0x76C", "1900 1", "", "Infinity",
        "NaN", "1000", "999",
    ])
    func `an expiry that is not a whole number later than the issue is refused`(value: String) throws {
        let token = try forge.token(payload: Forge.payload.replacing("1900", with: value))
        #expect(forge.refusal(of: token) == .malformed)
    }

    @Test(arguments: [
        "\"1000\"", "1000.0", "1e3", "-1", "-9223372036854775808", "null", "false", "9223372036854775808",
        "1900", "9223372036854775807",
    ])
    func `an issue time that is no whole number before the expiry is refused`(value: String) throws {
        let token = try forge.token(payload: Forge.payload.replacing("1000", with: value))
        #expect(forge.refusal(of: token) == .malformed)
    }

    @Test(arguments: ["iss", "aud"])
    func `a token without issuer or audience is for another purpose`(name: String) throws {
        #expect(forge.refusal(of: try forge.token(payload: without(name))) == .wrongPurpose)
    }

    @Test(arguments: ["sub", "sid", "dia", "iat", "exp"])
    func `a token without one of the other claims is refused`(name: String) throws {
        #expect(forge.refusal(of: try forge.token(payload: without(name))) == .malformed)
    }

    @Test func `a past expiry is told apart, but only if all the rest is right`() throws {
        let past = Forge.payload.replacing("1000", with: "10").replacing("1900", with: "1000")
        let claims = AccessClaims(account: 42, session: 7, dialect: "classic", issuedAt: 10, expiresAt: 1000)

        #expect(forge.refusal(of: try forge.token(payload: past)) == .expired(claims))
        let otherIssuer = past.replacing(#""iss":"martlet""#, with: #""iss":"other""#)
        #expect(forge.refusal(of: try forge.token(payload: otherIssuer)) == .wrongPurpose)
        #expect(forge.refusal(of: try forge.token(payload: past.replacing("\"42\"", with: "\"0\""))) == .malformed)
    }

    @Test(arguments: [
        ("1000", true), ("1001", false), ("\"1000\"", false), ("-1", false), ("1e3", false),
    ])
    func `a not-before time is obeyed although we write none`(value: String, isAccepted: Bool) throws {
        let token = try forge.token(payload: Forge.payload.dropLast() + ",\"nbf\":\(value)}")
        #expect(forge.refusal(of: token) == (isAccepted ? nil : .malformed))
    }

    // MARK: Purpose and subject (16)

    @Test(arguments: ["other", "Martlet", "martlet ", "", "martlet\\u0000", "m\\u0430rtlet"])
    func `another issuer or audience is refused`(name: String) throws {
        for field in ["iss", "aud"] {
            let payload = Forge.payload.replacing("\"\(field)\":\"martlet\"", with: "\"\(field)\":\"\(name)\"")
            #expect(forge.refusal(of: try forge.token(payload: payload)) == .wrongPurpose)
        }
    }

    @Test func `an audience that is a number is refused, and a list is no flat token`() throws {
        let number = Forge.payload.replacing(#""aud":"martlet""#, with: #""aud":1"#)
        let list = Forge.payload.replacing(#""aud":"martlet""#, with: #""aud":["martlet"]"#)
        #expect(forge.refusal(of: try forge.token(payload: number)) == .wrongPurpose)
        #expect(forge.refusal(of: try forge.token(payload: list)) == .malformed)
    }

    @Test(arguments: [
        "0", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "", "x", "9223372036854775808", "18446744073709551617",
        "0x1", "１", "1\\u0000", "1;2", "1_000",
    ])
    func `an identifier that is no canonical decimal greater than zero is refused`(value: String) throws {
        for (field, good) in [("sub", "42"), ("sid", "7")] {
            let payload = Forge.payload.replacing("\"\(field)\":\"\(good)\"", with: "\"\(field)\":\"\(value)\"")
            #expect(forge.refusal(of: try forge.token(payload: payload)) == .malformed)
        }
    }

    @Test func `an identifier that is a number and a dialect that is no word are refused`() throws {
        for payload in [
            Forge.payload.replacing("\"42\"", with: "42"), Forge.payload.replacing("\"7\"", with: "7"),
            Forge.payload.replacing("\"classic\"", with: "1"), Forge.payload.replacing("classic", with: ""),
            Forge.payload.replacing("classic", with: "Classic"), Forge.payload.replacing("classic", with: "a b"),
            Forge.payload.replacing("classic", with: String(repeating: "c", count: 33)),
        ] {
            #expect(forge.refusal(of: try forge.token(payload: payload)) == .malformed, "\(payload)")
        }
    }

    // MARK: Encoding (17)

    @Test func `equal keys are refused, also when one is spelt with escapes`() throws {
        let id = forge.keyID
        for field in [#""alg":"EdDSA""#, #""\u0061lg":"EdDSA""#, #""kid":"\#(id)""#, #""typ":"at+jwt""#] {
            let header = forge.header.dropLast() + ",\(field)}"
            #expect(forge.refusal(of: try forge.token(header: String(header))) == .malformed)
        }
        for field in [#""sub":"42""#, #""sub":"43""#, #""s\u0075b":"43""#, #""exp":1900"#, #""iss":"martlet""#] {
            #expect(forge.refusal(of: try forge.token(payload: Forge.payload.dropLast() + ",\(field)}")) == .malformed)
            #expect(forge.refusal(of: try forge.token(payload: "{\(field)," + Forge.payload.dropFirst())) == .malformed)
        }
        let twice = Forge.payload.dropLast() + #","x":1,"x":2}"#
        #expect(forge.refusal(of: try forge.token(payload: String(twice))) == .malformed)
    }

    @Test func `an unknown plain claim does no harm`() throws {
        let payload = Forge.payload.dropLast() + #","jti":"\u00e9\ud83d\ude00\n","x":-1.5e-3,"y":null,"z":false}"#
        #expect(forge.refusal(of: try forge.token(payload: String(payload))) == nil)
    }

    @Test(arguments: [
        "", " ", "{", "}", "{}x", "{},", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{a:1}",
        "{'a':1}",
        "{\"a\":1}{}", "{\"a\":tru}", "{\"a\":TRUE}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":-}",
        "{\"a\":\"",
        "{\"a\":\"\\", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12G4\"}", "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\n\"}", "{\"a\":{}}", "{\"a\":[]}", "/**/{}",
        "\u{FEFF}{}", "{}\u{0}", "\u{A0}{}",
    ])
    func `a text that is no flat JSON object is refused`(text: String) throws {
        #expect(FlatJSON(Array(text.utf8)) == nil)
        #expect(forge.refusal(of: try forge.token(header: text)) == .malformed)
        #expect(forge.refusal(of: try forge.token(payload: text)) == .malformed)
    }

    @Test func `bytes after the payload and bytes that are no text are refused`() throws {
        let header = Array(forge.header.utf8)
        let payload = Array(Forge.payload.utf8)
        for tail in [[0x78], [0x7D], [0x00], [0xFF], [0xC3], [0xED, 0xA0, 0x80]] as [[UInt8]] {
            #expect(forge.refusal(of: try forge.token(header: header + tail, payload: payload)) == .malformed)
            #expect(forge.refusal(of: try forge.token(header: header, payload: payload + tail)) == .malformed)
        }
        let broken = payload.dropLast() + Array(#","x":""#.utf8) + [0xFF] + Array("\"}".utf8)
        #expect(forge.refusal(of: try forge.token(header: header, payload: Array(broken))) == .malformed)
    }

    @Test func `padding, white space and the other base64 alphabet are refused`() throws {
        let parts = try forge.token().split(separator: ".").map(String.init)
        for part in parts.indices {
            for change in [{ $0 + "=" }, { $0 + "==" }, { $0 + "\n" }, { " " + $0 }, { "+" + $0.dropFirst() }]
                as [(String) -> String]
            {
                var altered = parts
                altered[part] = change(altered[part])
                #expect(forge.refusal(of: altered.joined(separator: ".")) == .malformed)
            }
        }
    }

    @Test func `a signature whose unused last bits are set is refused`() throws {
        let token = try forge.token()
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

        let accepted = alphabet.filter { forge.refusal(of: token.dropLast() + String($0)) == nil }

        #expect(accepted == String(token.suffix(1)))
    }

    @Test(arguments: ["", ".", "..", "...", "....", "a.b.c", "Bearer x.y.z", "=.=.=", "\u{0}.\u{0}.\u{0}", "é.é.é"])
    func `a text of another shape is refused`(text: String) throws {
        #expect(forge.refusal(of: text) == .malformed)
    }

    @Test func `a token with another number of parts is refused`() throws {
        let token = try forge.token()
        for text in [token + ".", "." + token, token + "." + token, "Bearer " + token, token + ".e30.e30"] {
            #expect(forge.refusal(of: text) == .malformed)
        }
    }

    @Test func `a token of 4 KiB is read and a longer one is refused`() throws {
        func padded(_ count: Int) throws -> String {
            try forge.token(
                payload: Forge.payload.dropLast() + ",\"x\":\"" + String(repeating: "x", count: count) + "\"}")
        }
        let base = try padded(0).utf8.count
        let most = (TokenVerifier.byteLimit - base) / 4 * 3

        #expect(forge.refusal(of: try padded(most)) == nil)
        #expect(try padded(most).utf8.count > TokenVerifier.byteLimit - 4)
        #expect(try padded(most + 6).utf8.count > TokenVerifier.byteLimit)
        #expect(forge.refusal(of: try padded(most + 6)) == .malformed)
    }

    @Test func `a token of 100 KB is refused in far less than 5 milliseconds`() throws {
        let huge = [
            String(repeating: "A", count: 100_000), String(repeating: ".", count: 100_000),
            try forge.token(header: String(repeating: "[", count: 75_000)),
            try forge.token(payload: String(repeating: "{\"a\":", count: 20_000)),
        ]
        let rounds = 1000

        let time = ContinuousClock().measure {
            for _ in 0..<rounds { for token in huge { #expect(forge.refusal(of: token) == .malformed) } }
        }

        // The mean, because a single call may be interrupted by other work of the machine.
        #expect(time / (rounds * huge.count) < .milliseconds(5))
    }

    @Test func `random texts are refused without a crash`() throws {
        var generator = SystemRandomNumberGenerator()
        let pieces = Array("{}[]\":,\\u0123456789eE+-.truefalsn AZaz_-=\u{0}é😀")
        for _ in 0..<3000 {
            let text = String(
                (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                    pieces[Int.random(in: pieces.indices, using: &generator)]
                })
            if forge.refusal(of: text) == nil { Issue.record("accepted: \(text)") }
            if forge.refusal(of: try forge.token(header: text)) == nil { Issue.record("accepted as header: \(text)") }
            _ = FlatJSON(Array(text.utf8))
            _ = FlatJSON(Array("{\(text)}".utf8))
        }
    }

    private func without(_ name: String) -> String {
        let fields = Forge.payload.dropFirst().dropLast().split(separator: ",").filter { !$0.hasPrefix("\"\(name)\"") }
        return "{" + fields.joined(separator: ",") + "}"
    }
}

/// RFC 2104, for the one attack that needs it.
private func hmacSHA256(_ message: [UInt8], secret: [UInt8]) -> [UInt8] {
    let key = secret + [UInt8](repeating: 0, count: 64 - secret.count)
    let inner = SHA256.hash(key.map { $0 ^ 0x36 } + message)
    return SHA256.hash(key.map { $0 ^ 0x5C } + inner)
}
