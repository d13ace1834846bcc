package import Shared
package import SharedCrypto

/// What an operator may choose about auth-svc.
package struct AuthConfiguration: Sendable {
    /// How long the tokens of each dialect are valid, in seconds.
    package struct TokenLifetimes: Sendable {
        package var classicSeconds: Int64 = 86_400
        package var socketSeconds: Int64 = 86_400
        package var restSeconds: Int64 = 900

        package init() {}

        func seconds(for dialect: Dialect) -> Int64 {
            switch dialect {
            case .classic: classicSeconds
            case .socket: socketSeconds
            case .rest: restSeconds
            }
        }
    }

    /// What a new password record costs; weaker records are made anew when their owner logs in.
    package var passwordCost = ScryptCost.standard
    /// Passwords that may wait for the one being hashed; one more is refused.
    package var maxWaitingHashes = 32
    package var tokenLifetimes = TokenLifetimes()
    /// Characters of the longest user name, password and e-mail address.
    package var maxTextCharacters = AccountRules.maxTextCharacters
    /// Bytes of the largest picture.
    package var maxPictureBytes = AccountRules.maxPictureBytes
    /// Whether registrations and failed log-ins are limited; off for load tests.
    package var areRatesLimited = true

    package init() {}
}

extension AuthConfiguration {
    /// Reads and checks the settings.
    ///
    /// | key | meaning | default | range |
    /// |---|---|---|---|
    /// | `auth.scrypt-n` | blocks in memory of one password hash | 32768 | a power of two in 1024…1048576 |
    /// | `auth.scrypt-r` | size of a block, in units of 128 bytes | 8 | 1…32; n·r·128 at most 256 MiB |
    /// | `auth.scrypt-p` | how often the work is done | 3 | 1…16 |
    /// | `auth.hash-queue` | passwords that may wait for the one being hashed | 32 | 0…10000 |
    /// | `auth.token-lifetime.classic` | seconds a token of this dialect is valid | 86400 | 60…31536000 |
    /// | `auth.token-lifetime.socket` | the same | 86400 | 60…31536000 |
    /// | `auth.token-lifetime.rest` | the same | 900 | 60…31536000 |
    /// | `auth.max-text` | characters of a user name, password, e-mail address | 255 | 1…255 |
    /// | `auth.max-picture` | bytes of a picture | 524288 | 1…524288 |
    /// | `rate.limits` | limits on registrations and failed log-ins | on | on, off |
    ///
    /// - Throws: `Configuration.Invalid` that names the key.
    package init(reading configuration: inout Configuration) throws {
        self.init()
        let n = try configuration.integer("auth.scrypt-n", default: passwordCost.n, in: 1_024...1_048_576)
        let r = try configuration.integer("auth.scrypt-r", default: passwordCost.r, in: 1...32)
        let p = try configuration.integer("auth.scrypt-p", default: passwordCost.p, in: 1...16)
        do {
            passwordCost = try ScryptCost(n: n, r: r, p: p)
        } catch {
            throw Configuration.Invalid("MARTLET_AUTH_SCRYPT_N, _R and _P do not fit together: \(error)")
        }
        maxWaitingHashes = try configuration.integer("auth.hash-queue", default: maxWaitingHashes, in: 0...10_000)
        for (key, field) in [
            ("classic", \TokenLifetimes.classicSeconds), ("socket", \.socketSeconds), ("rest", \.restSeconds),
        ] {
            tokenLifetimes[keyPath: field] = Int64(
                try configuration.integer(
                    "auth.token-lifetime.\(key)", default: Int(tokenLifetimes[keyPath: field]), in: 60...31_536_000))
        }
        // The upper ends are what the documents say and what 16 pictures in one answer of the bus can be.
        maxTextCharacters = try configuration.integer(
            "auth.max-text", default: maxTextCharacters, in: 1...AccountRules.maxTextCharacters)
        maxPictureBytes = try configuration.integer(
            "auth.max-picture", default: maxPictureBytes, in: 1...AccountRules.maxPictureBytes)
        areRatesLimited = try configuration.isOn("rate.limits", default: areRatesLimited)
    }
}
