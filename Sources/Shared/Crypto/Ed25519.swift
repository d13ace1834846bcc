import COpenSSL

/// The public half of an Ed25519 key pair (RFC 8032): 32 bytes that verify signatures and cannot make them.
package struct Ed25519PublicKey: Sendable, Hashable {
    /// The length of the raw key in bytes.
    package static let byteCount = 32
    /// The length of a signature in bytes.
    package static let signatureByteCount = 64

    /// The 32 bytes of the encoded point (RFC 8032, section 5.1.2).
    package let rawBytes: [UInt8]

    /// Wraps 32 raw bytes. Bytes that encode no point of the curve are accepted here and verify nothing.
    ///
    /// - Throws: ``CryptoError/invalidKey(_:)`` for another length.
    package init(rawBytes: [UInt8]) throws {
        guard rawBytes.count == Self.byteCount else {
            throw CryptoError.invalidKey("an Ed25519 public key has 32 bytes, not \(rawBytes.count)")
        }
        self.rawBytes = rawBytes
    }

    /// The name of the key in token headers: the first 16 characters of the base64url SHA-256 of the raw key.
    package var keyID: String {
        String(Base64URL.encode(SHA256.hash(rawBytes)).prefix(16))
    }

    /// Tells whether `signature` is the owner's signature of exactly these bytes.
    ///
    /// A signature of another length, one whose scalar is not reduced, and a failure inside libcrypto all answer false.
    package func verify(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == Self.signatureByteCount else { return false }
        // A refused signature leaves entries in this thread's error queue.
        defer { ERR_clear_error() }
        guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, rawBytes, rawBytes.count) else {
            return false
        }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        // Anything but 1 is a refusal: 0 is a wrong signature, negative values are errors.
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// An Ed25519 key pair (RFC 8032) that signs. Printing it shows the key ID only.
package struct Ed25519PrivateKey: Sendable, CustomStringConvertible {
    /// The public half.
    package let publicKey: Ed25519PublicKey
    private let handle: Ed25519KeyHandle

    /// Makes a new key pair from 32 random bytes.
    ///
    /// - Throws: ``CryptoError/operationFailed(_:reason:)`` if there is no randomness or no memory.
    package static func generate() throws -> Ed25519PrivateKey {
        var seed = try secureRandomBytes(Ed25519KeyHandle.seedByteCount)
        defer { seed.wipe() }
        return try Ed25519PrivateKey(seed: seed)
    }

    /// Reads an unencrypted PKCS#8 key (RFC 8410, section 7) in PEM, as ``pem`` and
    /// `openssl genpkey -algorithm ed25519` write it. White space at the end is ignored; any other difference is
    /// refused.
    ///
    /// - Throws: ``CryptoError/invalidKey(_:)``, whose text shows nothing of the input.
    package init(pem: String) throws {
        var document = try PKCS8.document(inPEM: pem)
        defer { document.wipe() }
        guard document.count == PKCS8.prefix.count + Ed25519KeyHandle.seedByteCount,
            document.starts(with: PKCS8.prefix)
        else { throw CryptoError.invalidKey("the PEM text holds no plain Ed25519 private key") }
        var seed = Array(document.dropFirst(PKCS8.prefix.count))
        defer { seed.wipe() }
        try self.init(seed: seed)
    }

    /// Takes the 32 secret bytes that RFC 8032 calls the private key.
    init(seed: [UInt8]) throws {
        handle = try Ed25519KeyHandle(seed: seed)
        publicKey = try handle.publicKey()
    }

    /// The secret key as unencrypted PKCS#8 (RFC 8410, section 7) in PEM, with a final line feed.
    ///
    /// - Throws: ``CryptoError/operationFailed(_:reason:)``.
    package var pem: String {
        get throws {
            var document = try PKCS8.prefix + handle.seed()
            defer { document.wipe() }
            return PKCS8.pem(of: document)
        }
    }

    /// Returns the 64-byte signature of `message`; the same message always has the same signature.
    ///
    /// - Throws: ``CryptoError/operationFailed(_:reason:)``.
    package func sign(_ message: [UInt8]) throws -> [UInt8] {
        try handle.sign(message)
    }

    package var description: String { "Ed25519PrivateKey(\(publicKey.keyID))" }
}

/// Owns one `EVP_PKEY`. libcrypto overwrites the secret bytes when the last reference goes.
///
/// `@unchecked Sendable` holds because the pointer is set once in `init`, freed once in `deinit` and never handed out,
/// and because after `init` the key is only read: each call makes its own `EVP_MD_CTX`, and libcrypto guards the
/// reference count and caches inside an `EVP_PKEY` by its own lock (openssl-threads(7)).
private final class Ed25519KeyHandle: @unchecked Sendable {
    static let seedByteCount = 32
    private let key: OpaquePointer

    init(seed: [UInt8]) throws {
        guard seed.count == Self.seedByteCount else {
            throw CryptoError.invalidKey("an Ed25519 private key has 32 bytes, not \(seed.count)")
        }
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            throw CryptoError.fromLibrary("EVP_PKEY_new_raw_private_key")
        }
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    func publicKey() throws -> Ed25519PublicKey {
        var bytes = [UInt8](repeating: 0, count: Ed25519PublicKey.byteCount)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1 else {
            throw CryptoError.fromLibrary("EVP_PKEY_get_raw_public_key")
        }
        return try Ed25519PublicKey(rawBytes: Array(bytes.prefix(count)))
    }

    func seed() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.seedByteCount)
        var count = bytes.count
        guard EVP_PKEY_get_raw_private_key(key, &bytes, &count) == 1, count == bytes.count else {
            throw CryptoError.fromLibrary("EVP_PKEY_get_raw_private_key")
        }
        return bytes
    }

    func sign(_ message: [UInt8]) throws -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw CryptoError.fromLibrary("EVP_MD_CTX_new") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else {
            throw CryptoError.fromLibrary("EVP_DigestSignInit")
        }
        var signature = [UInt8](repeating: 0, count: Ed25519PublicKey.signatureByteCount)
        var count = signature.count
        guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == signature.count else {
            throw CryptoError.fromLibrary("EVP_DigestSign")
        }
        return signature
    }
}

/// The one PKCS#8 shape we write and read. It is fixed for Ed25519, so libcrypto's PEM reader, which guesses formats,
/// skips text around the key and asks the terminal for passwords, is not needed.
private enum PKCS8 {
    /// SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING (32 bytes) } } up to the seed.
    static let prefix: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    private static let header = "-----BEGIN PRIVATE KEY-----"
    private static let footer = "-----END PRIVATE KEY-----"

    /// The document of 48 bytes makes exactly one line of 64 characters, without padding.
    static func pem(of document: [UInt8]) -> String {
        "\(header)\n\(Base64Alphabet.standard.encode(document))\n\(footer)\n"
    }

    static func document(inPEM pem: String) throws -> [UInt8] {
        var lines = pem.split(separator: "\n", omittingEmptySubsequences: false)
        while let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
        guard lines.count == 3, lines[0] == header, lines[2] == footer,
            let document = Base64Alphabet.standard.decode(lines[1].utf8)
        else { throw CryptoError.invalidKey("the text is not one PEM block \"PRIVATE KEY\"") }
        return document
    }
}
