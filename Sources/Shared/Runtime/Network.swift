import Glibc

/// Whom an address stands for when requests are counted.
package enum Network {
    /// Characters of an unreadable address that are kept.
    private static let maxCharacters = 64

    /// An IPv4 address stands for itself, an IPv6 address for its /64: its holder owns all the others in it too.
    package static func name(of address: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, address, &bytes) == 1 else {
            return String(address.unicodeScalars.prefix(maxCharacters))
        }
        // ::ffff:a.b.c.d is how a socket for both families sees an IPv4 client.
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return bytes[12...].map { String($0) }.joined(separator: ".")
        }
        return bytes[..<8].map { String($0, radix: 16) }.joined(separator: "-")
    }
}
