import COpenSSL

/// The scrypt function itself (RFC 7914), for any parameters; ``ScryptCost`` decides which are acceptable.
enum Scrypt {
    /// The bytes that libcrypto allocates: B of p blocks, V of n blocks, and two blocks of scratch.
    static func memory(n: Int, r: Int, p: Int) -> Int { 128 * r * (n + p + 2) }

    static func derive(password: [UInt8], salt: [UInt8], n: Int, r: Int, p: Int, count: Int) throws -> [UInt8] {
        var key = [UInt8](repeating: 0, count: count)
        // Stated, because libcrypto's own limit is 32 MiB, just too little for the standard cost.
        let limit = UInt64(memory(n: n, r: r, p: p))
        let status = password.withUnsafeBytes { password in
            EVP_PBE_scrypt(
                password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt, salt.count,
                UInt64(n), UInt64(r), UInt64(p), limit, &key, key.count)
        }
        guard status == 1 else { throw CryptoError.fromLibrary("EVP_PBE_scrypt") }
        return key
    }
}
