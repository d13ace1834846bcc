import Logging
import Shared
import SharedCrypto
import SharedStorage

/// What auth-svc answers, and what the answers are made of. The gateway is the only caller.
final class AuthHandlers: Sendable {
    let configuration: AuthConfiguration
    let rules: AccountRules
    let store: AuthStore
    let hasher: PasswordHasher
    let signer: TokenSigner
    let publicKey: Ed25519PublicKey
    /// Reads tokens that come with a log-in; who may do what with one is judged at the gateway.
    let verifier: TokenVerifier
    /// Delivers what social-svc is owed.
    let relay: OutboxRelay
    let logger: Logger
    /// `nil` when the operator has switched them off.
    let limits: AttemptLimits?

    init(
        configuration: AuthConfiguration, store: AuthStore, hasher: PasswordHasher, key: Ed25519PrivateKey,
        relay: OutboxRelay, logger: Logger
    ) {
        self.configuration = configuration
        rules = AccountRules(
            maxTextCharacters: configuration.maxTextCharacters,
            minPasswordCharacters: configuration.minPasswordCharacters, maxPictureBytes: configuration.maxPictureBytes)
        self.store = store
        self.hasher = hasher
        signer = TokenSigner(key: key)
        publicKey = key.publicKey
        verifier = TokenVerifier(keys: [key.publicKey.keyID: key.publicKey])
        self.relay = relay
        self.logger = logger
        limits = configuration.areRatesLimited ? AttemptLimits(store: store) : nil
    }

    /// Milliseconds since 1970 by the clock of the tables.
    var now: Int64 { store.clock.milliseconds }

    /// The table of contents: one line, one file.
    var routes: BusRoutes {
        var routes = BusRoutes()
        routes.on(AuthAPI.Register.self, from: [.gateway], handler: register)
        routes.on(AuthAPI.LogIn.self, from: [.gateway], handler: logIn)
        routes.on(AuthAPI.Refresh.self, from: [.gateway], handler: refresh)
        routes.on(AuthAPI.LogOut.self, from: [.gateway], handler: logOut)
        routes.on(AuthAPI.Sessions.self, from: [.gateway], handler: sessions)
        routes.on(AuthAPI.NoteSeen.self, from: [.gateway], handler: noteSeen)
        routes.on(AuthAPI.Profiles.self, from: [.gateway], handler: profiles)
        routes.on(AuthAPI.FindAccounts.self, from: [.gateway], handler: findAccounts)
        routes.on(AuthAPI.Pictures.self, from: [.gateway], handler: pictures)
        routes.on(AuthAPI.SigningKeys.self, from: [.gateway], handler: signingKeys)
        routes.on(AuthAPI.RevokedSessions.self, from: [.gateway], handler: revokedSessions)
        routes.on(AuthAPI.ModifyAccount.self, from: [.gateway], handler: modifyAccount)
        routes.on(AuthAPI.CancelAccount.self, from: [.gateway], handler: cancelAccount)
        return routes
    }

    // MARK: - Shared steps

    /// Time kept back from a caller's deadline for what follows a hash.
    private static let answerMargin = Duration.milliseconds(300)

    /// Runs work on the password thread, outside of any transaction, and says its failures in the words of the bus.
    ///
    /// Work that has not begun when its caller is about to give up leaves the queue: under a flood of log-ins the thread
    /// then only hashes for those who still wait.
    func hashing<Value: Sendable>(
        _ call: BusCall, _ work: @escaping @Sendable () async throws -> Value
    ) async throws(ServiceError) -> Value {
        let hash = Task { try await work() }
        let patience = call.deadline + (.zero - Self.answerMargin)
        let timer = Task {
            // Cancelled when the hash was made in time.
            try? await Task.sleep(for: .milliseconds(Int64(patience.millisecondsFromNow)))
            hash.cancel()
        }
        defer { timer.cancel() }
        do {
            return try await hash.value
        } catch is PasswordHasher.Refusal, is CancellationError {
            throw ServiceError(.unavailable)
        } catch {
            logger.error("a password could not be hashed", metadata: metadata(call, ["error": "\(error)"]))
            throw ServiceError(.internal)
        }
    }

    /// Whether a password is the one of a record; without a record the answer is no, after the same time.
    func isRight(
        _ password: String, against record: PasswordRecord?, _ call: BusCall
    ) async throws(ServiceError) -> Bool {
        let isPossible = AccountRules.isPossible(password: password)
        let isMatch = try await hashing(call) { [hasher] in
            try await hasher.verify(isPossible ? password : "", against: record)
        }
        return isPossible && isMatch
    }

    /// Does what a password was checked for, anew from the check on when the account got another record meanwhile.
    ///
    /// - Parameter work: checks and acts; `nil` when there was another record by then, and nothing was done.
    func withUnchangedRecord<Value>(
        _ work: () async throws(ServiceError) -> Value?
    ) async throws(ServiceError) -> Value {
        for _ in 0..<Self.maxChecks {
            if let value = try await work() { return value }
        }
        throw ServiceError(.unavailable)
    }

    /// Checks of one password: a record changes when its owner changes it or, once, when a log-in makes it anew.
    private static var maxChecks: Int { 4 }

    /// A refresh token nobody has had yet.
    func newRefreshToken(_ call: BusCall) throws(ServiceError) -> RefreshToken {
        do {
            return RefreshToken(randomBytes: try secureRandomBytes(RefreshToken.byteCount))
        } catch {
            logger.error("a refresh token could not be made", metadata: metadata(call, ["error": "\(error)"]))
            throw ServiceError(.internal)
        }
    }

    /// The access token of a session.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970, as are `ends`.
    func accessToken(
        for session: SessionID, of account: AccountID, _ dialect: Dialect, ends: SessionEnds, now: Int64,
        _ call: BusCall
    ) throws(ServiceError) -> String {
        do {
            return try signer.sign(
                AccessClaims(
                    account: account.rawValue, session: session.rawValue, dialect: dialect.description,
                    issuedAt: now / 1_000, expiresAt: ends.token / 1_000))
        } catch {
            logger.error("a token could not be signed", metadata: metadata(call, ["error": "\(error)"]))
            throw ServiceError(.internal)
        }
    }

    /// Refuses work whose caller has stopped waiting: it is certain then that nothing was done.
    func checkDeadline(_ call: BusCall) throws(ServiceError) {
        if call.deadline.hasPassed { throw ServiceError(.unavailable) }
    }

    /// The metadata of a log line about a call.
    func metadata(_ call: BusCall, _ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["request.id": "\(call.trace)"]) { given, _ in given }
    }
}
