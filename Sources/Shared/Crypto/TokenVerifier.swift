/// Why an access token is refused. Clients get one answer for all of them; the difference is for the server.
package enum TokenError: Error, Sendable, Hashable {
    /// Not a token that ``TokenSigner`` writes: shape, size, algorithm, header fields or claims are wrong, or a claim
    /// says that it is not valid yet.
    case malformed
    /// Well-formed, but signed with a key that is not known here. A rotation may explain it, so fetching the keys again
    /// can help; anybody can cause it, so the fetching needs a limit. The value is 1 to 64 of `A-Z a-z 0-9 - _`.
    case unknownKey(String)
    /// The signature does not belong to these bytes and this key.
    case badSignature
    /// Genuine and right in everything but the time. The claims name the session that was meant and grant nothing.
    case expired(AccessClaims)
    /// A token of another type, issuer or audience.
    case wrongPurpose
}

/// Checks access tokens that ``TokenSigner`` made, with public keys only. It follows RFC 8725: algorithm and type are
/// fixed, and no field of a token is ever used to find a key elsewhere.
package struct TokenVerifier: Sendable {
    /// The size in bytes above which a token is refused unread.
    package static let byteLimit = 4096
    private static let keyIDLimit = 64

    private let keys: [String: Ed25519PublicKey]
    private let issuer: String
    private let audience: String

    /// Accepts tokens signed with any of `keys`, which are found by their ``Ed25519PublicKey/keyID``.
    package init(keys: [String: Ed25519PublicKey], issuer: String = "martlet", audience: String = "martlet") {
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
    }

    /// Returns the claims of `token` at the time `now`, in seconds since 1970.
    ///
    /// A token that was made in the future is genuine all the same: nobody else has the key, and its maker's clock is
    /// the better one.
    ///
    /// `token` is the bare JWT, without `Bearer`. A valid token may still belong to a session that was revoked; that is
    /// for the caller to find out.
    ///
    /// - Throws: ``TokenError``. Nothing in the payload is looked at before the signature has been found genuine.
    package func verify(_ token: String, now: Int64) throws(TokenError) -> AccessClaims {
        guard token.utf8.count <= Self.byteLimit else { throw .malformed }
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3,
            let header = Base64Alphabet.urlSafe.decode(parts[0]),
            let payload = Base64Alphabet.urlSafe.decode(parts[1]),
            let signature = Base64Alphabet.urlSafe.decode(parts[2]),
            signature.count == Ed25519PublicKey.signatureByteCount
        else { throw .malformed }

        let key = try key(for: header)
        guard key.verify(signature, for: Array(bytes[..<parts[1].endIndex])) else { throw .badSignature }
        return try claims(in: payload, now: now)
    }

    private func key(for header: [UInt8]) throws(TokenError) -> Ed25519PublicKey {
        // Three known fields and no other: that refuses jwk, jku, x5u, x5c and crit together with all that may follow.
        guard let fields = FlatJSON(header), fields.count == 3,
            fields.has("alg", equalTo: "EdDSA"),
            case .string(let keyID) = fields.value("kid"), Self.isKeyID(keyID),
            case .string = fields.value("typ")
        else { throw .malformed }
        guard fields.has("typ", equalTo: "at+jwt") else { throw .wrongPurpose }
        let name = String(decoding: keyID, as: UTF8.self)
        guard let key = keys[name] else { throw .unknownKey(name) }
        return key
    }

    /// Key IDs are base64url. Refusing all else here keeps odd ones out of whatever is done about an unknown key.
    private static func isKeyID(_ name: [UInt8]) -> Bool {
        guard 1...keyIDLimit ~= name.count else { return false }
        return name.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    private func claims(in payload: [UInt8], now: Int64) throws(TokenError) -> AccessClaims {
        guard let fields = FlatJSON(payload) else { throw .malformed }
        guard fields.has("iss", equalTo: issuer), fields.has("aud", equalTo: audience) else { throw .wrongPurpose }
        guard let account = Self.identifier(fields.value("sub")),
            let session = Self.identifier(fields.value("sid")),
            case .string(let dialect) = fields.value("dia"),
            let issuedAt = fields.integer("iat"),
            let expiresAt = fields.integer("exp")
        else { throw .malformed }
        let claims = AccessClaims(
            account: account,
            session: session,
            dialect: String(decoding: dialect, as: UTF8.self),
            issuedAt: issuedAt,
            expiresAt: expiresAt)
        guard claims.defect == nil else { throw .malformed }
        // We never write nbf, but a claim that limits the token may not be passed over.
        if let notBefore = fields.value("nbf") {
            guard case .integer(let time) = notBefore, 0...max(0, now) ~= time else { throw .malformed }
        }
        guard expiresAt > now else { throw .expired(claims) }
        return claims
    }

    /// Reads a decimal greater than 0 in its only spelling: no sign, no leading zero.
    private static func identifier(_ value: FlatJSON.Value?) -> Int64? {
        guard case .string(let text) = value, let first = text.first,
            UInt8(ascii: "1")...UInt8(ascii: "9") ~= first
        else { return nil }
        return Int64(String(decoding: text, as: UTF8.self))
    }
}
