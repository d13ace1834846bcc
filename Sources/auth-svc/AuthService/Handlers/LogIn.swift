import Logging
import Shared
import SharedCrypto

extension AuthHandlers {
    /// Opens a session for a name and password and signs its token.
    func logIn(_ request: AuthAPI.LogIn, _ call: BusCall) async throws(ServiceError) -> AuthAPI.LogIn.Reply {
        let attempt = RateLimits.LogInAttempt(request)
        var who: Logger.Metadata = ["account": "unknown", "address": "\(request.address)"]
        do throws(ServiceError) {
            try withLimits { limits, now throws(ServiceError) in try limits.begin(attempt, now: now) }
            let (opening, opened) = try await admitted(request, attempt, call, &who)
            let token = try token(for: opening, opened.session, call)
            logger.info("logged in", metadata: metadata(call, who.merging(["session": "\(opened.session)"]) { $1 }))
            return AuthAPI.LogIn.Reply(session: opened.session, token: token, profile: opened.profile)
        } catch {
            logger.info("log-in refused", metadata: metadata(call, who.merging(["reason": "\(error.code)"]) { $1 }))
            throw error
        }
    }

    /// The session of those whom name and password belong to; settles the attempt whatever happens.
    private func admitted(
        _ request: AuthAPI.LogIn, _ attempt: RateLimits.LogInAttempt, _ call: BusCall, _ who: inout Logger.Metadata
    ) async throws(ServiceError) -> (SessionOpening, OpenedSession) {
        var isFailure = false
        defer { settle(attempt, failed: isFailure) }

        return try await withUnchangedRecord { () async throws(ServiceError) in
            let known = attempt.userName == nil ? nil : try await store.credentials(userName: request.userName)
            if let known { who["account"] = "\(known.account)" }
            // Unknown names and impossible passwords take the time of a wrong password, so that time tells nothing.
            let isRight = try await isRight(request.password, against: known?.password, call)
            guard let known, isRight else {
                isFailure = true
                throw ServiceError(.wrongCredentials)
            }
            let upgrade = try await upgradedRecord(of: known, request.password)
            let opening = SessionOpening(
                request, account: known.account,
                lifetimeSeconds: configuration.tokenLifetimes.seconds(for: request.dialect),
                now: WallClock.milliseconds)
            return try await store.open(
                opening, checkedAgainst: known.password, upgrade: upgrade, until: call.deadline
            ).map { (opening, $0) }
        }
    }

    private func settle(_ attempt: RateLimits.LogInAttempt, failed: Bool) {
        withLimits { limits, now in limits.end(attempt, failed: failed, now: now) }
    }

    /// A record of the present cost when the stored one is weaker and there is time to make it.
    private func upgradedRecord(
        of credentials: Credentials, _ password: String
    ) async throws(ServiceError) -> PasswordRecord? {
        guard credentials.password.needsUpgrade(to: hasher.cost) else { return nil }
        // Without it the log-in is as good as before, and the next one tries again.
        return try? await hasher.hash(password)
    }

    private func token(
        for opening: SessionOpening, _ session: SessionID, _ call: BusCall
    ) throws(ServiceError) -> String {
        do {
            return try signer.sign(
                AccessClaims(
                    account: opening.account.rawValue, session: session.rawValue,
                    dialect: opening.dialect.description, issuedAt: opening.openedAt / 1_000,
                    expiresAt: opening.expiresAt / 1_000))
        } catch {
            logger.error("a token could not be signed", metadata: metadata(call, ["error": "\(error)"]))
            throw ServiceError(.internal)
        }
    }
}
