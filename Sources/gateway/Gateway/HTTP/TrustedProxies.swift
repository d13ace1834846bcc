import Glibc

/// The addresses from which what a proxy says of its client is believed.
///
/// A peer on a Unix socket, which has no address, always is: only this process's own user can connect to it.
struct TrustedProxies: Sendable, Equatable {
    /// Addresses that begin with the same bits.
    private struct Network: Sendable, Equatable {
        /// 4 bytes of IPv4, 16 of IPv6.
        let bytes: [UInt8]
        let bits: Int

        func contains(_ address: [UInt8]) -> Bool {
            guard address.count == bytes.count else { return false }
            let whole = bits / 8
            guard address[..<whole] == bytes[..<whole] else { return false }
            guard bits % 8 > 0 else { return true }
            return (address[whole] ^ bytes[whole]) >> UInt8(8 - bits % 8) == 0
        }
    }

    private var networks: [Network] = []

    /// Nobody that has an address.
    static let none = TrustedProxies()

    /// This host.
    static let loopback: TrustedProxies = {
        var proxies = TrustedProxies()
        proxies.networks = [
            Network(bytes: [127, 0, 0, 0], bits: 8), Network(bytes: [UInt8](repeating: 0, count: 15) + [1], bits: 128),
        ]
        return proxies
    }()

    private init() {}

    /// Addresses and networks (`10.0.0.0/8`, `fd00::/8`), by comma.
    ///
    /// - Throws: ``Malformed`` for what is neither.
    init(_ text: String) throws(Malformed) {
        for entry in text.split(separator: ",") {
            let entry = entry.filter { $0 != " " }
            let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let address = Self.bytes(of: String(parts[0])),
                let bits = parts.count == 1 ? address.count * 8 : Self.number(parts[1]), bits <= address.count * 8
            else { throw Malformed(entry: entry) }
            networks.append(Network(bytes: address, bits: bits))
        }
    }

    /// - Parameter peer: as of ``HTTPRequest/remoteAddress``.
    func contains(_ peer: String) -> Bool {
        guard let bytes = Self.bytes(of: peer) else { return true }
        return networks.contains { $0.contains(bytes) }
    }

    /// An entry that is neither an address nor a network.
    struct Malformed: Error {
        let entry: String
    }

    private static func number(_ text: Substring) -> Int? { text.allSatisfy(\.isNumber) ? Int(text) : nil }

    /// `nil` for what is no address. An IPv4 client that a socket for both families sees as `::ffff:a.b.c.d` is one of IPv4.
    private static func bytes(of text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &bytes) == 1 { return bytes }
        bytes = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes[12...]) : bytes
    }
}
