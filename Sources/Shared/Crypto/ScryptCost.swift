/// How much memory and work one password hash takes (RFC 7914, section 2).
package struct ScryptCost: Sendable, Hashable {
    /// The number of blocks held in memory, a power of two.
    package let n: Int
    /// The size of a block in units of 128 bytes.
    package let r: Int
    /// How many times the work is done, one after the other.
    package let p: Int

    /// N = 2^15, r = 8, p = 3: 32 MiB, one of the equally strong settings that OWASP's password storage sheet lists.
    package static let standard = ScryptCost(uncheckedN: 32768, r: 8, p: 3)

    /// The memory that one hash may take. A record with higher parameters is refused, so that a damaged or planted one
    /// cannot exhaust the machine.
    package static let memoryLimit = 256 << 20

    /// Checks the ranges: `n` a power of two in 1024...1048576, `r` in 1...32, `p` in 1...16, and no more than
    /// ``memoryLimit`` bytes together.
    ///
    /// - Throws: ``CryptoError/invalidCost(_:)`` that names the parameter.
    package init(n: Int = 32768, r: Int = 8, p: Int = 3) throws {
        guard 1 << 10...1 << 20 ~= n, n & (n - 1) == 0 else {
            throw CryptoError.invalidCost("n must be a power of two in 1024...1048576, not \(n)")
        }
        guard 1...32 ~= r else { throw CryptoError.invalidCost("r must be in 1...32, not \(r)") }
        guard 1...16 ~= p else { throw CryptoError.invalidCost("p must be in 1...16, not \(p)") }
        self.init(uncheckedN: n, r: r, p: p)
        guard memory <= Self.memoryLimit else {
            throw CryptoError.invalidCost("n=\(n), r=\(r), p=\(p) take more than \(Self.memoryLimit) bytes")
        }
    }

    private init(uncheckedN n: Int, r: Int, p: Int) {
        self.n = n
        self.r = r
        self.p = p
    }

    /// The bytes that one hash takes while it runs.
    package var memory: Int { Scrypt.memory(n: n, r: r, p: p) }

    var logN: Int { n.trailingZeroBitCount }

    /// Whether this cost takes less memory, or less work in all, than `other`.
    func isWeaker(than other: ScryptCost) -> Bool {
        n * r < other.n * other.r || n * r * p < other.n * other.r * other.p
    }
}
