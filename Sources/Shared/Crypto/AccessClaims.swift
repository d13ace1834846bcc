/// What an access token says about its bearer.
package struct AccessClaims: Sendable, Hashable {
    /// The account, greater than 0.
    package let account: Int64
    /// The session that the token belongs to, greater than 0; the token ends with it.
    package let session: Int64
    /// The dialect in which the session was opened, such as `classic`.
    package let dialect: String
    /// When the token was made, in seconds since 1970.
    package let issuedAt: Int64
    /// From when on the token is refused, in seconds since 1970.
    package let expiresAt: Int64

    /// Keeps the values as they are; ``TokenSigner`` and ``TokenVerifier`` check them.
    package init(account: Int64, session: Int64, dialect: String, issuedAt: Int64, expiresAt: Int64) {
        self.account = account
        self.session = session
        self.dialect = dialect
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    /// Tells what is wrong, whatever the time is, or nil. Signer and verifier share the rules, so that nothing is
    /// signed that would be refused.
    var defect: String? {
        if account <= 0 { return "account must be greater than 0" }
        if session <= 0 { return "session must be greater than 0" }
        if !Self.isDialect(dialect.utf8) { return "dialect must be 1 to 32 of a-z, 0-9, - and _" }
        if issuedAt < 0 { return "issuedAt must not be negative" }
        if expiresAt <= issuedAt { return "expiresAt must be later than issuedAt" }
        return nil
    }

    private static func isDialect(_ name: String.UTF8View) -> Bool {
        guard 1...32 ~= name.count else { return false }
        return name.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }
}
