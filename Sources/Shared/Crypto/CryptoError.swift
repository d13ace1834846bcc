import COpenSSL

/// A failure of a cryptographic primitive or an input that cannot be a key or a record.
///
/// The text of a case never contains key material, passwords or hashes.
package enum CryptoError: Error, Sendable, Hashable, CustomStringConvertible {
    /// libcrypto refused the named operation, for lack of memory or of randomness; the reason is its own text.
    case operationFailed(String, reason: String)
    /// The text or the bytes are not a key of the expected kind.
    case invalidKey(String)
    /// The text is not a password record of the form that ``PasswordRecord`` writes.
    case invalidRecord(String)
    /// The scrypt parameters are outside the permitted ranges.
    case invalidCost(String)
    /// The claims cannot be put into an access token.
    case invalidClaims(String)

    package var description: String {
        switch self {
        case .operationFailed(let operation, let reason): "\(operation) failed: \(reason)"
        case .invalidKey(let reason): "not a usable key: \(reason)"
        case .invalidRecord(let reason): "not a password record: \(reason)"
        case .invalidCost(let reason): "unusable scrypt cost: \(reason)"
        case .invalidClaims(let reason): "unusable access claims: \(reason)"
        }
    }

    /// Turns libcrypto's error queue into one error and leaves the queue of this thread empty.
    static func fromLibrary(_ operation: String) -> CryptoError {
        let code = ERR_get_error()
        // Later entries describe the same failure; left behind they would be blamed on the next call of this thread.
        ERR_clear_error()
        guard code != 0, let text = ERR_reason_error_string(code) else {
            return .operationFailed(operation, reason: "no reason given (code \(code))")
        }
        return .operationFailed(operation, reason: String(cString: text))
    }
}
