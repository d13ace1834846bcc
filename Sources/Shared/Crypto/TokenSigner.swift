/// Makes access tokens: JWTs (RFC 7519) signed with Ed25519 (RFC 8037), typed `at+jwt` (RFC 9068).
package struct TokenSigner: Sendable {
    private let key: Ed25519PrivateKey
    private let header: String
    private let issuer: String
    private let audience: String

    /// Signs with `key`, whose ``Ed25519PublicKey/keyID`` becomes the `kid` of every token.
    package init(key: Ed25519PrivateKey, issuer: String = "martlet", audience: String = "martlet") {
        let header = #"{"alg":"EdDSA","kid":\#(FlatJSON.quoted(key.publicKey.keyID)),"typ":"at+jwt"}"#
        self.key = key
        self.header = Base64URL.encode(header.utf8)
        self.issuer = FlatJSON.quoted(issuer)
        self.audience = FlatJSON.quoted(audience)
    }

    /// Returns the token for `claims`. The same claims always give the same token.
    ///
    /// - Throws: ``CryptoError/invalidClaims(_:)`` if ``TokenVerifier`` would refuse the claims at any time: an
    ///   identifier that is not positive, an expiry that is not later than the issue, a dialect that is no plain word,
    ///   or names so long that the token would not fit its size limit; ``CryptoError/operationFailed(_:reason:)``.
    package func sign(_ claims: AccessClaims) throws -> String {
        if let defect = claims.defect { throw CryptoError.invalidClaims(defect) }
        // The dialect is a plain word by now; identifiers are texts because JSON readers round large numbers.
        let payload =
            #"{"iss":\#(issuer),"aud":\#(audience),"sub":"\#(claims.account)","sid":"\#(claims.session)","#
            + #""dia":"\#(claims.dialect)","iat":\#(claims.issuedAt),"exp":\#(claims.expiresAt)}"#
        let signed = header + "." + Base64URL.encode(payload.utf8)
        let token = signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
        guard token.utf8.count <= TokenVerifier.byteLimit else {
            throw CryptoError.invalidClaims("the token would be longer than \(TokenVerifier.byteLimit) bytes")
        }
        return token
    }
}
