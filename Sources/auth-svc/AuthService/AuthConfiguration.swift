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

    /// How long sessions live that are refreshed, in seconds: those of `rest`.
    package struct SessionLifetimes: Sendable {
        /// From the log-in on, however often the session is refreshed.
        package var absoluteSeconds: Int64 = 7_776_000
        /// From the log-in or the last refresh on.
        package var idleSeconds: Int64 = 2_592_000

        package init() {}
    }

    /// What a new password record costs; weaker records are made anew when their owner logs in.
    package var passwordCost = ScryptCost.standard
    /// Passwords that may wait for the one being hashed; one more is refused.
    package var maxWaitingHashes = 32
    package var tokenLifetimes = TokenLifetimes()
    package var sessionLifetimes = SessionLifetimes()
    /// Live sessions of one account in one dialect; a log-in beyond them ends the oldest.
    package var maxSessions = 100
    /// Characters of the longest user name, nickname, password, sign and e-mail address, unless a document allows less.
    package var maxTextCharacters = AccountRules.maxTextCharacters
    /// Characters of the shortest password that can be chosen; who has a shorter one can still log in with it.
    package var minPasswordCharacters = 6
    /// Bytes of the largest picture.
    package var maxPictureBytes = AccountRules.maxPictureBytes
    /// Whether registrations and failed log-ins are limited; off for load tests.
    package var areRatesLimited = true

    package init() {}

    /// How long sessions of a dialect and their tokens last.
    func terms(for dialect: Dialect) -> SessionTerms {
        let refreshing = SessionTerms.Refreshing(
            lifetimeSeconds: sessionLifetimes.absoluteSeconds, idleSeconds: sessionLifetimes.idleSeconds)
        return SessionTerms(
            tokenSeconds: tokenLifetimes.seconds(for: dialect), refreshing: dialect == .rest ? refreshing : nil)
    }
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
    /// | `auth.session-lifetime` | seconds from a log-in on that its `rest` session can be refreshed | 7776000 | 60…31536000 |
    /// | `auth.session-idle` | seconds that such a session lives without being refreshed | 2592000 | 60…31536000 |
    /// | `auth.max-sessions` | live sessions of one account in one dialect; one more ends the oldest | 100 | 1…500 |
    /// | `auth.max-text` | characters of a user name, nickname, password, sign, e-mail address | 255 | 1…255 |
    /// | `auth.min-password-length` | characters of a password that is chosen | 6 | 1…72, at most `auth.max-text` |
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
        for (key, field) in [
            ("lifetime", \SessionLifetimes.absoluteSeconds), ("idle", \.idleSeconds),
        ] {
            sessionLifetimes[keyPath: field] = Int64(
                try configuration.integer(
                    "auth.session-\(key)", default: Int(sessionLifetimes[keyPath: field]), in: 60...31_536_000))
        }
        // Its owner can see 500 in one list.
        maxSessions = try configuration.integer("auth.max-sessions", default: maxSessions, in: 1...500)
        // The upper ends are what the documents say and what 16 pictures in one answer of the bus can be.
        maxTextCharacters = try configuration.integer(
            "auth.max-text", default: maxTextCharacters, in: 1...AccountRules.maxTextCharacters)
        minPasswordCharacters = try configuration.integer(
            "auth.min-password-length", default: min(minPasswordCharacters, maxTextCharacters),
            in: 1...AccountRules.maxRestPassword)
        guard minPasswordCharacters <= maxTextCharacters else {
            throw Configuration.Invalid("MARTLET_AUTH_MIN_PASSWORD_LENGTH is more than MARTLET_AUTH_MAX_TEXT")
        }
        maxPictureBytes = try configuration.integer(
            "auth.max-picture", default: maxPictureBytes, in: 1...AccountRules.maxPictureBytes)
        areRatesLimited = try configuration.isOn("rate.limits", default: areRatesLimited)
    }
}
