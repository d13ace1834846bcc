import CZeroMQ

/// A Curve25519 key pair in Z85 text, as ZeroMQ's CURVE mechanism wants it (RFC 26/CURVEZMQ).
package struct CurveKeyPair: Sendable, Hashable {
    /// 40 characters of Z85.
    package let publicKey: String
    /// 40 characters of Z85; never log it.
    package let secretKey: String

    /// Makes a fresh pair from libsodium's random source.
    package static func generate() throws(ZMQError) -> CurveKeyPair {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secretKey = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw ZMQError("zmq_curve_keypair") }
        return CurveKeyPair(generatedPublicKey: text(publicKey), secretKey: text(secretKey))
    }

    /// Adopts a pair read from a file; `nil` when the two halves do not belong together.
    package init?(publicKey: String, secretKey: String) {
        guard publicKey.utf8.count == 40, secretKey.utf8.count == 40 else { return nil }
        var derived = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&derived, secretKey) == 0, Self.text(derived) == publicKey else { return nil }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    private init(generatedPublicKey publicKey: String, secretKey: String) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// The 32 raw bytes of the public key, as a ZAP request carries them (RFC 27/ZAP).
    package var rawPublicKey: [UInt8] {
        var raw = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&raw, publicKey) == nil ? [] : raw
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
