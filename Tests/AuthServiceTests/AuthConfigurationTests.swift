import Shared
import SharedCrypto
import Testing

@testable import AuthService

@Suite struct AuthConfigurationTests {
    @Test func `nothing set gives the defaults`() throws {
        var source = try Configuration(arguments: [], environment: [:])

        let configuration = try AuthConfiguration(reading: &source)

        #expect(configuration.passwordCost == .standard)
        #expect(configuration.maxWaitingHashes == 32)
        #expect(Dialect.allCases.map(configuration.tokenLifetimes.seconds) == [86_400, 86_400, 900])
        #expect(configuration.sessionLifetimes.absoluteSeconds == 90 * 86_400)
        #expect(configuration.sessionLifetimes.idleSeconds == 30 * 86_400)
        #expect(configuration.maxSessions == 100)
        #expect(configuration.maxTextCharacters == 255)
        #expect(configuration.minPasswordCharacters == 6)
        #expect(configuration.maxPictureBytes == 524_288)
        #expect(configuration.areRatesLimited)
    }

    @Test func `every key is read`() throws {
        var source = try Configuration(
            arguments: [
                "--auth-scrypt-n", "65536", "--auth-scrypt-r", "4", "--auth-scrypt-p", "2", "--auth-hash-queue", "7",
                "--auth-token-lifetime-classic", "61", "--auth-token-lifetime-socket", "62",
                "--auth-token-lifetime-rest", "63", "--auth-max-text", "64", "--auth-max-picture", "65",
                "--auth-min-password-length", "8",
                "--auth-session-lifetime", "66", "--auth-session-idle", "67", "--auth-max-sessions", "68",
            ], environment: ["MARTLET_RATE_LIMITS": "off"])

        let configuration = try AuthConfiguration(reading: &source)

        try source.rejectUnknownFlags()
        #expect(try configuration.passwordCost == ScryptCost(n: 65_536, r: 4, p: 2))
        #expect(configuration.maxWaitingHashes == 7)
        #expect(Dialect.allCases.map(configuration.tokenLifetimes.seconds) == [61, 62, 63])
        #expect(configuration.sessionLifetimes.absoluteSeconds == 66)
        #expect(configuration.sessionLifetimes.idleSeconds == 67)
        #expect(configuration.maxSessions == 68)
        #expect(configuration.maxTextCharacters == 64)
        #expect(configuration.minPasswordCharacters == 8)
        #expect(configuration.maxPictureBytes == 65)
        #expect(!configuration.areRatesLimited)
    }

    @Test func `a shortest password is no longer than the longest text`() throws {
        func read(_ arguments: [String]) throws -> Int {
            var source = try Configuration(arguments: arguments, environment: [:])
            return try AuthConfiguration(reading: &source).minPasswordCharacters
        }
        #expect(try read(["--auth-max-text", "3"]) == 3)
        #expect(throws: Configuration.Invalid.self) {
            try read(["--auth-max-text", "7", "--auth-min-password-length", "8"])
        }
        #expect(throws: Configuration.Invalid.self) { try read(["--auth-min-password-length", "73"]) }
    }

    @Test func `only sessions of rest are refreshed`() {
        let configuration = AuthConfiguration()

        #expect(
            Dialect.allCases.map { configuration.terms(for: $0) } == [
                SessionTerms(tokenSeconds: 86_400, refreshing: nil),
                SessionTerms(tokenSeconds: 86_400, refreshing: nil),
                SessionTerms(
                    tokenSeconds: 900, refreshing: .init(lifetimeSeconds: 7_776_000, idleSeconds: 2_592_000)),
            ])
    }

    @Test(arguments: [
        ("MARTLET_AUTH_SCRYPT_N", "1023"), ("MARTLET_AUTH_SCRYPT_N", "3000"), ("MARTLET_AUTH_SCRYPT_R", "0"),
        ("MARTLET_AUTH_SCRYPT_P", "17"), ("MARTLET_AUTH_HASH_QUEUE", "-1"),
        ("MARTLET_AUTH_TOKEN_LIFETIME_CLASSIC", "59"), ("MARTLET_AUTH_MAX_TEXT", "256"),
        ("MARTLET_AUTH_MAX_PICTURE", "524289"), ("MARTLET_RATE_LIMITS", "no"),
        ("MARTLET_AUTH_SESSION_LIFETIME", "59"), ("MARTLET_AUTH_SESSION_IDLE", "31536001"),
        ("MARTLET_AUTH_MAX_SESSIONS", "0"), ("MARTLET_AUTH_MAX_SESSIONS", "501"),
    ])
    func `a value out of range is refused and the key named`(key: String, value: String) throws {
        var source = try Configuration(arguments: [], environment: [key: value])

        let error = #expect(throws: Configuration.Invalid.self) { try AuthConfiguration(reading: &source) }

        #expect(error?.description.contains(key) == true)
    }
}
