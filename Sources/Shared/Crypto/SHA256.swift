import COpenSSL

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// The length of a digest in bytes.
    package static let byteCount = 32

    /// Returns the 32 bytes of the digest of `bytes`; for a text, pass its `utf8` view.
    package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        if let digest = bytes.withContiguousStorageIfAvailable({ digest(of: UnsafeRawBufferPointer($0)) }) {
            return digest
        }
        return Array(bytes).withUnsafeBytes { digest(of: $0) }
    }

    private static func digest(of buffer: UnsafeRawBufferPointer) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        let status = EVP_Digest(buffer.baseAddress, buffer.count, &output, nil, EVP_sha256(), nil)
        // No input can cause this; a process whose libcrypto has no SHA-256 cannot do anything safely.
        precondition(status == 1, "libcrypto offers no SHA-256")
        return output
    }
}
