import Testing

@testable import SharedCrypto

@Suite("Ed25519")
struct Ed25519Tests {
    /// RFC 8032, section 7.1, tests 1 to 3: secret key, public key, message, signature.
    static let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test(arguments: vectors)
    func `signatures are those of RFC 8032`(seed: String, publicKey: String, message: String, signature: String) throws
    {
        let key = try Ed25519PrivateKey(seed: bytes(hex: seed))

        #expect(hex(key.publicKey.rawBytes) == publicKey)
        #expect(hex(try key.sign(bytes(hex: message))) == signature)
        #expect(key.publicKey.verify(bytes(hex: signature), for: bytes(hex: message)))
    }

    @Test func `the key of RFC 8410 is read and written`() throws {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
            -----END PRIVATE KEY-----

            """

        let key = try Ed25519PrivateKey(pem: pem)

        #expect(hex(key.publicKey.rawBytes) == "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1")
        #expect(try key.pem == pem)
    }

    @Test func `a new key survives PEM and signs as before`() throws {
        let key = try Ed25519PrivateKey.generate()
        let copy = try Ed25519PrivateKey(pem: key.pem)
        let other = try Ed25519PrivateKey.generate()

        let signature = try key.sign([1, 2, 3])

        #expect(copy.publicKey == key.publicKey)
        #expect(try copy.sign([1, 2, 3]) == signature)
        #expect(other.publicKey != key.publicKey)
        #expect(!other.publicKey.verify(signature, for: [1, 2, 3]))
        #expect(!key.publicKey.verify(signature, for: [1, 2, 4]))
    }

    @Test func `a signature with an unreduced scalar or of another length is refused`() throws {
        let key = try Ed25519PrivateKey.generate()
        let signature = try key.sign([7])
        // S + L satisfies the same equation; RFC 8032, section 5.1.7, demands S < L.
        let order: [UInt8] =
            bytes(hex: "edd3f55c1a631258d69cf7a2def9de14") + [UInt8](repeating: 0, count: 15) + [0x10]
        var altered = signature
        var carry = 0
        for index in 0..<32 {
            let sum = Int(altered[32 + index]) + Int(order[index]) + carry
            altered[32 + index] = UInt8(sum & 0xFF)
            carry = sum >> 8
        }

        #expect(key.publicKey.verify(signature, for: [7]))
        #expect(altered != signature && carry == 0)
        #expect(!key.publicKey.verify(altered, for: [7]))
        #expect(!key.publicKey.verify(Array(signature.dropLast()), for: [7]))
        #expect(!key.publicKey.verify(signature + [0], for: [7]))
        #expect(!key.publicKey.verify([], for: [7]))
    }

    @Test func `a public key has 32 bytes, and bytes that are no point verify nothing`() throws {
        let signature = try Ed25519PrivateKey.generate().sign([])
        #expect(throws: CryptoError.self) { try Ed25519PublicKey(rawBytes: []) }
        #expect(throws: CryptoError.self) { try Ed25519PublicKey(rawBytes: [UInt8](repeating: 1, count: 33)) }

        let noPoint = try Ed25519PublicKey(rawBytes: [2] + [UInt8](repeating: 0, count: 31))
        #expect(!noPoint.verify(signature, for: []))
    }

    @Test func `the key ID is the start of the public key's digest and belongs to one key`() throws {
        let key = try Ed25519PrivateKey(seed: bytes(hex: Self.vectors[0].0)).publicKey
        let whole = Base64URL.encode(SHA256.hash(key.rawBytes))

        #expect(key.keyID.count == 16)
        #expect(whole.hasPrefix(key.keyID))
        #expect(try Ed25519PrivateKey.generate().publicKey.keyID != key.keyID)
    }

    @Test func `printing a private key shows its ID only`() throws {
        let key = try Ed25519PrivateKey.generate()
        #expect("\(key)" == "Ed25519PrivateKey(\(key.publicKey.keyID))")
    }

    @Test func `a PEM text that differs in anything is refused`() throws {
        let pem = try Ed25519PrivateKey.generate().pem
        let lines = pem.split(separator: "\n").map(String.init)
        func block(_ content: String) -> String { "\(lines[0])\n\(content)\n\(lines[2])\n" }
        let damaged: [String] = [
            "", "\n", "key", String(pem.dropFirst()), String(pem.dropLast(3)),
            "note\n\(pem)", "\(pem)\(pem)", "\(pem)note",
            pem.replacing("PRIVATE", with: "PUBLIC"), pem.replacing("PRIVATE", with: "ENCRYPTED PRIVATE"),
            pem.replacing("\n", with: "\r\n"), pem.replacing("\n", with: ""),
            block(String(lines[1].dropLast(4))), block("\(lines[1])AAAA"), block("-\(lines[1].dropFirst())"),
            block("\(lines[1].prefix(32))\n\(lines[1].suffix(32))"),
            // The same bytes under the name of X25519.
            block("MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"),
        ]
        #expect(throws: Never.self) { try Ed25519PrivateKey(pem: pem) }
        #expect(throws: Never.self) { try Ed25519PrivateKey(pem: pem + " \n\n") }

        for text in damaged {
            #expect(throws: CryptoError.self, "\(text)") { try Ed25519PrivateKey(pem: text) }
        }
    }
}
