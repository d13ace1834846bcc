import COpenSSL

/// Returns `count` bytes of libcrypto's generator (`RAND_bytes`), fit for keys, salts and opaque tokens.
///
/// - Precondition: `count` is not negative and fits in 32 bits.
/// - Throws: ``CryptoError/operationFailed(_:reason:)`` if the generator could not be seeded. The caller must not go on
///   with other bytes.
package func secureRandomBytes(_ count: Int) throws -> [UInt8] {
    precondition(count >= 0 && count <= Int(Int32.max), "the number of random bytes must be in 0...2^31-1")
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw CryptoError.fromLibrary("RAND_bytes") }
    return bytes
}

/// Compares two byte strings in a time that depends on their lengths only, so that the answer cannot be found byte by
/// byte. Strings of different lengths are unequal.
package func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    guard !left.isEmpty else { return true }
    return CRYPTO_memcmp(left, right, left.count) == 0
}

extension [UInt8] {
    /// Overwrites the bytes in place. Copies made elsewhere are out of reach, so this shortens the life of a secret in
    /// memory but does not promise that it is gone.
    mutating func wipe() {
        withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            OPENSSL_cleanse(start, buffer.count)
        }
    }
}
