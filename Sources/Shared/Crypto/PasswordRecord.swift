/// What is stored instead of a password: scrypt's cost, a random salt and the hash, as one text in the PHC string
/// format `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`.
///
/// Printing a record does not show it; the text to store is ``phc``.
package struct PasswordRecord: Sendable, Hashable, CustomStringConvertible {
    /// The parameters that the hash was made with.
    package let cost: ScryptCost
    private let salt: [UInt8]
    private let hash: [UInt8]

    private static let saltByteCount = 16
    private static let hashByteCount = 32

    /// Hashes `password` with a new salt, so that equal passwords have different records.
    ///
    /// This takes ``ScryptCost/memory`` and a good part of a second: use ``PasswordHasher`` in a service.
    ///
    /// - Throws: ``CryptoError/operationFailed(_:reason:)`` if memory or randomness is missing.
    package static func make(password: String, cost: ScryptCost = .standard) throws -> PasswordRecord {
        let salt = try secureRandomBytes(saltByteCount)
        return PasswordRecord(cost: cost, salt: salt, hash: try derive(password, salt: salt, cost: cost))
    }

    /// Makes a record of the same cost that belongs to no password, without the work of hashing one.
    static func decoy(cost: ScryptCost) throws -> PasswordRecord {
        PasswordRecord(
            cost: cost, salt: try secureRandomBytes(saltByteCount), hash: try secureRandomBytes(hashByteCount))
    }

    private init(cost: ScryptCost, salt: [UInt8], hash: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// Reads a stored text. Only the spelling that ``phc`` writes is accepted.
    ///
    /// - Throws: ``CryptoError/invalidRecord(_:)``, or ``CryptoError/invalidCost(_:)`` for parameters out of range.
    package init(phc: String) throws {
        let parts = phc.utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1].elementsEqual("scrypt".utf8) else {
            throw CryptoError.invalidRecord("it does not have the form $scrypt$parameters$salt$hash")
        }
        guard let salt = Base64Alphabet.standard.decode(parts[3]), salt.count == Self.saltByteCount,
            let hash = Base64Alphabet.standard.decode(parts[4]), hash.count == Self.hashByteCount
        else { throw CryptoError.invalidRecord("the salt is not 16 bytes or the hash is not 32 bytes of base64") }
        self.init(cost: try Self.cost(parts[2]), salt: salt, hash: hash)
    }

    /// The text to store.
    package var phc: String {
        "$scrypt$\(Self.parameters(cost))"
            + "$\(Base64Alphabet.standard.encode(salt))$\(Base64Alphabet.standard.encode(hash))"
    }

    package var description: String { "PasswordRecord(\(Self.parameters(cost)))" }

    /// Tells whether this is the record of `password`; every byte of its UTF-8 counts. It is as slow as
    /// ``make(password:cost:)``.
    ///
    /// - Throws: ``CryptoError/operationFailed(_:reason:)`` if memory is missing.
    package func matches(password: String) throws -> Bool {
        constantTimeEquals(try Self.derive(password, salt: salt, cost: cost), hash)
    }

    /// Tells whether the record is weaker in memory or in work than one made with `cost` would be, and should be made
    /// anew while the password is at hand.
    package func needsUpgrade(to cost: ScryptCost) -> Bool {
        self.cost.isWeaker(than: cost)
    }

    private static func derive(_ password: String, salt: [UInt8], cost: ScryptCost) throws -> [UInt8] {
        var bytes = Array(password.utf8)
        defer { bytes.wipe() }
        return try Scrypt.derive(
            password: bytes, salt: salt, n: cost.n, r: cost.r, p: cost.p, count: hashByteCount)
    }

    private static func parameters(_ cost: ScryptCost) -> String {
        "ln=\(cost.logN),r=\(cost.r),p=\(cost.p)"
    }

    private static func cost(_ text: Substring.UTF8View) throws -> ScryptCost {
        let fields = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count == 3,
            let logN = number(fields[0], after: "ln="),
            let r = number(fields[1], after: "r="),
            let p = number(fields[2], after: "p=")
        else { throw CryptoError.invalidRecord("the parameters are not ln=…,r=…,p=…") }
        // The smart shift of a two-digit number is defined; a result out of range is for ScryptCost to refuse.
        return try ScryptCost(n: 1 << logN, r: r, p: p)
    }

    /// Reads one or two decimal digits without a leading zero.
    private static func number(_ field: Substring.UTF8View, after name: String) -> Int? {
        guard field.starts(with: name.utf8) else { return nil }
        let digits = field.dropFirst(name.utf8.count)
        guard 1...2 ~= digits.count, let first = digits.first, first != UInt8(ascii: "0"),
            digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        else { return nil }
        return Int(Substring(digits))
    }
}
